//! `POST /oauth/token` (RFC 6749, section 3.2).

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, Request, StatusCode, header};
use axum::response::Response;
use tenantry_identity::oauth::{OAuthError, OAuthKind, TokenAnswer};

use crate::app::App;
use crate::limits::{Count, told};
use crate::oauth::{failure, form, open};

/// Tokens.
pub(crate) async fn handle(State(app): State<App>, request: Request<Body>) -> Response {
    open(given(app, request).await)
}

async fn given(app: App, request: Request<Body>) -> Response {
    let request = match form::read(&app, request).await {
        Ok(request) => request,
        Err(error) => return failure::response(&error),
    };
    // Counted by client and address: nobody spends what another address has left of a client's share.
    let (address, named) = (request.address, request.basic.as_ref().map(|(id, _)| id.as_str()));
    let named = named.or_else(|| request.params.get("client_id")).unwrap_or_default();
    let count = match app.limits.token(named, address) {
        Ok(count) => count,
        Err(count) => return too_many(count),
    };
    let limits = Arc::clone(&app.limits);
    // A task of its own: a caller that hangs up must not leave a token given and not on record.
    let answered = tokio::spawn(async move { app.identity.token(&request).await }).await;
    if let Ok(Err(error)) = &answered
        && matches!(error.kind, OAuthKind::Unauthorized | OAuthKind::InvalidClient)
        && let Err(count) = limits.stranger(address)
    {
        return too_many(count);
    }
    told(count, answer(answered))
}

fn too_many(count: Count) -> Response {
    let kind = OAuthKind::TooManyAttempts { retry_after: Some(count.retry_after()) };
    told(Some(count), failure::response(&OAuthError { kind, description: "Too many requests".to_owned() }))
}

fn answer(answered: Result<Result<TokenAnswer, OAuthError>, tokio::task::JoinError>) -> Response {
    match answered {
        Ok(Ok(tokens)) => match serde_json::to_vec(&tokens) {
            Ok(body) => {
                let mut response = crate::answer::json(StatusCode::OK, body);
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
