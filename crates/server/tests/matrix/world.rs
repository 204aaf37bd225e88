//! Two accounts of one platform, called in process.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tempfile::TempDir;
use tenantry_file::{SourceText, compile, load};
use tenantry_guard::limits::Limiter;
use tenantry_guard::{Guard, Parts};
use tenantry_identity::{Audience, Identity, Issuer, Subject, contexts};
use tenantry_policy::limits::LimitLaw;
use tenantry_policy::{Clock, Entropy};
use tenantry_server::{App, management_scopes, router};
use tenantry_store::identity::client_grants::ClientGrant;
use tenantry_store::identity::clients::Client;
use tenantry_store::{Store, StoreUrl};
use tower::ServiceExt;

use crate::support::ambient::{SeededEntropy, TestClock};
use crate::support::database::Database;

/// A server.
pub struct World {
    pub router: Router,
    pub identity: Arc<Identity>,
    pub guard: Arc<Guard>,
    pub clock: Arc<TestClock>,
    pub store: Arc<Store>,
    kept: Kept,
    _folder: TempDir,
}

/// Where the store is.
pub enum Kept {
    Sqlite(PathBuf),
    Postgres(Database),
}

/// Runs a test over each store: SQLite, and PostgreSQL where the tests are given one.
pub async fn on_each_store(test: impl AsyncFn(&World)) {
    test(&World::small().await).await;
    match Database::postgres().await {
        Some(database) => {
            let url = database.store_url();
            test(&World::open(&url, tempfile::tempdir().unwrap(), Kept::Postgres(database)).await).await;
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
    /// Built-in roles, by name.
    pub roles: &'a [&'a str],
    /// And these permissions.
    pub permissions: Vec<&'static str>,
}

impl World {
    /// On SQLite.
    pub async fn small() -> World {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.db");
        let url = format!("sqlite:{}", path.display());
        World::open(&url, folder, Kept::Sqlite(path)).await
    }

    async fn open(store_url: &str, folder: TempDir, kept: Kept) -> World {
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
        guard.limit(Arc::new(Limiter::new(LimitLaw::default(), Arc::clone(&store), Arc::clone(&shared))));
        let identity = Arc::new(Identity::new(Arc::clone(&store), issuer, Arc::clone(&shared), Arc::clone(&entropy)));
        identity.prepare(&management_scopes()).await.unwrap();
        let router = router(App::new(Arc::clone(&guard), Arc::clone(&identity), shared, entropy));
        World { router, identity, guard, clock, store, kept, _folder: folder }
    }

    /// A token of a context.
    pub fn token(&self, context: Audience, who: &Who<'_>) -> String {
        self.token_for(context, who, Duration::from_mins(5))
    }

    /// The same with a life.
    pub fn token_for(&self, context: Audience, who: &Who<'_>, life: Duration) -> String {
        let held = contexts::ROLES.iter().filter(|role| role.context == context && who.roles.contains(&role.name));
        let permissions: BTreeSet<&str> =
            held.flat_map(|role| role.permissions()).chain(who.permissions.iter().copied()).collect();
        let subject = Subject {
            permissions: permissions.into_iter().map(str::to_owned).collect(),
            account: who.account.map(str::to_owned),
            workspace: who.workspace.map(str::to_owned),
            user: Some(who.user.unwrap_or("auth0|somebody").to_owned()),
            roles: who.roles.iter().map(|role| (*role).to_owned()).collect(),
            platform: who.account.is_none(),
            ..Subject::default()
        };
        self.identity.issuer().issue(&subject, life, context).unwrap()
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
        let mut request = Request::builder().method(method).uri(path).header("host", "tenantry.example");
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

    /// Puts a client with a grant for an account into the store; answers both ids.
    pub async fn client(&self, name: &str, account: &str) -> (String, String) {
        let (client, grant) = (format!("client-of-{name}"), format!("cgr_of{name:a<14}"));
        let api = self.store.api_identified("dashboard").await.unwrap().unwrap();
        let mut batch = self.store.batch();
        batch.insert_client(&Client {
            id: client.clone(),
            name: client.clone(),
            app_type: Some("non_interactive".to_owned()),
            doc: "{}".to_owned(),
            version: 1,
            ..Client::default()
        });
        batch.insert_client_grant(&ClientGrant {
            id: grant.clone(),
            client_id: client.clone(),
            api_id: api.id,
            subject_type: "client".to_owned(),
            doc: r#"{"organization_usage":"allow","scope":[]}"#.to_owned(),
            version: 1,
            ..ClientGrant::default()
        });
        batch.insert_account_grant(account, &grant, 1);
        self.store.commit(batch).await.unwrap();
        (client, grant)
    }

    /// Everything that the store holds of identity, one text a row.
    pub async fn rows(&self) -> BTreeSet<String> {
        // What every call leaves behind, whoever calls.
        let left_out = |table: &str| {
            ["tenantry_audit", "tenantry_journal", "tenantry_log", "tenantry_store", "tenantry_idempotency"]
                .iter()
                .any(|start| table.starts_with(start))
        };
        let mut rows = BTreeSet::new();
        match &self.kept {
            Kept::Sqlite(path) => {
                let connection = rusqlite::Connection::open(path).unwrap();
                let mut names = connection.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").unwrap();
                let names: Vec<String> =
                    names.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap();
                for name in names.iter().filter(|name| name.starts_with("tenantry_") && !left_out(name)) {
                    let mut statement = connection.prepare(&format!("SELECT * FROM {name}")).unwrap();
                    let columns = statement.column_count();
                    let mut found = statement.query([]).unwrap();
                    while let Some(row) = found.next().unwrap() {
                        let cells: Vec<String> =
                            (0..columns).map(|at| format!("{:?}", row.get_ref(at).unwrap())).collect();
                        rows.insert(format!("{name}: {}", cells.join("|")));
                    }
                }
            }
            Kept::Postgres(database) => {
                let client = database.client().await;
                let names = client
                    .query(
                        "SELECT table_name::text FROM information_schema.tables WHERE table_name LIKE 'tenantry\\_%'",
                        &[],
                    )
                    .await
                    .unwrap();
                for name in names.iter().map(|row| row.get::<_, String>(0)).filter(|name| !left_out(name)) {
                    let found = client.query(&format!("SELECT t::text FROM {name} t"), &[]).await.unwrap();
                    rows.extend(found.iter().map(|row| format!("{name}: {}", row.get::<_, String>(0))));
                }
            }
        }
        rows
    }

    /// Makes an account; answers its id.
    pub async fn account(&self, name: &str) -> String {
        let (status, made) =
            self.call(&self.owner(), "POST", "/portal/v1/accounts", Some(json!({ "name": name }))).await;
        assert_eq!(status, 201, "{made}");
        made["data"]["id"].as_str().unwrap().to_owned()
    }
}
