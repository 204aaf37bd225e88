//! The wire to AI models: how each kind of upstream is asked, and its answer in the caller's form.
//!
//! ```text
//! Outgoing (caller's form) -> translate, where the upstream speaks another -> HTTP or the built-in one
//!                          -> translate back, event by event -> Incoming (caller's form)
//! ```
//! Who may call, what it may use and what is put on record is decided before, in the guard's room.

mod client;
mod echo;
mod events;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use tenantry_guard::models::{Incoming, Kind, Outgoing, Surface, Target, Trouble, Upstream};

pub use client::Client;

/// Reaches upstreams of every kind.
#[derive(Debug, Default)]
pub struct Wire {
    client: Client,
}

impl Upstream for Wire {
    fn send(
        &self,
        target: &Arc<Target>,
        request: Outgoing,
    ) -> Pin<Box<dyn Future<Output = Result<Incoming, Trouble>> + Send + '_>> {
        let target = Arc::clone(target);
        Box::pin(async move {
            match (target.kind, request.surface) {
                (Kind::Echo, _) => echo::answer(&request),
                (Kind::OpenAi, Surface::Messages) | (Kind::Anthropic, _) => {
                    Err(Trouble::Untranslatable("This model is not offered in this form."))
                }
                (Kind::OpenAi, _) => self.client.ask(&target, request.surface.path(), request.body).await,
            }
        })
    }
}
