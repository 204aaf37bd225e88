//! The guard's answers as HTTP.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use tenantry_guard::reply::{Reply, refusal};
use tenantry_policy::{Clock, Code, Denied};

use crate::limits::{Count, told};

/// The status of a refusal. What the caller may not know exists answers as what does not exist:
/// both have one code, and so one status.
pub(crate) fn status(code: Code) -> StatusCode {
    match code {
        Code::ModelNotAllowed
        | Code::FieldNotAllowed
        | Code::RelationNotAllowed
        | Code::ToolNotAllowed
        | Code::TenantScopeRequired
        | Code::WriteDisabled => StatusCode::FORBIDDEN,
        // The request is kept and will run when somebody agrees.
        Code::WriteApprovalRequired => StatusCode::ACCEPTED,
        Code::QueryTooBroad
        | Code::QueryBudgetExceeded
        | Code::ReasonRequired
        | Code::MaxAffectedRowsExceeded
        | Code::ValidationError => StatusCode::BAD_REQUEST,
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::Conflict => StatusCode::CONFLICT,
        Code::Timeout => StatusCode::GATEWAY_TIMEOUT,
        Code::AuthenticationRequired => StatusCode::UNAUTHORIZED,
        Code::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        Code::InternalError => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// A reply of the guard.
pub(crate) fn from_reply(reply: Reply, clock: &dyn Clock) -> Response {
    let status = reply.code.map_or(StatusCode::OK, status);
    let standing = reply.standing.map(|standing| Count::of(standing, clock).waiting(reply.retry_after));
    let mut response = told(standing, json(status, reply.body));
    if let (None, Some(seconds)) = (standing, reply.retry_after) {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// A refusal that never reached the guard.
pub(crate) fn refused(denied: &Denied) -> Response {
    json(status(denied.code), refusal(denied, "none", &[]))
}

/// The same with a status of its own.
pub(crate) fn refused_as(status: StatusCode, denied: &Denied) -> Response {
    json(status, refusal(denied, "none", &[]))
}

/// A JSON body. Answers hold tenant data: nobody between may keep or sniff them.
pub(crate) fn json(status: StatusCode, body: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if status == StatusCode::UNAUTHORIZED {
        // RFC 6750 section 3.
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer error=\"invalid_token\""));
    }
    response
}
