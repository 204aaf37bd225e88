//! The engine: asks each target what the file wants of it and what is there, makes one plan, and does it.

mod apply;
mod drift;
mod import;
mod lease;
mod look;
mod record;
mod saved;

use std::collections::BTreeMap;
use std::sync::Arc;

use tenantry_file::Loaded;
use tenantry_identity::{Caller, Identity};
use tenantry_policy::catalog::Catalog;
use tenantry_policy::{Clock, Entropy, Policy};
use tenantry_source::SourceUrl;
use tenantry_store::Store;

use crate::plan::{Finding, Plan};
use crate::postgres::Access;
use crate::resource::{Resource, Target};
use crate::secrets::Secrets;
use crate::state::State;

pub use apply::{Applied, Consent, Event, Flow, Watch};
pub use drift::{Act, Drift, Drifted};
pub use lease::LEASE_MICROS;
pub use saved::Saved;

/// What the engine is given.
pub struct Parts {
    /// The store.
    pub store: Arc<Store>,
    /// The operations of identity.
    pub identity: Arc<Identity>,
    /// The operator, with the run's id.
    pub caller: Caller,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// Where references to secrets lead.
    pub secrets: Arc<dyn Secrets>,
}

/// Makes plans, and does them.
pub struct Engine {
    pub(crate) parts: Parts,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("store", &self.parts.store).finish_non_exhaustive()
    }
}

/// A source of the file, and how it is reached.
#[derive(Debug, Clone)]
pub struct SourceAccess {
    /// Its name in the file.
    pub name: String,
    /// How the running server reaches it.
    pub runtime: SourceUrl,
    /// How its owner reaches it.
    pub owner: Option<SourceUrl>,
}

/// What is wanted: the file, its compiled rules, and how its sources are reached.
#[derive(Debug, Clone, Copy)]
pub struct Wish<'a> {
    /// The file.
    pub loaded: &'a Loaded,
    /// Its rules.
    pub policy: &'a Policy,
    /// What the databases say of their tables.
    pub catalogs: &'a BTreeMap<String, Catalog>,
    /// Its sources.
    pub sources: &'a [SourceAccess],
}

/// What of the file is planned.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Only these targets (`identity`, `law`, a source's name); all when empty.
    pub targets: Vec<String>,
    /// Only things with these addresses, and what stands under them; all when empty.
    pub addresses: Vec<String>,
}

impl Selection {
    /// Is a target to be looked at?
    #[must_use]
    pub fn has_target(&self, target: &Target) -> bool {
        self.targets.is_empty() || self.targets.iter().any(|name| name == target.name())
    }

    /// Is a thing to be looked at?
    #[must_use]
    pub fn has(&self, address: &str) -> bool {
        self.addresses.is_empty()
            || self.addresses.iter().any(|wanted| {
                address.strip_prefix(wanted.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            })
    }

    /// Is everything looked at?
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.targets.is_empty() && self.addresses.is_empty()
    }
}

/// A plan, and what is needed to do it.
#[derive(Debug)]
pub struct Planned {
    /// The plan.
    pub plan: Plan,
    /// What was managed before.
    pub(crate) state: State,
    /// The targets, in the order in which they are done.
    pub(crate) targets: Vec<Part>,
}

/// A target of a plan.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) target: Target,
    /// How it is reached, for a source.
    pub(crate) access: Option<Access>,
    /// What a source's snapshot was, by its hash.
    pub(crate) snapshot: String,
    pub(crate) desired: Vec<Resource>,
    pub(crate) current: Vec<Resource>,
    /// What is there, and neither wanted nor managed.
    pub(crate) findings: Vec<Finding>,
}

impl Engine {
    /// An engine.
    #[must_use]
    pub fn new(parts: Parts) -> Engine {
        Engine { parts }
    }

    pub(crate) fn now(&self) -> i64 {
        self.parts.clock.now_micros()
    }
}
