//! Events on their way to the store.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tenantry_store::Store;
use tenantry_store::identity::logs::Log;
use tokio::runtime::Handle;

/// How late an event may be kept.
const LATEST: Duration = Duration::from_millis(20);

/// The most events that wait; more than that is a flood, of which the rest is left out.
const MOST: usize = 50_000;

/// Events in one batch.
const AT_ONCE: usize = 1_024;

/// How often what is old is removed, and when it is.
const SWEEP_MICROS: i64 = 3_600 * 1_000_000;
const OLD_MICROS: i64 = 30 * 86_400 * 1_000_000;
const OLD_JOB_MICROS: i64 = 2 * 86_400 * 1_000_000;

/// Events on their way to the store. Clones are one buffer.
#[derive(Clone, Default)]
pub(crate) struct Buffer(Arc<Shared>);

#[derive(Default)]
struct Shared {
    turn: AtomicU64,
    waiting: Mutex<Waiting>,
    /// Held while events are written, so that whoever flushes knows that they were.
    writing: tokio::sync::Mutex<i64>,
}

#[derive(Default)]
struct Waiting {
    events: Vec<Log>,
    left_out: u64,
    planned: bool,
}

impl Buffer {
    /// A number that tells events of the same time apart, in their order.
    pub(crate) fn turn(&self) -> u64 {
        self.0.turn.fetch_add(1, Ordering::Relaxed) % 100_000_000
    }

    /// Takes an event, and sees to it that it is written soon.
    pub(crate) fn push(&self, store: &Arc<Store>, event: Log) {
        let mut waiting = self.0.waiting.lock();
        if waiting.events.len() >= MOST {
            waiting.left_out += 1;
            return;
        }
        waiting.events.push(event);
        if waiting.planned {
            return;
        }
        // Outside async code the next flush takes it along.
        if let Ok(runtime) = Handle::try_current() {
            waiting.planned = true;
            let (buffer, store) = (self.clone(), Arc::clone(store));
            runtime.spawn(async move {
                tokio::time::sleep(LATEST).await;
                buffer.flush(&store).await;
            });
        }
    }

    /// Writes what waits.
    pub(crate) async fn flush(&self, store: &Store) {
        let mut swept = self.0.writing.lock().await;
        let (events, left_out) = {
            let mut waiting = self.0.waiting.lock();
            waiting.planned = false;
            (std::mem::take(&mut waiting.events), std::mem::take(&mut waiting.left_out))
        };
        if left_out > 0 {
            tracing::warn!(left_out, "too many events at a time: some were left out of the logs");
        }
        let Some(now) = events.last().map(|event| event.time_micros) else { return };
        for events in events.chunks(AT_ONCE) {
            let mut batch = store.batch();
            batch.notes_only();
            batch.insert_logs(events);
            if let Err(error) = store.commit(batch).await {
                tracing::error!(%error, count = events.len(), "events are not in the logs");
            }
        }
        if now.saturating_sub(*swept) > SWEEP_MICROS {
            *swept = now;
            sweep(store, now).await;
        }
    }
}

/// Removes what nobody needs any more.
async fn sweep(store: &Store, now: i64) {
    let mut batch = store.batch();
    batch.purge_logs(now.saturating_sub(OLD_MICROS));
    batch.purge_attempts(now.saturating_sub(OLD_MICROS));
    batch.purge_tickets(now.saturating_sub(OLD_MICROS));
    batch.purge_sessions(now.saturating_sub(OLD_MICROS));
    batch.purge_refresh_tokens(now.saturating_sub(OLD_MICROS));
    batch.purge_jobs(now.saturating_sub(OLD_JOB_MICROS));
    if let Err(error) = store.commit(batch).await {
        tracing::error!(%error, "what is old was not removed from the store");
    }
}
