//! Changes of rights as this server knows them: who was affected, and by the change of which number.
//!
//! A token carries the number of the last change that its maker knew. It is refused when something that
//! it rests on was changed later. Every server asks the store for new changes a few times a second, and at
//! once after a change of its own.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::RwLock;

use crate::backend::{Backend, Param};
use crate::{Store, StoreError, Subject};

/// How long a change is remembered: the longest that a token is accepted here (24 h), and an hour for
/// clocks that disagree.
const REMEMBERED_MICROS: i64 = 25 * 3_600 * 1_000_000;

/// How long after the last answer of the store the changes known still count as all there are.
pub const FRESH: Duration = Duration::from_secs(1);

/// How many changes are read at once.
const AT_ONCE: i64 = 10_000;

/// Changes of rights, in memory.
#[derive(Debug, Default)]
pub struct Epochs {
    /// Kind, then name, of what was affected, to the number and time of its last change.
    changed: RwLock<HashMap<String, HashMap<String, Changed>>>,
    number: AtomicI64,
    /// When the last successful look at the store began, on the monotonic clock, in microseconds.
    looked: AtomicI64,
    /// Does somebody look regularly? Until then this is the only server, and its own changes are all.
    watched: AtomicBool,
    writes: AtomicU64,
    looking: tokio::sync::Mutex<()>,
}

#[derive(Debug, Clone, Copy)]
struct Changed {
    number: i64,
    micros: i64,
}

impl Epochs {
    /// The number of the last change known; 0 before the first. One atomic read.
    #[must_use]
    pub fn number(&self) -> i64 {
        self.number.load(Ordering::Acquire)
    }

    /// Counts what this server wrote that others may keep in memory: it moves with every batch that does
    /// not say otherwise ([`Batch::notes_only`](crate::Batch::notes_only)).
    #[must_use]
    pub fn writes(&self) -> u64 {
        self.writes.load(Ordering::Acquire)
    }

    /// Was this changed after the change of that number?
    #[must_use]
    pub fn changed_after(&self, number: i64, subject: &Subject) -> bool {
        let (kind, name) = subject.parts();
        let changed = self.changed.read();
        changed.get(kind).and_then(|names| names.get(name.as_ref())).is_some_and(|changed| changed.number > number)
    }

    /// The number of the last change of it, while it is remembered.
    #[must_use]
    pub fn last_change(&self, subject: &Subject) -> Option<i64> {
        let (kind, name) = subject.parts();
        self.changed.read().get(kind).and_then(|names| names.get(name.as_ref())).map(|changed| changed.number)
    }

    /// Are the changes known all that there were up to [`FRESH`] ago? `monotonic` is the clock's.
    #[must_use]
    pub fn is_fresh(&self, monotonic: Duration) -> bool {
        !self.watched.load(Ordering::Relaxed)
            || micros(monotonic).saturating_sub(self.looked.load(Ordering::Acquire)) <= micros(FRESH)
    }

    /// From now on somebody looks regularly, and [`Epochs::is_fresh`] holds them to it.
    pub fn watch(&self) {
        self.watched.store(true, Ordering::Release);
    }

    pub(crate) fn wrote(&self) {
        self.writes.fetch_add(1, Ordering::AcqRel);
    }

    /// Reads what is new. One after another: a look that waited need not look again for what it waits for,
    /// but it does, since its change may have come after the other look began.
    pub(crate) async fn look(&self, backend: &Backend, monotonic: Duration, now: i64) -> Result<(), StoreError> {
        let _alone = self.looking.lock().await;
        let mut known = self.number();
        if known == 0 {
            // The first look: what tokens that still live could have missed.
            const START: &str = "SELECT coalesce(min(seq), 0) - 1, coalesce((SELECT max(seq) FROM tenantry_change), 0) \
                FROM tenantry_change WHERE time_micros >= $1";
            let params = vec![Param::int(now.saturating_sub(REMEMBERED_MICROS))];
            let start = backend.find(START, params, |row| (row.int(0), row.int(1))).await?.pop();
            let (first, last) = start.unwrap_or_default();
            let last = last.unwrap_or_default();
            known = match first {
                Some(first) if first >= 0 => first,
                // Nothing recent.
                _ => last,
            };
        }
        loop {
            const NEW: &str =
                "SELECT seq, time_micros, kind, subject FROM tenantry_change WHERE seq > $1 ORDER BY seq LIMIT $2";
            let rows = backend
                .find(NEW, vec![Param::int(known), Param::int(AT_ONCE)], |row| {
                    (row.int(0), row.int(1), row.text(2), row.text(3))
                })
                .await?;
            let full = i64::try_from(rows.len()).is_ok_and(|rows| rows >= AT_ONCE);
            if !rows.is_empty() {
                let mut changed = self.changed.write();
                for (number, micros, kind, name) in rows {
                    let (Some(number), Some(micros), Some(kind), Some(name)) = (number, micros, kind, name) else {
                        continue;
                    };
                    changed.entry(kind).or_default().insert(name, Changed { number, micros });
                    known = number;
                }
            }
            // INVARIANT: the map is complete up to the number before the number says so.
            self.number.store(known, Ordering::Release);
            if !full {
                break;
            }
        }
        self.looked.store(micros(monotonic), Ordering::Release);
        Ok(())
    }

    /// Forgets changes that no living token can have missed.
    fn forget(&self, now: i64) {
        let oldest = now.saturating_sub(REMEMBERED_MICROS);
        let mut changed = self.changed.write();
        for names in changed.values_mut() {
            names.retain(|_, changed| changed.micros >= oldest);
        }
        changed.retain(|_, names| !names.is_empty());
    }
}

fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}

impl Store {
    /// Changes of rights as this server knows them.
    #[must_use]
    pub fn epochs(&self) -> &Epochs {
        &self.epochs
    }

    /// Asks the store for changes of rights that this server does not know yet.
    ///
    /// # Errors
    /// The store's; what was known stays known.
    pub async fn look_for_changes(&self) -> Result<(), StoreError> {
        self.epochs.look(&self.backend, self.clock.monotonic(), self.clock.now_micros()).await
    }

    /// Forgets changes that no living token can have missed, in memory and in the store. The last one
    /// stays: the next number follows from it.
    ///
    /// # Errors
    /// The store's.
    pub async fn forget_changes(&self) -> Result<(), StoreError> {
        let now = self.clock.now_micros();
        self.epochs.forget(now);
        const FORGET: &str = "DELETE FROM tenantry_change WHERE time_micros < $1 \
            AND seq < (SELECT max(seq) FROM tenantry_change)";
        self.backend.write(FORGET, vec![Param::int(now.saturating_sub(2 * REMEMBERED_MICROS))]).await.map(drop)
    }
}
