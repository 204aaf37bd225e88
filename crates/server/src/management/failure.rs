//! Refusals in the shape that clients of this API know:
//! `{"statusCode":404,"error":"Not Found","message":"The user does not exist.","errorCode":"inexistent_user"}`.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use serde_json::json;
use tenantry_identity::{Kind, Refusal};

use crate::answer;

/// The response for a refusal.
pub(crate) fn response(refusal: &Refusal) -> Response {
    let (status, code, message) = told(refusal);
    let mut response = shaped(status, code, &message);
    if let Refusal::TooMany { retry_after } = refusal
        && let Ok(value) = HeaderValue::from_str(&retry_after.to_string())
    {
        response.headers_mut().insert(header::RETRY_AFTER, value);
    }
    response
}

/// A response of that shape.
pub(crate) fn shaped(status: StatusCode, code: Option<&str>, message: &str) -> Response {
    let mut body = json!({
        "statusCode": status.as_u16(),
        "error": status.canonical_reason().unwrap_or("Error"),
        "message": message,
    });
    if let (Some(code), Some(body)) = (code, body.as_object_mut()) {
        body.insert("errorCode".to_owned(), code.into());
    }
    answer::json(status, body.to_string().into_bytes())
}

fn told(refusal: &Refusal) -> (StatusCode, Option<&'static str>, String) {
    match refusal {
        Refusal::Missing(kind) => {
            let (code, message) = missing(*kind);
            (StatusCode::NOT_FOUND, code, message.to_owned())
        }
        Refusal::Hidden => (StatusCode::NOT_FOUND, None, "Not Found".to_owned()),
        Refusal::Exists(kind) => (StatusCode::CONFLICT, None, exists(*kind).to_owned()),
        Refusal::Contended(_) | Refusal::KeyInUse => (StatusCode::CONFLICT, None, refusal.to_string()),
        // Not a conflict: some clients send those again and again.
        Refusal::KeyReused => (StatusCode::UNPROCESSABLE_ENTITY, Some("idempotency_key_reused"), refusal.to_string()),
        Refusal::Invalid { code, message } => (StatusCode::BAD_REQUEST, Some(code), message.clone()),
        Refusal::Password(fault) => (StatusCode::BAD_REQUEST, None, fault.to_string()),
        Refusal::TooLarge { most } => (
            StatusCode::PAYLOAD_TOO_LARGE,
            None,
            format!("Payload content length greater than maximum allowed: {most}"),
        ),
        Refusal::Limit(why) => (StatusCode::FORBIDDEN, None, (*why).to_owned()),
        Refusal::Unsupported(why) => (StatusCode::BAD_REQUEST, Some("operation_not_supported"), (*why).to_owned()),
        Refusal::Forbidden { any_of } => (
            StatusCode::FORBIDDEN,
            Some("insufficient_scope"),
            format!("Insufficient scope; expected any of: {}.", any_of.join(", ")),
        ),
        Refusal::TooMany { .. } => {
            (StatusCode::TOO_MANY_REQUESTS, Some("too_many_requests"), "Too many requests".to_owned())
        }
        Refusal::Entropy(_) | Refusal::Internal(_) | Refusal::Store(_) => {
            tracing::error!(code = refusal.code(), %refusal, "a management call failed on our side");
            let busy = matches!(refusal, Refusal::Store(_));
            let status = if busy { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::INTERNAL_SERVER_ERROR };
            (status, None, "The call failed on our side.".to_owned())
        }
        // A refusal that this API does not know yet must not pass for success.
        _ => (StatusCode::INTERNAL_SERVER_ERROR, None, "The call failed on our side.".to_owned()),
    }
}

fn missing(kind: Kind) -> (Option<&'static str>, &'static str) {
    match kind {
        Kind::Account => (None, "No organization found by that id or name"),
        Kind::UserIdentity => (None, "The identity does not exist."),
        Kind::User => (Some("inexistent_user"), "The user does not exist."),
        Kind::Client => (Some("inexistent_client"), "The client does not exist"),
        Kind::ClientGrant => (Some("inexistent_client_grant"), "The grant does not exist."),
        Kind::Connection => (Some("inexistent_connection"), "The connection does not exist"),
        Kind::Api => (Some("inexistent_resource_server"), "The resource server does not exist"),
        Kind::Invitation => (Some("inexistent_invitation"), "The invitation does not exist."),
        Kind::Role => (None, "The role does not exist."),
        Kind::Domain => (None, "No organization domain found by that id"),
        Kind::Credential => (Some("inexistent_credential"), "The credential does not exist."),
        Kind::Job => (Some("inexistent_job"), "The job does not exist"),
        Kind::Log => (None, "The log event does not exist."),
        Kind::Session => (Some("inexistent_session"), "The session does not exist."),
        Kind::RefreshToken => (Some("inexistent_refresh_token"), "The refresh token does not exist."),
        Kind::AuthenticationMethod => {
            (Some("inexistent_authentication_method"), "The authentication method does not exist.")
        }
        Kind::AccountConnection => (None, "No connection found by that id"),
        Kind::Member => (None, "The user is not a member of the organization."),
        Kind::Permission => (None, "The permission does not exist."),
        _ => (None, "Not Found"),
    }
}

fn exists(kind: Kind) -> &'static str {
    match kind {
        Kind::Account => "An organization with this name already exists.",
        Kind::Api => "A resource server with the same identifier already exists.",
        Kind::Role => "The role already exists.",
        Kind::User => "The user already exists.",
        Kind::AuthenticationMethod => "Authentication method already exists.",
        Kind::DeviceCredential => "A public key already exists for the device.",
        Kind::UserIdentity => "Specified identity already exists.",
        Kind::Client => "A client with the same id already exists.",
        Kind::ClientGrant => "A resource server with the same identifier already exists for this client.",
        Kind::Connection => "A connection with the same name already exists",
        Kind::Domain => "An organization discovery domain with this domain is already registered to this organization.",
        Kind::AccountConnection => "The organization connection already exists.",
        Kind::AccountGrant => "The client grant has already been added to this organization.",
        Kind::Credential => "A credential with the same kid already exists.",
        _ => "It already exists.",
    }
}
