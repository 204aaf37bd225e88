//! `GET /.well-known/jwks.json`: the public keys that our tokens are signed with (RFC 7517).

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use crate::answer::json;
use crate::app::App;

/// The key set.
pub(crate) async fn handle(State(app): State<App>) -> Response {
    json(StatusCode::OK, app.issuer.jwks().as_bytes().to_vec())
}
