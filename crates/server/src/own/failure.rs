//! Refusals in our envelope: `{"success":false,"error":{"code","message","hints","details"}}`.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use serde_json::json;
use tenantry_identity::Refusal;

use crate::answer;

/// The response for a refusal.
///
/// INVARIANT: what does not exist and what the caller may not know of have one answer, byte for byte but
/// for the request's id.
pub(crate) fn response(refusal: &Refusal, request_id: &str) -> Response {
    let hint = match refusal {
        Refusal::Forbidden { any_of } if !any_of.is_empty() => {
            Some(format!("it takes any of these permissions: {}", any_of.join(", ")))
        }
        _ => None,
    };
    let (status, message) = match refusal {
        Refusal::Missing(_) | Refusal::Hidden => {
            (StatusCode::NOT_FOUND, "there is no such thing, or it is not yours to see".to_owned())
        }
        Refusal::Exists(_) | Refusal::Contended(_) | Refusal::KeyInUse => (StatusCode::CONFLICT, refusal.to_string()),
        Refusal::KeyReused => (StatusCode::UNPROCESSABLE_ENTITY, refusal.to_string()),
        Refusal::Invalid { message, .. } => (StatusCode::BAD_REQUEST, message.clone()),
        Refusal::Unsupported(why) => (StatusCode::BAD_REQUEST, (*why).to_owned()),
        Refusal::Forbidden { .. } => (StatusCode::FORBIDDEN, "a permission is missing".to_owned()),
        Refusal::TooMany { .. } => (StatusCode::TOO_MANY_REQUESTS, refusal.to_string()),
        Refusal::Store(_) => (StatusCode::SERVICE_UNAVAILABLE, "the call failed on our side".to_owned()),
        // Kinds of misfits with more to say than their sentence: a password's shortcomings.
        refusal if refusal.code() == "VALIDATION_ERROR" => (StatusCode::BAD_REQUEST, refusal.to_string()),
        _ => (StatusCode::INTERNAL_SERVER_ERROR, "the call failed on our side".to_owned()),
    };
    if status.is_server_error() {
        tracing::error!(request = request_id, code = refusal.code(), %refusal, "a call failed on our side");
    }
    let mut response = told(status, refusal.code(), &message, hint.as_deref(), request_id);
    if let Refusal::TooMany { retry_after } = refusal
        && let Ok(value) = HeaderValue::from_str(&retry_after.to_string())
    {
        response.headers_mut().insert(header::RETRY_AFTER, value);
    }
    response
}

/// A refusal with a status, a code and a sentence.
pub(crate) fn told(status: StatusCode, code: &str, message: &str, hint: Option<&str>, request_id: &str) -> Response {
    let hints: Vec<&str> = hint.into_iter().collect();
    let error = json!({ "code": code, "message": message, "hints": hints, "details": { "request_id": request_id } });
    answer::json(status, json!({ "success": false, "error": error }).to_string().into_bytes())
}
