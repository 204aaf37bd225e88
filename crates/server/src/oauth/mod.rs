//! The OAuth endpoints: tokens given, shown, asked about and given back, and what the server says of itself.

mod discovery;
mod failure;
mod form;
mod introspect;
mod register;
mod revoke;
mod token;
mod userinfo;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use axum::routing::{get, post};

use crate::app::App;
use crate::endpoints;

/// Lets pages of any origin read an answer. For what is public, and for what clients show themselves who they are with:
/// no cookie counts at these paths, so no page gains anything here that it does not bring along.
pub(crate) fn open(mut response: Response) -> Response {
    response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}

/// What a browser asks before it lets a page ask.
pub(crate) async fn preflight() -> Response {
    let mut response = open(Response::new(Body::empty()));
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST"));
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_HEADERS,
        HeaderValue::from_static("authorization, content-type, mcp-protocol-version"),
    );
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    response
}

/// Adds the routes.
pub(crate) fn routes(router: Router<App>) -> Router<App> {
    router
        .route("/oauth/token", post(token::handle).options(preflight).fallback(failure::wrong_method))
        .route("/oidc/register", post(register::handle).options(preflight).fallback(failure::wrong_method))
        .route("/oauth/revoke", post(revoke::handle).fallback(failure::wrong_method))
        .route("/oauth/introspect", post(introspect::handle).fallback(failure::wrong_method))
        .route("/userinfo", get(userinfo::handle).post(userinfo::handle).fallback(failure::wrong_method))
        .route("/.well-known/openid-configuration", get(discovery::handle).options(preflight))
        .route("/.well-known/oauth-authorization-server", get(discovery::handle).options(preflight))
        .route("/.well-known/jwks.json", get(endpoints::keys::handle).options(preflight))
        .route("/.well-known/jwks-own.json", get(endpoints::keys::handle_own))
}
