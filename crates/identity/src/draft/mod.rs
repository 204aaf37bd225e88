//! Many changes that happen together or not at all: what applying a file is made of.
//!
//! Each change is checked as the operation of the same name checks it, stands on record as that one does, and ends
//! the same tokens. What it is a change of was read before, with [`Identity::inventory`]: when somebody was faster,
//! nothing of the draft happens.

mod accounts;
mod apis;
mod clients;
mod connections;
mod grants;
mod members;
mod roles;
mod settings;
mod users;

use futures_util::future::join_all;
use tenantry_store::{Batch, BatchError, Entry, Phase, Place, Receipt, StoreError};

use crate::act::Act;
use crate::logs::Event;
use crate::{Caller, Identity, Kind, Reach, Refusal};

pub use clients::NewKey;
pub use users::UserChange;

/// Changes that are not written yet.
#[derive(Debug)]
pub struct Draft<'a> {
    identity: &'a Identity,
    caller: &'a Caller,
    batch: Batch,
    acts: Vec<Begun>,
    events: Vec<Event>,
}

/// A change of a draft.
#[derive(Debug)]
struct Begun {
    entry: Entry,
    /// With what it is done.
    kind: Kind,
    /// Where its statements begin.
    from: Place,
}

/// Why a draft was not written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{refusal}")]
pub struct NotWritten {
    /// Which of its changes kept it from that, counted from 0, as far as one did.
    pub change: Option<usize>,
    /// Why.
    pub refusal: Refusal,
}

impl Identity {
    /// An empty draft.
    ///
    /// # Errors
    /// [`Refusal::Forbidden`] for anybody but the operator.
    pub fn draft<'a>(&'a self, caller: &'a Caller) -> Result<Draft<'a>, Refusal> {
        if caller.reach != Reach::Operator {
            return Err(Refusal::Forbidden { any_of: &["apply"] });
        }
        Ok(Draft { identity: self, caller, batch: self.store.batch(), acts: Vec::new(), events: Vec::new() })
    }
}

impl Draft<'_> {
    /// How many changes it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.acts.len()
    }

    /// Does it hold none?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.acts.is_empty()
    }

    /// The next change begins.
    fn begin(&mut self, kind: Kind, act: &Act<'_>) {
        let entry = self.identity.begun(self.caller, act);
        self.acts.push(Begun { entry, kind, from: self.batch.next() });
    }

    /// Puts all of it on record, writes it in one transaction, and puts on record how it ended.
    ///
    /// # Errors
    /// [`NotWritten`]: nothing was written, unless the store did not answer.
    pub async fn commit(self) -> Result<(), NotWritten> {
        let Draft { identity, batch, acts, events, .. } = self;
        if acts.is_empty() {
            return Ok(());
        }
        let failed = |refusal| NotWritten { change: None, refusal };
        let mut receipts: Vec<Option<Receipt>> = Vec::with_capacity(acts.len());
        let mut unrecorded = None;
        for begun in join_all(acts.iter().map(|act| identity.store.append(&act.entry))).await {
            match begun {
                Ok(receipt) => receipts.push(Some(receipt)),
                Err(error) => {
                    unrecorded = Some(error);
                    receipts.push(None);
                }
            }
        }
        let outcome = match unrecorded {
            // No record, no act.
            Some(error) => Err(failed(Refusal::Store(error))),
            None => identity.store.commit(batch).await.map(|_| ()).map_err(|error| why(&acts, error)),
        };
        let now = identity.now();
        let ends: Vec<Entry> = acts
            .into_iter()
            .zip(&receipts)
            .filter_map(|(act, receipt)| {
                let phase = if outcome.is_ok() { Phase::Completed } else { Phase::Failed };
                let mut end = act.entry.ended(receipt.as_ref()?, phase, now);
                end.error = outcome.as_ref().err().map(|error| error.refusal.code().to_owned());
                Some(end)
            })
            .collect();
        for ended in join_all(ends.iter().map(|end| identity.store.append(end))).await {
            if let Err(error) = ended {
                tracing::error!(%error, "an act's end is not on record");
            }
        }
        if outcome.is_ok() {
            events.into_iter().for_each(|event| identity.log(event));
        }
        outcome
    }
}

/// Which change kept the batch from being written, and why.
fn why(acts: &[Begun], error: BatchError) -> NotWritten {
    let at = |place: Place| acts.iter().rposition(|act| act.from <= place);
    let named = |place: Place, refusal: fn(Kind) -> Refusal| {
        let change = at(place);
        let kind = change.and_then(|change| acts.get(change)).map_or(Kind::Account, |act| act.kind);
        NotWritten { change, refusal: refusal(kind) }
    };
    match error {
        // The first thing that making an account does is to give out its tenant id.
        BatchError::Duplicate(place)
            if acts.iter().any(|act| act.from == place && act.entry.tool == "accounts.create") =>
        {
            let message = "this tenant_id was given to an account before; rows may still carry it";
            NotWritten { change: at(place), refusal: Refusal::invalid(message) }
        }
        BatchError::Untouched(place) => named(place, Refusal::Contended),
        BatchError::Duplicate(place) => named(place, Refusal::Exists),
        BatchError::Dangling(place) => named(place, Refusal::Missing),
        BatchError::Store(error) => NotWritten { change: None, refusal: Refusal::Store(error) },
    }
}

impl From<StoreError> for NotWritten {
    fn from(error: StoreError) -> NotWritten {
        NotWritten { change: None, refusal: Refusal::Store(error) }
    }
}
