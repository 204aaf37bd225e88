//! What a target is given to do its steps, and what it answers.

use std::collections::BTreeMap;

use tenantry_identity::{Caller, Identity};
use tenantry_policy::{Address, Entropy};
use zeroize::Zeroizing;

use crate::engine::Consent;
use crate::identity::Ground;
use crate::resource::Resource;
use crate::secrets::Shown;
use crate::state::State;
use crate::step::Step;

/// What a target is given to do its steps.
pub struct Work<'a> {
    /// The operations of identity.
    pub identity: &'a Identity,
    /// On whose behalf: the operator, with the run's id.
    pub caller: &'a Caller,
    /// What was managed before.
    pub state: &'a State,
    /// Randomness.
    pub entropy: &'a dyn Entropy,
    /// The time of the run, in microseconds since 1970 UTC: waivers end by it.
    pub now: i64,
    /// What was agreed to.
    pub consent: &'a Consent,
    /// What the file wants of identity, all of it.
    pub(crate) wanted: &'a [Resource],
    /// What there is of identity, read once for all steps.
    pub(crate) ground: tokio::sync::Mutex<Option<Ground>>,
    /// The secrets that the steps set, by address and field: found, or made for this run.
    pub(crate) secrets: BTreeMap<(String, String), Zeroizing<String>>,
}

impl std::fmt::Debug for Work<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Work").field("caller", &self.caller.name()).finish_non_exhaustive()
    }
}

impl Work<'_> {
    /// The secret that a step sets in a field: what the file's reference leads to, or one that was made (the
    /// engine keeps it and shows it once). `None` when the step does not set it.
    #[must_use]
    pub fn secret(&self, step: &Step, field: &str) -> Option<&Zeroizing<String>> {
        self.secrets.get(&(step.address.to_string(), field.to_owned()))
    }
}

/// What came of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// Which one.
    pub address: Address,
    /// What the thing is called where it lives; `None` once it is gone.
    pub id: Option<String>,
    /// Secrets that the target itself made: they are kept, and shown once.
    pub shown: Vec<Shown>,
}

impl Done {
    /// A step that was done with a thing of that id.
    #[must_use]
    pub fn new(step: &Step, id: impl Into<String>) -> Done {
        Done { address: step.address.clone(), id: Some(id.into()), shown: Vec::new() }
    }

    /// A thing that is gone.
    #[must_use]
    pub fn gone(step: &Step) -> Done {
        Done { address: step.address.clone(), id: None, shown: Vec::new() }
    }
}
