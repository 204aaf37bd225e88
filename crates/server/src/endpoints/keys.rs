//! The public keys that our tokens are signed with (RFC 7517).

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;

use crate::answer::json;
use crate::app::App;

/// A key that is about to sign is published for a minute first, so nobody who keeps the set for this long
/// meets a token whose key it lacks.
const KEPT: &str = "public, max-age=15, stale-while-revalidate=15, stale-if-error=86400";

/// `GET /.well-known/jwks.json`: the RSA keys of the compatible issuer.
pub(crate) async fn handle(State(app): State<App>) -> Response {
    answer(&app.issuer.jwks())
}

/// `GET /.well-known/jwks-own.json`: the keys of our own contexts and of APIs whose tokens are ES256.
pub(crate) async fn handle_own(State(app): State<App>) -> Response {
    answer(&app.issuer.jwks_own())
}

fn answer(set: &str) -> Response {
    let mut response = json(StatusCode::OK, set.as_bytes().to_vec());
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(KEPT));
    response
}
