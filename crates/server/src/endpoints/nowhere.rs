//! Every other path and method.

use axum::http::StatusCode;
use axum::response::Response;
use tenantry_policy::{Code, Denied};

use crate::answer::refused_as;

/// No such path.
pub(crate) async fn handle() -> Response {
    let denied = Denied::new(Code::NotFound, "there is nothing at this path")
        .hint("data tools are called with POST /app/v1/tools/{tool}");
    refused_as(StatusCode::NOT_FOUND, &denied)
}

/// A path with another method.
pub(crate) async fn wrong_method() -> Response {
    let denied = Denied::new(Code::ValidationError, "this path does not take this method")
        .hint("data tools are called with POST");
    refused_as(StatusCode::METHOD_NOT_ALLOWED, &denied)
}
