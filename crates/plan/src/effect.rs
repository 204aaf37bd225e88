//! Who gains or loses what by a plan.

use crate::engine::Wish;
use crate::plan::{Effect, Plan};
use crate::state::State;

/// The effects of a plan on access.
pub(crate) fn of(_plan: &Plan, _wish: &Wish<'_>, _state: &State) -> Vec<Effect> {
    Vec::new()
}
