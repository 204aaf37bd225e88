//! The wire to AI models: how each kind of upstream is asked, and its answer in the caller's form.
//!
//! ```text
//! Outgoing (caller's form) -> translate, where the upstream speaks another -> HTTP or the built-in one
//!                          -> translate back, event by event -> Incoming (caller's form)
//! ```
//! Figures go the same way, to a collector ([`Exporting`]).
//!
//! Who may call, what it may use and what is put on record is decided before, in the guard's room.

mod client;
mod echo;
mod events;
mod otlp;
mod translate;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use tenantry_guard::models::{Incoming, Kind, Outgoing, Surface, Target, Trouble, Upstream};

use translate::{FromChat, FromMessages, chat_request, messages_request};

pub use client::Client;
pub use otlp::{BadCollector, Collector, Exporting};

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
                (Kind::Anthropic, Surface::Responses | Surface::Embeddings) => {
                    Err(Trouble::Untranslatable("This model is not offered in this form."))
                }
                (Kind::OpenAi, Surface::Messages) => {
                    let asked = messages_request(&read(&request.body)?, &target.parts)?.to_string();
                    let incoming = self.client.ask(&target, Surface::Chat.path(), asked.into()).await?;
                    translate::answer(incoming, FromChat::whole, FromChat::default()).await
                }
                (Kind::Anthropic, Surface::Chat) => {
                    let asked = chat_request(&read(&request.body)?)?.to_string();
                    let incoming = self.client.ask(&target, Surface::Messages.path(), asked.into()).await?;
                    translate::answer(incoming, FromMessages::whole, FromMessages::new()).await
                }
                (Kind::OpenAi | Kind::Anthropic, _) => {
                    self.client.ask(&target, request.surface.path(), request.body).await
                }
            }
        })
    }
}

/// A request that has to be understood. What cannot be read (too deep, a number too large) is the caller's doing.
fn read(body: &[u8]) -> Result<serde_json::Value, Trouble> {
    serde_json::from_slice(body).map_err(|_| Trouble::Untranslatable("The body holds what this model cannot read."))
}
