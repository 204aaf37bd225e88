//! The pen: allowed queries become statements, rules become row security. Pure.

pub mod program;

pub use program::Program;

use tenantry_policy::{Allowed, Query};

/// Renders an allowed query for its source's dialect.
///
/// # Errors
/// [`RenderError`] when the query does not fit the policy it was decided under.
pub fn render(allowed: &Allowed<Query>) -> Result<Program, RenderError> {
    let _ = allowed;
    Err(RenderError::Inconsistent("not built yet"))
}

/// A statement could not be made. Always our fault: a decided query fits its policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// The query names something that its policy does not have.
    #[error("the decided query does not fit its policy: {0}")]
    Inconsistent(&'static str),
}
