//! `GET /app/v1/approvals`: the requests that the caller may decide on, newest first.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;

use crate::app::App;
use crate::auth;
use crate::whole::answered;

/// Answers the call.
pub(crate) async fn handle(State(app): State<App>, headers: HeaderMap) -> Response {
    match auth::caller(&app, &headers).await {
        Ok(bound) => {
            let clock = std::sync::Arc::clone(&app.clock);
            answered(&*clock, async move { app.guard.approvals(&bound).await }).await
        }
        Err(response) => *response,
    }
}
