//! Two accounts of one platform, called in process.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tempfile::TempDir;
use tenantry_file::{SourceText, compile, load};
use tenantry_guard::{Guard, Parts};
use tenantry_identity::{Audience, Caller, Identity, Issuer, Subject};
use tenantry_policy::{Clock, Entropy};
use tenantry_server::{App, router};
use tenantry_store::{Store, StoreUrl};
use tower::ServiceExt;

use crate::support::ambient::{SeededEntropy, TestClock};
use crate::support::database::Database;

/// A server.
pub struct World {
    router: Router,
    pub identity: Arc<Identity>,
    pub clock: Arc<TestClock>,
    pub operator: Caller,
    _folder: TempDir,
}

/// Runs a test over each store: SQLite, and PostgreSQL where the tests are given one.
pub async fn on_each_store(test: impl AsyncFn(&World)) {
    test(&World::small().await).await;
    match Database::postgres().await {
        Some(database) => {
            test(&World::open(&database.store_url(), tempfile::tempdir().unwrap()).await).await;
        }
        None => eprintln!("skipped on PostgreSQL: TENANTRY_TEST_POSTGRES is not set"),
    }
}

/// Whom a token is for.
#[derive(Debug, Clone, Default)]
pub struct Who<'a> {
    pub account: Option<&'a str>,
    pub workspace: Option<&'a str>,
    pub user: Option<&'a str>,
    pub roles: &'a [&'a str],
}

impl World {
    /// On SQLite.
    pub async fn small() -> World {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("store.db").display());
        World::open(&url, folder).await
    }

    async fn open(store_url: &str, folder: TempDir) -> World {
        let clock = Arc::new(TestClock::default());
        let shared: Arc<dyn Clock> = clock.clone();
        let entropy: Arc<dyn Entropy> = Arc::new(SeededEntropy::new(12));
        let options = tenantry_store::Options {
            clock: Arc::clone(&shared),
            entropy: Arc::clone(&entropy),
            key_file: Some(folder.path().join("keys.json")),
        };
        let store = Arc::new(Store::open(&StoreUrl::parse(store_url).unwrap(), options).await.unwrap());
        let issuer = Issuer::open(&store, "https://tenantry.example/", Arc::clone(&shared), Arc::clone(&entropy));
        let issuer = Arc::new(issuer.await.unwrap());
        let loaded = load(vec![SourceText { name: "tenantry.toml".to_owned(), text: String::new() }]).unwrap();
        let compiled = compile(&loaded, &BTreeMap::new()).unwrap();
        let guard = Guard::new(Parts {
            policy: Arc::new(compiled.policy),
            sources: HashMap::new(),
            store: Arc::clone(&store),
            clock: Arc::clone(&shared),
            entropy: Arc::clone(&entropy),
        });
        let guard = Arc::new(guard.await.unwrap());
        let identity = Arc::new(Identity::new(store, issuer, Arc::clone(&shared), Arc::clone(&entropy)));
        let router = router(App::new(guard, Arc::clone(&identity), shared, entropy));
        World { router, identity, clock, operator: Caller::operator("test"), _folder: folder }
    }

    /// A token of a context.
    pub fn token(&self, context: Audience, who: &Who<'_>) -> String {
        let subject = Subject {
            account: who.account.map(str::to_owned),
            workspace: who.workspace.map(str::to_owned),
            user: Some(who.user.unwrap_or("auth0|somebody").to_owned()),
            roles: who.roles.iter().map(|role| (*role).to_owned()).collect(),
            platform: who.account.is_none(),
            ..Subject::default()
        };
        self.identity.issuer().issue(&subject, Duration::from_mins(5), context).unwrap()
    }

    /// A token of the platform's owner.
    pub fn owner(&self) -> String {
        self.token(Audience::Portal, &Who { roles: &["platform-owner"], ..Who::default() })
    }

    /// Calls a path; answers status and body (null when there is none).
    pub async fn call(&self, token: &str, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let (status, text) = self.raw(Some(token), method, path, body.map(|body| body.to_string())).await;
        (status, if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap() })
    }

    /// The same with texts.
    pub async fn raw(&self, token: Option<&str>, method: &str, path: &str, body: Option<String>) -> (u16, String) {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let body = body.map_or_else(Body::empty, Body::from);
        let response = self.router.clone().oneshot(request.body(body).unwrap()).await.unwrap();
        let status = response.status().as_u16();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(bytes.to_vec()).unwrap())
    }

    /// Makes an account; answers its id.
    pub async fn account(&self, name: &str) -> String {
        let (status, made) =
            self.call(&self.owner(), "POST", "/portal/v1/accounts", Some(json!({ "name": name }))).await;
        assert_eq!(status, 201, "{made}");
        made["data"]["id"].as_str().unwrap().to_owned()
    }
}
