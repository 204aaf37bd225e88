//! `GET /.well-known/oauth-protected-resource` and `…/mcp`: what this resource is and who gives tokens for it
//! (RFC 9728).

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use serde_json::json;
use tenantry_identity::tool_scopes;

use crate::answer;
use crate::app::App;

/// The document.
pub(super) async fn handle(State(app): State<App>) -> Response {
    let issuer = app.issuer.url();
    let resource = [issuer, super::PATH].concat();
    let body = json!({
        "resource": resource,
        "authorization_servers": [issuer],
        "scopes_supported": tool_scopes::ALL,
        // Never in a query or a form.
        "bearer_methods_supported": ["header"],
        "resource_name": "Tenantry",
    });
    let mut response = answer::json(StatusCode::OK, body.to_string().into_bytes());
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=15, stale-while-revalidate=15"));
    // Clients in browsers read it before they have anything else.
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}
