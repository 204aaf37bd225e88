//! What browsers ask: the authorize page, the forms behind it, and the end of a login.
//!
//! ```text
//! GET /authorize?… -> what comes next? -> a form, or the client's answer
//! POST /u/…?…      -> is the form ours? -> the step is done -> GET /authorize?…
//! ```
//! Every form's address carries the client's request as it came, and every step reads it anew. Pages have no scripts.

mod authorize;
mod consent;
mod cookies;
mod factor;
mod login;
mod logout;
mod pages;
mod place;
mod query;
mod visit;

use axum::Router;
use axum::routing::{get, post};

use crate::app::App;

/// The routes.
pub(crate) fn routes(router: Router<App>) -> Router<App> {
    router
        .route("/authorize", get(authorize::show).post(authorize::submit))
        .route("/u/login", post(login::submit))
        .route("/u/factor", post(factor::submit))
        .route("/u/place", post(place::submit))
        .route("/u/consent", post(consent::submit))
        .route("/v2/logout", get(logout::handle))
        .route("/oidc/logout", get(logout::handle).post(logout::handle))
}
