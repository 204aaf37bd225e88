//! Limits and budgets: how much may be asked, decided once for every level that a call stands under.
//!
//! ```text
//! Limiter::enter(Entering) -> Permit -> Permit::settle          or Refused
//!   which limits (scope) -> one decision under one lock: rates and places (limiter, bucket)
//!     -> more of a rate that servers share (share) -> a turn in the queue (queue) -> money (money)
//! ```
//! No level is charged unless all of them let the call pass. A [`Permit`] that is dropped gives its places back.

mod bucket;
mod declared;
mod holding;
mod limiter;
mod money;
mod permit;
mod queue;
mod refused;
mod scope;
mod share;

pub use holding::{Holding, MoneyLeft};
pub use limiter::{Entering, Limiter};
pub use money::Money;
pub use permit::Permit;
pub use refused::{Refused, Standing, Why};
pub use scope::Level;

pub(crate) use money::Settling;
