//! `POST /app/v1/tools/{tool}`: calls a data tool. The body is the tool's arguments; the tenant is
//! the token's, and nothing in path, header or body can name another.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;

use crate::app::App;
use crate::whole::answered;
use crate::{auth, body};

/// Answers the call.
pub(crate) async fn handle(
    State(app): State<App>,
    path: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    sent: Body,
) -> Response {
    let bound = match auth::caller(&app, &headers).await {
        Ok(bound) => bound,
        Err(response) => return *response,
    };
    // Bytes that are no text name no tool, like any other unknown name.
    let tool = path.map_or_else(|_| String::new(), |Path(tool)| tool);
    match body::read(&headers, sent).await {
        Ok(bytes) => {
            let clock = Arc::clone(&app.clock);
            answered(&*clock, async move { app.guard.call(&bound, &tool, &bytes).await }).await
        }
        Err(response) => *response,
    }
}
