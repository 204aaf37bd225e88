//! A server called in process, and what is set up on it through the Management API.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tempfile::TempDir;
use tenantry_file::{SourceText, compile, load};
use tenantry_guard::{Guard, Parts};
use tenantry_identity::external::ExternalIssuers;
use tenantry_identity::{Identity, Issuer};
use tenantry_policy::{Clock, Entropy};
use tenantry_server::{App, management_scopes, router};
use tenantry_store::{Store, StoreUrl};
use tower::ServiceExt;

use crate::support::ambient::SeededEntropy;
use crate::support::database::Database;

pub const ISSUER: &str = "https://tenantry.example/";
pub const PASSWORD: &str = "Correct-Horse-7-Battery";
pub const REALM: &str = "http://auth0.com/oauth/grant-type/password-realm";
pub const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";

/// A clock that moves when it is told, and a microsecond at each look.
#[derive(Debug)]
pub struct Hands(AtomicI64);

impl Default for Hands {
    fn default() -> Self {
        Hands(AtomicI64::new(1_767_225_600_000_000))
    }
}

impl Hands {
    pub fn forward(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1_000_000, Ordering::SeqCst);
    }
}

impl Clock for Hands {
    fn now_micros(&self) -> i64 {
        self.0.fetch_add(1, Ordering::SeqCst)
    }

    fn monotonic(&self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.load(Ordering::SeqCst)).unwrap())
    }
}

#[allow(dead_code, reason = "each test program uses a part")]
pub struct Site {
    router: Router,
    app: App,
    pub identity: Arc<Identity>,
    pub store: Arc<Store>,
    pub clock: Arc<Hands>,
    _folder: Arc<TempDir>,
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: axum::http::HeaderMap,
    pub body: Value,
}

impl Answer {
    pub fn error(&self) -> (u16, &str) {
        (self.status, self.body["error"].as_str().unwrap_or_default())
    }

    pub fn text(&self, name: &str) -> String {
        self.body[name].as_str().unwrap_or_else(|| panic!("no {name} in {self:?}")).to_owned()
    }
}

/// A client and its secret.
#[derive(Debug, Clone)]
pub struct Client {
    pub id: String,
    pub secret: String,
}

pub async fn on_each_store(test: impl AsyncFn(&Site)) {
    test(&Site::small().await).await;
    match Database::postgres().await {
        Some(database) => test(&Site::open(&database.store_url(), Arc::new(tempfile::tempdir().unwrap())).await).await,
        None => eprintln!("skipped on PostgreSQL: TENANTRY_TEST_POSTGRES is not set"),
    }
}

#[allow(dead_code, reason = "each test program uses a part")]
impl Site {
    /// On SQLite.
    pub async fn small() -> Site {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let url = format!("sqlite:{}", folder.path().join("store.db").display());
        Site::open(&url, folder).await
    }

    pub async fn open(store_url: &str, folder: Arc<TempDir>) -> Site {
        Site::with(store_url, folder, Arc::new(Hands::default()), None).await
    }

    pub async fn with(
        store_url: &str,
        folder: Arc<TempDir>,
        clock: Arc<Hands>,
        others: Option<ExternalIssuers>,
    ) -> Site {
        let shared: Arc<dyn Clock> = clock.clone();
        let entropy: Arc<dyn Entropy> = Arc::new(SeededEntropy::new(21));
        Site::over(store_url, folder, clock, shared, entropy, others).await
    }

    pub async fn over(
        store_url: &str,
        folder: Arc<TempDir>,
        clock: Arc<Hands>,
        shared: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        others: Option<ExternalIssuers>,
    ) -> Site {
        Site::at(ISSUER, store_url, folder, clock, shared, entropy, others).await
    }

    /// A development server: its issuer is this machine.
    pub async fn development() -> Site {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let url = format!("sqlite:{}", folder.path().join("store.db").display());
        let clock = Arc::new(Hands::default());
        let entropy: Arc<dyn Entropy> = Arc::new(SeededEntropy::new(22));
        Site::at("https://localhost:8443/", &url, folder, Arc::clone(&clock), clock, entropy, None).await
    }

    #[allow(clippy::too_many_arguments, reason = "one call, made above")]
    async fn at(
        issuer: &str,
        store_url: &str,
        folder: Arc<TempDir>,
        clock: Arc<Hands>,
        shared: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        others: Option<ExternalIssuers>,
    ) -> Site {
        let options = tenantry_store::Options {
            clock: Arc::clone(&shared),
            entropy: Arc::clone(&entropy),
            key_file: Some(folder.path().join("keys.json")),
        };
        let store = Arc::new(Store::open(&StoreUrl::parse(store_url).unwrap(), options).await.unwrap());
        let issuer = Issuer::open(&store, issuer, Arc::clone(&shared), Arc::clone(&entropy)).await.unwrap();
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
        let identity = Identity::new(Arc::clone(&store), Arc::new(issuer), Arc::clone(&shared), Arc::clone(&entropy));
        let identity = Arc::new(identity);
        identity.prepare(&management_scopes()).await.unwrap();
        let mut app = App::new(guard, Arc::clone(&identity), shared, entropy);
        if let Some(others) = others {
            app = app.trusting(others);
        }
        Site { router: router(app.clone()), app, identity, store, clock, _folder: folder }
    }

    /// With AI models behind the gateway.
    pub fn offering(mut self, models: Arc<tenantry_guard::models::Models>) -> Site {
        self.app = self.app.offering(models);
        self.router = router(self.app.clone());
        self
    }

    /// What a server is made from.
    pub fn app(&self) -> App {
        self.app.clone()
    }

    /// The answer as it comes, unread.
    pub async fn begin(&self, request: Request<Body>) -> axum::response::Response {
        self.router.clone().oneshot(request).await.unwrap()
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        let body = if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes).unwrap() };
        Answer { status, headers, body }
    }

    /// A JSON body to a path.
    pub async fn json(&self, path: &str, body: Value) -> Answer {
        let request = Request::post(path).header("content-type", "application/json");
        self.send(request.body(Body::from(body.to_string())).unwrap()).await
    }

    pub async fn token(&self, body: Value) -> Answer {
        self.json("/oauth/token", body).await
    }

    /// A form, with or without an `Authorization` header.
    pub async fn form(&self, path: &str, authorization: Option<&str>, form: &str) -> Answer {
        let mut request = Request::post(path).header("content-type", "application/x-www-form-urlencoded");
        if let Some(authorization) = authorization {
            request = request.header("authorization", authorization);
        }
        self.send(request.body(Body::from(form.to_owned())).unwrap()).await
    }

    /// With a bearer token.
    pub async fn bearer(&self, method: &str, path: &str, token: &str) -> Answer {
        let request = Request::builder().method(method).uri(path).header("authorization", format!("Bearer {token}"));
        self.send(request.body(Body::empty()).unwrap()).await
    }

    /// The Management API, with every scope. Anything but success is the test's mistake.
    pub async fn manage(&self, method: &str, path: &str, body: Value) -> Value {
        let token =
            self.identity.issuer().issue_management("test", &management_scopes(), Duration::from_hours(1)).unwrap();
        let mut request = Request::builder().method(method).uri(format!("/api/v2{path}"));
        request = request.header("authorization", format!("Bearer {token}"));
        let body = if body.is_null() {
            Body::empty()
        } else {
            request = request.header("content-type", "application/json");
            Body::from(body.to_string())
        };
        let answer = self.send(request.body(body).unwrap()).await;
        assert!((200..300).contains(&answer.status), "{method} {path}: {answer:?}");
        answer.body
    }

    pub async fn client(&self, fields: Value) -> Client {
        let mut body = json!({ "name": "client" });
        body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        let made = self.manage("POST", "/clients", body).await;
        let text = |name: &str| made[name].as_str().unwrap_or_default().to_owned();
        Client { id: text("client_id"), secret: text("client_secret") }
    }

    /// An API with these permissions and settings.
    pub async fn api(&self, identifier: &str, scopes: &[&str], fields: Value) -> String {
        let scopes: Vec<Value> = scopes.iter().map(|scope| json!({ "value": scope })).collect();
        let mut body = json!({ "identifier": identifier, "scopes": scopes });
        body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        self.manage("POST", "/resource-servers", body).await["id"].as_str().unwrap().to_owned()
    }

    pub async fn grant(&self, client: &Client, audience: &str, scope: &[&str], fields: Value) -> String {
        let mut body = json!({ "client_id": client.id, "audience": audience, "scope": scope });
        body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        self.manage("POST", "/client-grants", body).await["id"].as_str().unwrap().to_owned()
    }

    pub async fn account(&self, name: &str) -> String {
        let made = self.manage("POST", "/organizations", json!({ "name": name })).await;
        made["id"].as_str().unwrap().to_owned()
    }

    pub async fn user(&self, email: &str, fields: Value) -> String {
        let mut body = json!({
            "connection": "Username-Password-Authentication", "email": email, "password": PASSWORD,
        });
        body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        self.manage("POST", "/users", body).await["user_id"].as_str().unwrap().to_owned()
    }

    pub async fn member(&self, account: &str, user: &str) {
        self.manage("POST", &format!("/organizations/{account}/members"), json!({ "members": [user] })).await;
    }

    /// A role with permissions on an API.
    pub async fn role(&self, name: &str, audience: &str, permissions: &[&str]) -> String {
        let role = self.manage("POST", "/roles", json!({ "name": name })).await["id"].as_str().unwrap().to_owned();
        let permissions: Vec<Value> = permissions
            .iter()
            .map(|name| json!({ "resource_server_identifier": audience, "permission_name": name }))
            .collect();
        self.manage("POST", &format!("/roles/{role}/permissions"), json!({ "permissions": permissions })).await;
        role
    }

    pub async fn hold(&self, account: &str, user: &str, role: &str) {
        let path = format!("/organizations/{account}/members/{}/roles", user.replace('|', "%7C"));
        self.manage("POST", &path, json!({ "roles": [role] })).await;
    }

    /// A token by password; `more` are further parameters.
    pub async fn login(&self, client: &Client, email: &str, more: Value) -> Answer {
        let mut body = json!({
            "grant_type": REALM, "realm": "Username-Password-Authentication",
            "client_id": client.id, "client_secret": client.secret, "username": email, "password": PASSWORD,
        });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.token(body).await
    }
}

/// A client for everything that users ask for.
pub fn for_users() -> Value {
    json!({
        "grant_types": ["password", REALM, "refresh_token", "client_credentials"],
        "refresh_token": { "rotation_type": "rotating", "expiration_type": "expiring", "leeway": 0 },
    })
}

/// What a token says, unchecked.
pub fn claims(token: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap()).unwrap()
}

pub fn header(token: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap()).unwrap()
}

pub fn basic(id: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")))
}
