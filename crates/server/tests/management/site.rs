//! A server without data sources, called in process.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request};
use http_body_util::BodyExt;
use serde_json::Value;
use tempfile::TempDir;
use tenantry_file::{SourceText, compile, load};
use tenantry_guard::{Guard, Parts};
use tenantry_identity::{Identity, Issuer};
use tenantry_policy::{Clock, Entropy};
use tenantry_server::{App, Rates, from_address, management_scopes, router};
use tenantry_store::{Store, StoreUrl};
use tower::ServiceExt;

use crate::support::ambient::{SeededEntropy, TestClock};
use crate::support::database::Database;

/// A server.
pub struct Site {
    router: Router,
    app: App,
    pub identity: Arc<Identity>,
    pub clock: Arc<TestClock>,
    token: String,
    place: Place,
    _folder: Option<TempDir>,
}

/// Where a server keeps what it knows. Another one may be opened over the same.
#[derive(Clone)]
pub struct Place {
    store_url: String,
    keys: PathBuf,
    clock: Arc<TestClock>,
    seed: u64,
    issuer: &'static str,
}

impl Place {
    /// Opens the store alone.
    pub async fn store(&self) -> Store {
        let options = tenantry_store::Options {
            clock: self.clock.clone(),
            entropy: Arc::new(SeededEntropy::new(self.seed)),
            key_file: Some(self.keys.clone()),
        };
        Store::open(&StoreUrl::parse(&self.store_url).unwrap(), options).await.unwrap()
    }

    /// Opens another server over it, on the runtime that asks.
    pub async fn open(self) -> Site {
        Site::open_at(Place { seed: self.seed + 1, ..self }, None).await
    }
}

/// Runs a test over each store: SQLite, and PostgreSQL where the tests are given one.
pub async fn on_each_store(test: impl AsyncFn(&Site)) {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("store.db").display());
    test(&Site::open(&url, folder).await).await;
    match Database::postgres().await {
        Some(database) => {
            test(&Site::open(&database.store_url(), tempfile::tempdir().unwrap()).await).await;
        }
        None => eprintln!("skipped on PostgreSQL: TENANTRY_TEST_POSTGRES is not set"),
    }
}

impl Site {
    pub async fn open(store_url: &str, folder: TempDir) -> Site {
        Site::issuing("https://tenantry.example/", 11, store_url, folder).await
    }

    /// The same for an issuer, with what is drawn by chance following from a seed.
    pub async fn issuing(issuer: &'static str, seed: u64, store_url: &str, folder: TempDir) -> Site {
        let (keys, clock) = (folder.path().join("keys.json"), Arc::new(TestClock::default()));
        Site::open_at(Place { store_url: store_url.to_owned(), keys, clock, seed, issuer }, Some(folder)).await
    }

    /// Where another server may be opened over the same store.
    pub fn place(&self) -> Place {
        self.place.clone()
    }

    async fn open_at(place: Place, folder: Option<TempDir>) -> Site {
        let clock = Arc::clone(&place.clock);
        let shared: Arc<dyn Clock> = clock.clone();
        let entropy: Arc<dyn Entropy> = Arc::new(SeededEntropy::new(place.seed));
        let store = Arc::new(place.store().await);
        let issuer = Issuer::open(&store, place.issuer, Arc::clone(&shared), Arc::clone(&entropy));
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
        identity.prepare(&management_scopes()).await.unwrap();
        let app = App::new(guard, Arc::clone(&identity), shared, entropy);
        let router = router(app.clone());
        let token = identity.issuer().issue_management("test", &management_scopes(), Duration::from_hours(1)).unwrap();
        Site { router, app, identity, clock, token, place, _folder: folder }
    }

    /// The same with limits on what callers may ask.
    pub fn limited(&self, rates: Rates) -> Site {
        Site {
            router: router(self.app.clone().limited(rates)),
            app: self.app.clone(),
            identity: Arc::clone(&self.identity),
            clock: Arc::clone(&self.clock),
            token: self.token.clone(),
            place: self.place.clone(),
            _folder: None,
        }
    }

    /// Calls with every scope and further headers; answers the headers, too.
    pub async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> (u16, HeaderMap, Value) {
        self.send_as(&self.token, method, path, headers, body).await
    }

    /// The same with another token, from 192.0.2.1.
    pub async fn send_as(
        &self,
        token: &str,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> (u16, HeaderMap, Value) {
        let mut request = Request::builder().method(method).uri(format!("/api/v2{path}"));
        request = request.header("authorization", format!("Bearer {token}"));
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = from_address("192.0.2.1".parse().unwrap(), request);
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let response = self.router.clone().oneshot(request.body(body).unwrap()).await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        let json = if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes).unwrap() };
        (status, headers, json)
    }

    /// Sends a body that is not JSON, with every scope.
    pub async fn send_bytes(&self, path: &str, kind: &str, body: Vec<u8>) -> (u16, Value) {
        let request = Request::builder().method("POST").uri(format!("/api/v2{path}"));
        let request = request.header("authorization", format!("Bearer {}", self.token)).header("content-type", kind);
        let response = self.router.clone().oneshot(request.body(Body::from(body)).unwrap()).await.unwrap();
        let status = response.status().as_u16();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        (status, if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes).unwrap() })
    }

    /// Gets a path of the server, of whichever API, with a token.
    pub async fn get_at(&self, token: &str, path: &str) -> (u16, Value) {
        let request = Request::builder().uri(path).header("authorization", format!("Bearer {token}"));
        let response = self.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let status = response.status().as_u16();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&bytes).unwrap_or_default())
    }

    /// Gets a path of the server without a token; answers the text.
    pub async fn fetch(&self, path: &str) -> (u16, String) {
        let request = Request::builder().uri(path).body(Body::empty()).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(bytes.to_vec()).unwrap())
    }

    /// A token with these scopes only.
    pub fn token(&self, scopes: &[&str]) -> String {
        self.identity.issuer().issue_management("test", scopes, Duration::from_hours(1)).unwrap()
    }

    /// Calls `/api/v2` and the path with every scope; answers status and body (null when there is none).
    pub async fn call(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        self.call_as(&self.token, method, path, body).await
    }

    pub async fn get(&self, path: &str) -> (u16, Value) {
        self.call("GET", path, None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        self.call("POST", path, Some(body)).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> (u16, Value) {
        self.call("PATCH", path, Some(body)).await
    }

    pub async fn delete(&self, path: &str) -> (u16, Value) {
        self.call("DELETE", path, None).await
    }

    /// The same with another token.
    pub async fn call_as(&self, token: &str, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let (status, _, json) = self.send_as(token, method, path, &[], body).await;
        (status, json)
    }
}
