//! `POST /oauth/token` (RFC 6749, section 3.2).

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, Request, StatusCode, header};
use axum::response::Response;

use crate::answer;
use crate::app::App;
use crate::oauth::{failure, form};

/// Tokens.
pub(crate) async fn handle(State(app): State<App>, request: Request<Body>) -> Response {
    let request = match form::read(&app, request).await {
        Ok(request) => request,
        Err(error) => return failure::response(&error),
    };
    // A task of its own: a caller that hangs up must not leave a token given and not on record.
    let answered = tokio::spawn(async move { app.identity.token(&request).await }).await;
    match answered {
        Ok(Ok(tokens)) => match serde_json::to_vec(&tokens) {
            Ok(body) => {
                let mut response = answer::json(StatusCode::OK, body);
                // RFC 6749, section 5.1. `no-store` stands already.
                response.headers_mut().insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
                response
            }
            Err(_) => failure::response(&failure::internal()),
        },
        Ok(Err(error)) => failure::response(&error),
        Err(error) => {
            tracing::error!(%error, "a token request did not end");
            failure::response(&failure::internal())
        }
    }
}
