//! Calls of AI models, in one order that no endpoint can leave:
//! read -> permission -> reserve -> audit -> upstream -> answer -> settle -> usage -> audit.
//!
//! It knows no HTTP: the server hands in a verified [`Caller`] and the body's bytes, and gets an [`Answer`]
//! or a [`Refusal`]; how an upstream is reached is handed in as [`Upstream`].

mod body;
mod breaker;
mod caller;
mod catalog;
mod delivery;
mod door;
pub mod frames;
mod inside;
mod meter;
mod record;
mod refusal;
mod route;
mod sound;
mod surface;
mod upstream;
mod usage;

pub use caller::{Caller, Grant};
pub use catalog::{CapField, Catalog, Kind, Model, Partition, Patience, Price, Target, TargetParts};
pub use delivery::Delivery;
pub use door::{Answer, Body, Listed, Models, ModelsParts};
pub use meter::{Ask, Meter, Permit};
pub use refusal::{Refusal, RefusalKind};
pub use surface::Surface;
pub use upstream::{Arriving, Incoming, Outgoing, Trouble, Upstream};
pub use usage::Usage;
