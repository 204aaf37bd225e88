//! `GET /metrics`: figures for Prometheus. They name accounts and what these cost, so they are for operators alone:
//! a token of their own opens them, none that an account could have, and where none is set there is nothing here.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use sha2::{Digest, Sha256};
use tenantry_guard::metrics::prometheus;
use tenantry_policy::{Code, Denied};

use crate::answer::refused;
use crate::app::App;
use crate::auth::bearer;
use crate::endpoints;

/// Prometheus' text format.
const KIND: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Who may see them.
#[derive(Debug)]
pub(crate) struct Watcher {
    /// Of the token: comparing hashes tells nothing of it by the time that it takes.
    hash: [u8; 32],
}

impl Watcher {
    pub(crate) fn new(token: &str) -> Watcher {
        Watcher { hash: Sha256::digest(token).into() }
    }

    fn knows(&self, token: &str) -> bool {
        let shown: [u8; 32] = Sha256::digest(token).into();
        shown == self.hash
    }
}

/// Answers.
pub(crate) async fn handle(State(app): State<App>, headers: HeaderMap) -> Response {
    let Some(watcher) = &app.metered else { return endpoints::nowhere::handle().await };
    if !bearer(&headers).is_some_and(|token| watcher.knows(token)) {
        let denied = Denied::new(Code::AuthenticationRequired, "the token for metrics is needed")
            .hint("send the header `Authorization: Bearer TOKEN`, once");
        return refused(&denied);
    }
    let text = prometheus(&app.guard.limiter().metrics().snapshot());
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = StatusCode::OK;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(KIND));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
