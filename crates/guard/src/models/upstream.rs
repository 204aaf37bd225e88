//! How an upstream is reached: handed in, since it is the outside world.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::Stream;

use super::catalog::Target;
use super::surface::Surface;

/// A request on its way to an upstream, in the caller's form.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// Its form, and that of the answer wanted.
    pub surface: Surface,
    /// Are events asked for?
    pub stream: bool,
    /// The body, with what is ours in place of what the caller may not choose.
    pub body: Bytes,
}

/// An answer that arrives piece by piece.
pub type Arriving = Pin<Box<dyn Stream<Item = Result<Bytes, Trouble>> + Send>>;

/// The beginning of an upstream's answer, in the caller's form.
pub struct Incoming {
    /// The HTTP status.
    pub status: u16,
    /// Are these server-sent events?
    pub events: bool,
    /// Seconds after which it wants to be asked again.
    pub retry_after: Option<u64>,
    /// The rest. Dropping it cancels the call.
    pub body: Arriving,
}

impl std::fmt::Debug for Incoming {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Incoming").field("status", &self.status).field("events", &self.events).finish_non_exhaustive()
    }
}

/// Why an upstream gave no answer, or no more of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Trouble {
    /// There is no connection.
    #[error("no connection")]
    Connect,
    /// It took too long.
    #[error("no answer in time")]
    Timeout,
    /// The connection broke.
    #[error("the connection broke")]
    Broken,
    /// The answer is none of its protocol, or too large.
    #[error("the answer is not what it should be")]
    Protocol,
    /// The request cannot be said in its protocol.
    #[error("the request cannot be said in the upstream's protocol: {0}")]
    Untranslatable(&'static str),
}

/// What reaches upstreams.
pub trait Upstream: Send + Sync {
    /// Sends a request; answers when the beginning of the answer is there. Dropping the future cancels it.
    fn send(
        &self,
        target: &Arc<Target>,
        request: Outgoing,
    ) -> Pin<Box<dyn Future<Output = Result<Incoming, Trouble>> + Send + '_>>;
}
