//! Stands in for Cedar where the benchmarks are built without it: checks and tests need not compile
//! a peer that only a measurement asks.

use crate::Problem;
use crate::decision::World;

/// How the same rights are written for Cedar.
#[derive(Debug, Clone, Copy)]
pub enum Form {
    /// One rule for all roles.
    OneRule,
    /// A rule for each role.
    RulePerRole,
}

/// Cedar, absent.
pub struct Cedar;

impl Cedar {
    /// Always refuses: without the peer there is nothing to compare with.
    ///
    /// # Errors
    /// [`Problem`], naming the feature.
    pub fn new(_: &World, _: Form) -> Result<Cedar, Problem> {
        Err(Problem::new("measure beside Cedar", "this was built without the feature `cedar`"))
    }

    /// Never reached: there is no way to make one.
    #[must_use]
    pub fn ask(&self, _: usize) -> bool {
        false
    }
}
