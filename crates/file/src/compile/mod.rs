//! From the file and the catalogs to the law in force.

use std::collections::BTreeMap;

use tenantry_policy::Policy;
use tenantry_policy::catalog::Catalog;

use crate::diagnostic::{Diagnostic, Findings};
use crate::loaded::Loaded;

/// A policy, and what probably does not say what was meant.
#[derive(Debug, Clone)]
pub struct Compiled {
    /// The law.
    pub policy: Policy,
    /// Of the file and of this compilation.
    pub warnings: Vec<Diagnostic>,
}

/// Resolves every name of the file against the catalogs of its sources (by the sources' names) and
/// makes the policy.
///
/// # Errors
/// Every finding at once, warnings included, in the order of the texts.
pub fn compile(loaded: &Loaded, catalogs: &BTreeMap<String, Catalog>) -> Result<Compiled, Vec<Diagnostic>> {
    let _ = catalogs;
    Err(Findings::default().finish(&loaded.files))
}
