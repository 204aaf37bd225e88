//! The identity target: what the file says of accounts, users, roles, APIs and clients, what the store has, and
//! the operations that make one the other. Each kind has its file.
//!
//! Everything is done by the operations of the identity room as the operator, so that validation, record and
//! the end of old tokens come with it.

mod role;

use tenantry_file::Loaded;
use tenantry_identity::{Caller, Identity};

use crate::danger::Danger;
use crate::error::PlanError;
use crate::resource::{Kind, Resource};
use crate::state::State;
use crate::step::Step;
use crate::work::{Done, Work};

/// What the file wants.
///
/// # Errors
/// [`PlanError::Invalid`] for what cannot be.
pub fn desired(loaded: &Loaded) -> Result<Vec<Resource>, PlanError> {
    Ok(role::desired(loaded))
}

/// What is there: of everything that the state names as managed what is left of it, and whatever stands where
/// the file wants something. Reads whole tables, never thing by thing.
///
/// # Errors
/// The store's.
pub async fn current(
    identity: &Identity,
    caller: &Caller,
    state: &State,
    desired: &[Resource],
) -> Result<Vec<Resource>, PlanError> {
    role::current(identity, caller, state, desired).await
}

/// Does steps of one kind and action, in their order. What was done stands in `done`, also when a later one fails.
///
/// # Errors
/// Of the first step that fails.
pub async fn apply(work: &Work<'_>, steps: &[Step], done: &mut Vec<Done>) -> Result<(), PlanError> {
    for step in steps {
        let one = match step.kind {
            Kind::Role => role::apply(work, step).await?,
            _ => return Err(PlanError::Internal("a kind that identity does not know")),
        };
        done.push(one);
    }
    Ok(())
}

/// What is dangerous about a step.
#[must_use]
pub fn dangers(_step: &Step) -> Vec<Danger> {
    Vec::new()
}

/// What a step means, where its fields do not say it.
#[must_use]
pub fn notes(_step: &Step) -> Vec<String> {
    Vec::new()
}
