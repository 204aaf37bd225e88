//! `GET /app/v1/approvals`: the requests that the caller may decide on, newest first.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;

use crate::answer::from_reply;
use crate::app::App;
use crate::auth;

/// Answers the call.
pub(crate) async fn handle(State(app): State<App>, headers: HeaderMap) -> Response {
    match auth::caller(&app, &headers) {
        Ok(bound) => from_reply(app.guard.approvals(&bound).await),
        Err(response) => *response,
    }
}
