//! The routes.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::{get, post};
use tenantry_guard::Guard;
use tenantry_guard::models::Models;
use tenantry_identity::external::ExternalIssuers;
use tenantry_identity::registration::Openness;
use tenantry_identity::{Identity, Issuer, VerifiedCache};
use tenantry_policy::{Bound, Clock, Entropy};

use crate::endpoints::metrics::Watcher;
use crate::gateway::{self, Gateway};
use crate::limits::{Limits, Rates};
use crate::mcp::{self, Places};
use crate::serve::Patience;
use crate::{browser, endpoints, management, oauth, own};

/// What the endpoints share.
#[derive(Clone)]
pub struct App {
    pub(crate) guard: Arc<Guard>,
    pub(crate) issuer: Arc<Issuer>,
    pub(crate) identity: Arc<Identity>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) tokens: Arc<VerifiedCache<Arc<Bound>>>,
    pub(crate) others: Option<Arc<ExternalIssuers>>,
    pub(crate) limits: Arc<Limits>,
    pub(crate) gateway: Option<Arc<Gateway>>,
    pub(crate) places: Arc<Places>,
    pub(crate) metered: Option<Arc<Watcher>>,
    pub(crate) stalled: Duration,
}

impl App {
    /// From the guard and the identity operations.
    #[must_use]
    pub fn new(guard: Arc<Guard>, identity: Arc<Identity>, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> App {
        let issuer = Arc::clone(identity.issuer());
        let tokens = Arc::new(VerifiedCache::new(100_000, Arc::clone(&issuer)));
        let limits = Arc::new(Limits::new(Rates::none(), &clock));
        let places = Arc::new(Places::new(issuer.url(), &[], &[]));
        App {
            guard,
            issuer,
            identity,
            entropy,
            clock,
            tokens,
            others: None,
            limits,
            gateway: None,
            places,
            metered: None,
            stalled: Patience::default().stalled,
        }
    }

    /// With so much patience for callers who read nothing of an answer that streams; 30 seconds without.
    #[must_use]
    pub fn patient(mut self, stalled: Duration) -> App {
        self.stalled = stalled;
        self
    }

    /// With more names (`HOST[:PORT]`) under which `/mcp` answers, and more origins whose pages may ask it. The
    /// issuer's own are always among them.
    #[must_use]
    pub fn reachable(mut self, hosts: &[String], origins: &[String]) -> App {
        self.places = Arc::new(Places::new(self.issuer.url(), hosts, origins));
        self
    }

    /// With clients that nobody vouches for let in: those that register themselves (RFC 7591), and those that describe
    /// themselves at an address. Without, only clients that the file or the Management API knows.
    #[must_use]
    pub fn open_to(self, openness: Openness) -> App {
        self.identity.open_to(openness);
        self
    }

    /// With other issuers, whose tokens the data tools take besides our own.
    #[must_use]
    pub fn trusting(mut self, others: ExternalIssuers) -> App {
        self.others = Some(Arc::new(others));
        self
    }

    /// With AI models behind the gateway.
    #[must_use]
    pub fn offering(mut self, models: Arc<Models>) -> App {
        self.gateway = Some(Arc::new(Gateway::new(models, Arc::clone(&self.identity))));
        self
    }

    /// With limits on how much callers may ask; without, they may ask as much as they like.
    #[must_use]
    pub fn limited(mut self, rates: Rates) -> App {
        self.limits = Arc::new(Limits::new(rates, &self.clock));
        self
    }

    /// With figures at `/metrics`, for whoever shows this token. They name accounts: no tenant's token opens them, and
    /// without this there are none.
    #[must_use]
    pub fn metered(mut self, token: &str) -> App {
        self.metered = Some(Arc::new(Watcher::new(token)));
        self
    }

    /// A new request's id.
    pub(crate) fn request_id(&self) -> String {
        let mut id = [0_u8; 16];
        match self.entropy.fill(&mut id) {
            Ok(()) => tenantry_identity::text::hex(&id),
            // Without entropy nothing is signed or made, so the id only names the refusal.
            Err(_) => "none".to_owned(),
        }
    }
}

/// Every route of the server. Unknown paths answer 404 in the same shape as every refusal.
pub fn router(app: App) -> Router {
    mcp::routes(gateway::routes(browser::routes(oauth::routes(own::routes(Router::new())))))
        .route("/app/v1/tools/{tool}", post(endpoints::call_tool::handle))
        .route("/app/v1/approvals", get(endpoints::list_approvals::handle))
        .route("/app/v1/approvals/{id}/approve", post(endpoints::decide_approval::approve))
        .route("/app/v1/approvals/{id}/deny", post(endpoints::decide_approval::deny))
        .route("/setup/{ticket}", get(endpoints::setup::show).post(endpoints::setup::submit))
        .route("/healthz", get(endpoints::health::live))
        .route("/readyz", get(endpoints::health::ready))
        .route("/metrics", get(endpoints::metrics::handle))
        .route("/openapi.json", get(endpoints::openapi::handle))
        .route("/exports/{file}", get(management::download::handle))
        .nest("/api/v2", management::router())
        .fallback(endpoints::nowhere::handle)
        .method_not_allowed_fallback(endpoints::nowhere::wrong_method)
        .with_state(app)
}
