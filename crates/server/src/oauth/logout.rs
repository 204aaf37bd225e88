//! `GET /v2/logout` and `/oidc/logout`. There are no sessions of browsers yet, so there is nothing to end:
//! who comes here is logged out already. Nobody is sent anywhere: an address that a request names is not
//! followed before it can be held against those that the client registered.

use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::Response;

/// A word for people.
pub(crate) async fn handle() -> Response {
    let mut response = Response::new(Body::from("OK"));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
