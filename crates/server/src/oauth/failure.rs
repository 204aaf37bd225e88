//! Refusals as `{"error", "error_description"}` (RFC 6749, section 5.2), with the statuses of the
//! compatible API: a bad grant is 403 there.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use serde_json::json;
use tenantry_identity::oauth::{OAuthError, OAuthKind};

use crate::answer;

fn status(kind: OAuthKind) -> StatusCode {
    match kind {
        OAuthKind::InvalidRequest | OAuthKind::InvalidScope | OAuthKind::InvalidTarget => StatusCode::BAD_REQUEST,
        OAuthKind::InvalidClient | OAuthKind::Unauthorized | OAuthKind::InvalidToken => StatusCode::UNAUTHORIZED,
        OAuthKind::UnauthorizedClient
        | OAuthKind::AccessDenied
        | OAuthKind::InvalidGrant
        | OAuthKind::UnsupportedGrantType
        | OAuthKind::MfaRequired
        | OAuthKind::InsufficientScope => StatusCode::FORBIDDEN,
        OAuthKind::TooManyAttempts { .. } => StatusCode::TOO_MANY_REQUESTS,
        OAuthKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// The response for a refusal at an endpoint where clients prove who they are.
pub(crate) fn response(error: &OAuthError) -> Response {
    let mut response = shaped(error);
    // RFC 6749, section 5.2: where the client may have tried the header, it is told how.
    if response.status() == StatusCode::UNAUTHORIZED {
        response
            .headers_mut()
            .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"token\", charset=\"UTF-8\""));
    }
    response
}

/// The response for a refusal where an access token is shown (RFC 6750, section 3).
pub(crate) fn bearer(error: &OAuthError) -> Response {
    let mut response = shaped(error);
    let challenge = match error.kind {
        OAuthKind::InvalidToken => "Bearer error=\"invalid_token\"",
        OAuthKind::InsufficientScope => "Bearer error=\"insufficient_scope\", scope=\"openid\"",
        _ => "Bearer",
    };
    response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    response
}

fn shaped(error: &OAuthError) -> Response {
    let body = json!({ "error": error.kind.name(), "error_description": error.description });
    let mut response = answer::json(status(error.kind), body.to_string().into_bytes());
    response.headers_mut().insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    let after = match error.kind {
        OAuthKind::TooManyAttempts { retry_after } => retry_after,
        OAuthKind::Unavailable => Some(1),
        _ => None,
    };
    if let Some(Ok(value)) = after.map(|seconds| HeaderValue::from_str(&seconds.to_string())) {
        response.headers_mut().insert(header::RETRY_AFTER, value);
    }
    response
}

/// The answer to another method.
pub(crate) async fn wrong_method() -> Response {
    let body = json!({ "error": "method_not_allowed", "error_description": "Method Not Allowed" });
    answer::json(StatusCode::METHOD_NOT_ALLOWED, body.to_string().into_bytes())
}

/// Our own fault.
pub(crate) fn internal() -> OAuthError {
    OAuthError { kind: OAuthKind::Internal, description: "The call failed on our side.".to_owned() }
}
