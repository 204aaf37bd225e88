//! Answers of `/mcp` as HTTP.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;

use crate::answer::json;
use crate::mcp::rpc::Refused;

/// A message taken that asks for no answer.
pub(super) fn accepted() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::ACCEPTED;
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// A result.
pub(super) fn result(document: Vec<u8>) -> Response {
    json(StatusCode::OK, document)
}

/// A refusal.
pub(super) fn refused(refused: &Refused) -> Response {
    json(refused.status, refused.document())
}

/// Lets the page that asked read the answer.
pub(super) fn readable(origin: Option<&str>, mut response: Response) -> Response {
    let headers: &mut HeaderMap = response.headers_mut();
    headers.insert(header::VARY, HeaderValue::from_static("Origin"));
    if let Some(origin) = origin.and_then(|origin| HeaderValue::from_str(origin).ok()) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("WWW-Authenticate"));
    }
    response
}
