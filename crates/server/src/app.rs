//! The routes.

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use tenantry_guard::Guard;
use tenantry_identity::{Issuer, VerifiedCache};
use tenantry_policy::{Bound, Clock};

use crate::endpoints;

/// What the endpoints share.
#[derive(Clone)]
pub struct App {
    pub(crate) guard: Arc<Guard>,
    pub(crate) issuer: Arc<Issuer>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) tokens: Arc<VerifiedCache<Arc<Bound>>>,
}

impl App {
    /// From the guard and the issuer of tokens.
    #[must_use]
    pub fn new(guard: Arc<Guard>, issuer: Arc<Issuer>, clock: Arc<dyn Clock>) -> App {
        App { guard, issuer, clock, tokens: Arc::new(VerifiedCache::new(100_000)) }
    }
}

/// Every route of the server. Unknown paths answer 404 in the same shape as every refusal.
pub fn router(app: App) -> Router {
    Router::new()
        .route("/app/v1/tools/{tool}", post(endpoints::call_tool::handle))
        .route("/app/v1/approvals", get(endpoints::list_approvals::handle))
        .route("/app/v1/approvals/{id}/approve", post(endpoints::decide_approval::approve))
        .route("/app/v1/approvals/{id}/deny", post(endpoints::decide_approval::deny))
        .route("/healthz", get(endpoints::health::live))
        .route("/readyz", get(endpoints::health::ready))
        .route("/.well-known/jwks.json", get(endpoints::keys::handle))
        .fallback(endpoints::nowhere::handle)
        .method_not_allowed_fallback(endpoints::nowhere::wrong_method)
        .with_state(app)
}
