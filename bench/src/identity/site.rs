//! A server over a store, called in process: everything between a request's head and its answer's bytes.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::Request;
use serde_json::Value;
use tenantry::ambient::{OsEntropy, SystemClock};
use tenantry_file::{SourceText, compile, load};
use tenantry_guard::{Guard, Parts};
use tenantry_identity::apis::NewApi;
use tenantry_identity::{Audience, Caller, Identity, Issuer, Subject};
use tenantry_policy::{Clock, Entropy};
use tenantry_server::{App, management_scopes, router};
use tenantry_source::{Options, Source, SourceUrl, read_catalog};
use tenantry_store::{Store, StoreUrl};
use tower::ServiceExt as _;

use crate::timing::Watch;
use crate::{Doing, Problem};

const ISSUER: &str = "https://bench.localhost/";

const POLICY: &str = r#"
[source.main]
url = "env:BENCH_DATABASE"
[role.agent]
tools = ["orders.*"]
[table.orders]
source = "main.orders"
scope = { tenant_id = "principal.tenant_id" }
fields = { id = "allow", tenant_id = "allow", total_cents = "allow" }
"#;

/// A server with what a benchmark asks of it.
pub(crate) struct Site {
    router: Router,
    pub(crate) identity: Arc<Identity>,
    pub(crate) operator: Caller,
    management: String,
    _round: tenantry_identity::Watch,
}

/// A request that can be sent more than once.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) method: &'static str,
    pub(crate) path: String,
    pub(crate) token: Option<Arc<str>>,
    pub(crate) body: Option<Bytes>,
}

impl Site {
    /// Opens a server over a store, with a table of rows in a SQLite file.
    ///
    /// # Errors
    /// [`Problem`] with the words of what failed.
    pub(crate) async fn open(store_url: &str, folder: &Path) -> Result<Site, Problem> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let entropy: Arc<dyn Entropy> = Arc::new(OsEntropy);
        let rows = folder.join("orders.db");
        let made = rusqlite::Connection::open(&rows).and_then(|connection| {
            connection.execute_batch(
                "PRAGMA journal_mode = WAL; CREATE TABLE orders (id INTEGER PRIMARY KEY, tenant_id TEXT NOT NULL, \
                 total_cents INTEGER NOT NULL); CREATE INDEX orders_by_tenant ON orders (tenant_id, id);",
            )
        });
        made.doing("make the table")?;
        let url = SourceUrl::parse(&format!("sqlite:{}", rows.display())).doing("open the table")?;
        let catalog = read_catalog(&url).await.doing("read the catalog")?;
        let loaded = load(vec![SourceText { name: "tenantry.toml".to_owned(), text: POLICY.to_owned() }])
            .map_err(|found| Problem::new("load the policy", format!("{found:?}")))?;
        let compiled = compile(&loaded, &BTreeMap::from([("main".to_owned(), catalog)]))
            .map_err(|found| Problem::new("compile the policy", format!("{found:?}")))?;
        let source = Source::open("main", &url, Options::default(), Arc::clone(&clock)).await;
        let source = source.doing("open the source")?;
        let options = tenantry_store::Options {
            clock: Arc::clone(&clock),
            entropy: Arc::clone(&entropy),
            key_file: Some(folder.join("keys.json")),
        };
        let url = StoreUrl::parse(store_url).doing("open the store")?;
        let store = Arc::new(Store::open(&url, options).await.doing("open the store")?);
        let issuer = Issuer::open(&store, ISSUER, Arc::clone(&clock), Arc::clone(&entropy));
        let issuer = Arc::new(issuer.await.doing("open the issuer")?);
        let guard = Guard::new(Parts {
            policy: Arc::new(compiled.policy),
            sources: HashMap::from([(Arc::from("main"), source)]),
            store: Arc::clone(&store),
            clock: Arc::clone(&clock),
            entropy: Arc::clone(&entropy),
        });
        let guard = Arc::new(guard.await.doing("open the guard")?);
        let identity = Arc::new(Identity::new(store, issuer, Arc::clone(&clock), Arc::clone(&entropy)));
        identity.prepare(&management_scopes()).await.doing("prepare the store")?;
        let round = identity.watch();
        let management = identity.issuer().issue_management("bench", &management_scopes(), Duration::from_hours(23));
        let management = management.doing("issue a token")?;
        let router = router(App::new(guard, Arc::clone(&identity), clock, entropy));
        Ok(Site { router, identity, operator: Caller::operator("bench"), management, _round: round })
    }

    /// A call of the Management API with every scope.
    pub(crate) fn managing(&self, method: &'static str, path: impl Into<String>, body: Option<&Value>) -> Asked {
        Asked {
            method,
            path: ["/api/v2", &path.into()].concat(),
            token: Some(["Bearer ", &self.management].concat().into()),
            body: body.map(|body| body.to_string().into()),
        }
    }

    /// A token for a member of an account.
    ///
    /// # Errors
    /// [`Problem`] when none is made.
    pub(crate) fn member(&self, account: &str, user: &str) -> Result<Arc<str>, Problem> {
        let subject = Subject {
            account: Some(account.to_owned()),
            org: Some(account.to_owned()),
            user: Some(user.to_owned()),
            roles: vec!["agent".to_owned()],
            ..Subject::default()
        };
        let token = self.identity.issuer().issue(&subject, Duration::from_hours(23), Audience::App);
        Ok(["Bearer ", &token.doing("issue a token")?].concat().into())
    }

    /// Asks, and answers the body and how long it took.
    ///
    /// # Errors
    /// [`Problem`] with the answer when it is no success.
    pub(crate) async fn ask(&self, asked: &Asked) -> Result<(Duration, Bytes), Problem> {
        let failed = "call the server";
        let mut request = Request::builder().method(asked.method).uri(asked.path.as_str());
        if let Some(token) = &asked.token {
            request = request.header("authorization", token.as_ref());
        }
        if asked.body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let body = asked.body.clone().map_or_else(Body::empty, Body::from);
        let request = request.body(body).doing(failed)?;
        let router = self.router.clone();
        let watch = Watch::start();
        let response = router.oneshot(request).await.doing(failed)?;
        let status = response.status();
        let body = response.into_body().collect().await.doing(failed)?.to_bytes();
        let took = watch.passed();
        if !status.is_success() {
            let told = String::from_utf8_lossy(&body);
            return Err(Problem::new(failed, format!("{} {}: {status} {told}", asked.method, asked.path)));
        }
        Ok((took, body))
    }

    /// Asks, and reads the answer.
    ///
    /// # Errors
    /// As [`Site::ask`].
    pub(crate) async fn json(&self, asked: &Asked) -> Result<Value, Problem> {
        let (_, body) = self.ask(asked).await?;
        if body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&body).doing("read an answer")
    }

    /// An API, and a client that may ask for its tokens in every account: what it sends for one.
    ///
    /// # Errors
    /// As [`Site::ask`].
    pub(crate) async fn client(&self, algorithm: &str) -> Result<Client, Problem> {
        let audience = format!("https://{}.bench.example/", algorithm.to_lowercase());
        let api = serde_json::json!({
            "signing_alg": algorithm,
            "scopes": [{"value": "read:orders"}, {"value": "write:orders"}],
        });
        let fields = api.as_object().cloned().unwrap_or_default();
        // The compatible API knows no ES256: only the file does, whose operations these are.
        let new = NewApi { identifier: audience.clone(), name: Some(algorithm.to_owned()), fields };
        self.identity.create_api(&self.operator, new).await.doing("make an API")?;
        let client = serde_json::json!({
            "name": algorithm, "app_type": "non_interactive", "grant_types": ["client_credentials"],
            "organization_usage": "allow",
        });
        let client = self.json(&self.managing("POST", "/clients", Some(&client))).await?;
        let text = |name: &str| client.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (id, secret) = (text("client_id"), text("client_secret"));
        let grant = serde_json::json!({
            "client_id": id, "audience": audience, "scope": ["read:orders", "write:orders"],
            "organization_usage": "allow", "allow_any_organization": true,
        });
        self.json(&self.managing("POST", "/client-grants", Some(&grant))).await?;
        Ok(Client { id, secret, audience })
    }
}

/// A client that asks for tokens.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    id: String,
    secret: String,
    audience: String,
}

impl Client {
    /// What it sends for a token, in an account if one is named.
    pub(crate) fn token(&self, account: Option<&str>) -> Asked {
        let mut body = serde_json::json!({
            "grant_type": "client_credentials", "client_id": self.id, "client_secret": self.secret,
            "audience": self.audience,
        });
        if let (Some(body), Some(account)) = (body.as_object_mut(), account) {
            body.insert("organization".to_owned(), account.into());
        }
        Asked { method: "POST", path: "/oauth/token".to_owned(), token: None, body: Some(body.to_string().into()) }
    }
}
