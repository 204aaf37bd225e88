//! Measures the product from outside: what a decision costs, what a tool call costs, what a token
//! costs, each beside its peers in one run. Nothing here is part of the product.

pub mod data;
pub mod decision;
pub mod gateway;
pub mod identity;
pub mod plan;
pub mod proof;
pub mod talk;
pub mod timing;

/// A benchmark that could not be run.
#[derive(Debug, thiserror::Error)]
#[error("cannot {what}: {why}")]
pub struct Problem {
    what: &'static str,
    why: String,
}

impl Problem {
    /// What could not be done, and the reason.
    pub fn new(what: &'static str, why: impl ToString) -> Problem {
        Problem { what, why: why.to_string() }
    }
}

/// Names what failed.
pub trait Doing<T> {
    /// `what` completes the sentence "cannot …".
    ///
    /// # Errors
    /// The same error, with what was being done.
    fn doing(self, what: &'static str) -> Result<T, Problem>;
}

impl<T, E: ToString> Doing<T> for Result<T, E> {
    fn doing(self, what: &'static str) -> Result<T, Problem> {
        self.map_err(|why| Problem::new(what, why))
    }
}
