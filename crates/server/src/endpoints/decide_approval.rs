//! `POST /app/v1/approvals/{id}/approve` and `/deny`: decides on a request, once. Approved, the call
//! runs at once as the one who asked, and its answer is the answer here.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;

use crate::app::App;
use crate::auth;
use crate::whole::answered;

/// The request that the path names, if it is text.
type Asked = Result<Path<String>, PathRejection>;

/// Approves.
pub(crate) async fn approve(state: State<App>, path: Asked, headers: HeaderMap) -> Response {
    decide(state, path, &headers, true).await
}

/// Denies.
pub(crate) async fn deny(state: State<App>, path: Asked, headers: HeaderMap) -> Response {
    decide(state, path, &headers, false).await
}

async fn decide(State(app): State<App>, path: Asked, headers: &HeaderMap, approve: bool) -> Response {
    // Bytes that are no text name no request, like any other unknown id.
    let id = path.map_or_else(|_| String::new(), |Path(id)| id);
    match auth::caller(&app, headers).await {
        Ok(bound) => {
            let clock = std::sync::Arc::clone(&app.clock);
            answered(&*clock, async move { app.guard.decide_approval(&bound, &id, approve).await }).await
        }
        Err(response) => *response,
    }
}
