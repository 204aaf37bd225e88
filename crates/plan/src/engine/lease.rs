//! The lease under which a file is applied: one at a time, on all machines that share the store.

use std::sync::Arc;
use std::time::Duration;

use tenantry_store::Store;

use crate::error::PlanError;

/// The lease's name.
pub(crate) const NAME: &str = "apply";

/// How long a process that died keeps others waiting, in microseconds: 20 s.
pub const LEASE_MICROS: i64 = 20_000_000;

/// How often a living one says so.
const EVERY: Duration = Duration::from_secs(5);

/// The lease, held on to while this lives.
#[derive(Debug)]
pub(crate) struct Held {
    store: Arc<Store>,
    holder: String,
    keeper: tokio::task::JoinHandle<()>,
}

impl Held {
    /// Takes the lease.
    ///
    /// # Errors
    /// [`PlanError::Locked`] when somebody else has it.
    pub(crate) async fn take(store: &Arc<Store>, holder: &str, now: i64) -> Result<Held, PlanError> {
        if let Some(other) = store.take_lease(NAME, holder, LEASE_MICROS).await? {
            let seconds = other.until_micros.saturating_sub(now).saturating_add(999_999) / 1_000_000;
            return Err(PlanError::Locked { holder: other.holder, seconds: seconds.max(1) });
        }
        let (kept, name) = (Arc::clone(store), holder.to_owned());
        let keeper = tokio::spawn(async move {
            loop {
                tokio::time::sleep(EVERY).await;
                // What is written under it is checked by itself; this only keeps others waiting.
                match kept.keep_lease(NAME, &name, LEASE_MICROS).await {
                    Ok(true) => {}
                    Ok(false) => break,
                    Err(error) => tracing::warn!(%error, "the lease of this apply could not be renewed"),
                }
            }
        });
        Ok(Held { store: Arc::clone(store), holder: holder.to_owned(), keeper })
    }

    /// Adds to a batch that it only counts while the lease is held.
    pub(crate) fn guard(&self, batch: &mut tenantry_store::Batch) {
        batch.hold_lease(NAME, &self.holder, LEASE_MICROS);
    }

    /// Is it still held? Asked before what the store cannot undo.
    pub(crate) async fn check(&self) -> Result<(), PlanError> {
        match self.store.keep_lease(NAME, &self.holder, LEASE_MICROS).await? {
            true => Ok(()),
            false => Err(PlanError::LeaseLost),
        }
    }

    /// Lets go.
    pub(crate) async fn end(self) {
        self.keeper.abort();
        if let Err(error) = self.store.end_lease(NAME, &self.holder).await {
            tracing::warn!(%error, "the lease of this apply is held until it ends by itself");
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}
