//! The gateway: AI models as their clients know them, OpenAI's and Anthropic's. One file per endpoint. It
//! verifies the credential and gives answers their form; what may be called is decided in the guard.

mod absent;
mod auth;
mod body;
mod call;
mod events;
mod failure;
mod list;
mod room;
mod standing;

use std::sync::Arc;

use axum::Router;
use axum::routing::{MethodRouter, any, get, post};
use tenantry_guard::models::{Caller, Models, Surface};
use tenantry_identity::Identity;
use tenantry_identity::admission::AdmissionCache;

use crate::app::App;

/// How many credentials are remembered.
const REMEMBERED: u64 = 100_000;

/// What the gateway's endpoints share.
pub(crate) struct Gateway {
    pub(crate) models: Arc<Models>,
    callers: AdmissionCache<Arc<Caller>>,
    room: room::Room,
}

impl Gateway {
    pub(crate) fn new(models: Arc<Models>, identity: Arc<Identity>) -> Gateway {
        Gateway { models, callers: AdmissionCache::new(REMEMBERED, identity), room: room::Room::new() }
    }
}

/// The gateway's routes.
pub(crate) fn routes(router: Router<App>) -> Router<App> {
    router
        .route("/v1/chat/completions", only(post(call::chat)))
        .route("/v1/responses", only(post(call::responses)))
        .route("/v1/embeddings", only(post(call::embeddings)))
        .route("/v1/messages", only(post(call::messages)))
        .route("/v1/models", only(get(list::all)))
        .route("/v1/models/{*model}", only(get(list::one)))
        .route("/v1/{*rest}", any(absent::path))
}

fn only(route: MethodRouter<App>) -> MethodRouter<App> {
    route.fallback(absent::method)
}

/// In which protocol's form a surface is answered.
fn form(surface: Surface) -> failure::Form {
    match surface {
        Surface::Messages => failure::Form::Anthropic,
        _ => failure::Form::OpenAi,
    }
}
