//! The OAuth endpoints: tokens given, shown, asked about and given back, and what the server says of itself.

mod discovery;
mod failure;
mod form;
mod introspect;
mod logout;
mod revoke;
mod token;
mod userinfo;

use axum::Router;
use axum::routing::{get, post};

use crate::app::App;
use crate::endpoints;

/// Adds the routes.
pub(crate) fn routes(router: Router<App>) -> Router<App> {
    router
        .route("/oauth/token", post(token::handle).fallback(failure::wrong_method))
        .route("/oauth/revoke", post(revoke::handle).fallback(failure::wrong_method))
        .route("/oauth/introspect", post(introspect::handle).fallback(failure::wrong_method))
        .route("/userinfo", get(userinfo::handle).post(userinfo::handle).fallback(failure::wrong_method))
        .route("/v2/logout", get(logout::handle))
        .route("/oidc/logout", get(logout::handle).post(logout::handle))
        .route("/.well-known/openid-configuration", get(discovery::handle))
        .route("/.well-known/oauth-authorization-server", get(discovery::handle))
        .route("/.well-known/jwks.json", get(endpoints::keys::handle))
        .route("/.well-known/jwks-own.json", get(endpoints::keys::handle_own))
}
