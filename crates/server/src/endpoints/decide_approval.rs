//! `POST /app/v1/approvals/{id}/approve` and `/deny`: decides on a request, once. Approved, the call
//! runs at once as the one who asked, and its answer is the answer here.

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;

use crate::answer::from_reply;
use crate::app::App;
use crate::auth;

/// Approves.
pub(crate) async fn approve(state: State<App>, path: Path<String>, headers: HeaderMap) -> Response {
    decide(state, path, &headers, true).await
}

/// Denies.
pub(crate) async fn deny(state: State<App>, path: Path<String>, headers: HeaderMap) -> Response {
    decide(state, path, &headers, false).await
}

async fn decide(State(app): State<App>, Path(id): Path<String>, headers: &HeaderMap, approve: bool) -> Response {
    match auth::caller(&app, headers) {
        Ok(bound) => from_reply(app.guard.decide_approval(&bound, &id, approve).await),
        Err(response) => *response,
    }
}
