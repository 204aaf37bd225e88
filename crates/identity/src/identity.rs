//! What every identity operation is given.

use std::sync::Arc;

use tenantry_policy::{Clock, Entropy};
use tenantry_store::Store;

use crate::Issuer;
use crate::jobs::Running;
use crate::logs::Buffer;
use crate::oauth::Registry;
use crate::password::Pool;
use crate::registration::{Documents, Openness};

/// How often a change is tried when others change the same thing at the same time.
pub(crate) const TRIES: usize = 8;

/// The operations of identity: accounts, users, roles, APIs, clients. Every API and the command line call
/// these, so that validation, permission check and record are written once. Each resource adds its
/// operations in a file of its own.
pub struct Identity {
    pub(crate) store: Arc<Store>,
    pub(crate) issuer: Arc<Issuer>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) passwords: Pool,
    pub(crate) logs: Buffer,
    pub(crate) registry: Registry,
    pub(crate) running: Running,
    pub(crate) openness: parking_lot::RwLock<Openness>,
    pub(crate) documents: Documents,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity").field("store", &self.store).finish_non_exhaustive()
    }
}

impl Identity {
    /// The operations over a store.
    #[must_use]
    pub fn new(store: Arc<Store>, issuer: Arc<Issuer>, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Identity {
        Identity {
            store,
            issuer,
            clock,
            entropy,
            passwords: Pool::new(),
            logs: Buffer::default(),
            registry: Registry::new(),
            running: Running::new(),
            openness: parking_lot::RwLock::default(),
            documents: Documents::new(),
        }
    }

    /// The issuer of this installation's tokens.
    #[must_use]
    pub fn issuer(&self) -> &Arc<Issuer> {
        &self.issuer
    }

    /// Now, in microseconds since 1970 UTC.
    #[must_use]
    pub fn now(&self) -> i64 {
        self.clock.now_micros()
    }
}
