//! `GET /healthz`: the process answers. `GET /readyz`: the databases answer and are safe to use.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use crate::answer::json;
use crate::app::App;

/// Alive.
pub(crate) async fn live() -> Response {
    json(StatusCode::OK, br#"{"status":"ok"}"#.to_vec())
}

/// Ready. Says no more than yes or no: the reason is in the server's log.
pub(crate) async fn ready(State(app): State<App>) -> Response {
    match app.guard.health().await {
        Ok(()) => json(StatusCode::OK, br#"{"status":"ready"}"#.to_vec()),
        Err((source, error)) => {
            tracing::warn!(%source, %error, "not ready");
            json(StatusCode::SERVICE_UNAVAILABLE, br#"{"status":"not ready"}"#.to_vec())
        }
    }
}
