//! `GET /openapi.json`: the description of our own APIs. It is the same for everybody, so nobody is asked
//! for a token.

use std::sync::LazyLock;

use axum::http::StatusCode;
use axum::response::Response;

use crate::answer::json;
use crate::own::document;

static DOCUMENT: LazyLock<Vec<u8>> = LazyLock::new(|| document().into_bytes());

/// The document.
pub(crate) async fn handle() -> Response {
    json(StatusCode::OK, DOCUMENT.clone())
}
