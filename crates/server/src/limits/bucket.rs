//! Token buckets by key.

use std::hash::Hash;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};
use tenantry_policy::Clock;

use super::{Count, Rate};

/// How often full buckets, which say nothing, are forgotten: every so many requests.
const SWEEP: u64 = 16_384;

/// Our clock as the limiter asks it.
#[derive(Clone)]
struct Ticks(Arc<dyn Clock>);

impl governor::clock::Clock for Ticks {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.monotonic()
    }
}

/// A bucket for each key.
pub(super) struct Buckets<K: Hash + Eq + Clone> {
    limiter: RateLimiter<K, DashMapStateStore<K>, Ticks, StateInformationMiddleware>,
    rate: Rate,
    clock: Arc<dyn Clock>,
    taken: AtomicU64,
}

impl<K: Hash + Eq + Clone> std::fmt::Debug for Buckets<K> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Buckets").field("rate", &self.rate).finish_non_exhaustive()
    }
}

impl<K: Hash + Eq + Clone> Buckets<K> {
    /// `None` for a rate of nothing, or in no time.
    pub(super) fn new(rate: Rate, clock: &Arc<dyn Clock>) -> Option<Buckets<K>> {
        let each = rate.within.checked_div(rate.count)?;
        let quota = Quota::with_period(each)?.allow_burst(NonZeroU32::new(rate.count)?);
        let ticks = Ticks(Arc::clone(clock));
        let limiter = RateLimiter::new(quota, DashMapStateStore::default(), ticks);
        Some(Buckets { limiter, rate, clock: Arc::clone(clock), taken: AtomicU64::new(0) })
    }

    /// Takes one out of the key's bucket; `Err` when there is none.
    pub(super) fn take(&self, key: K) -> Result<Count, Count> {
        if self.taken.fetch_add(1, Ordering::Relaxed) % SWEEP == SWEEP - 1 {
            self.limiter.retain_recent();
        }
        let limit = self.rate.count;
        match self.limiter.check_key(&key) {
            Ok(state) => {
                let remaining = state.remaining_burst_capacity();
                let each = self.rate.within.checked_div(limit).unwrap_or_default();
                let full = each.saturating_mul(limit.saturating_sub(remaining));
                Ok(Count { limit, remaining, reset: self.after(full), wait: None })
            }
            Err(until) => {
                let wait = until.wait_time_from(self.clock.monotonic());
                let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
                Err(Count { limit, remaining: 0, reset: self.after(wait), wait: Some(seconds.max(1)) })
            }
        }
    }

    /// The second, since 1970 UTC, at or after so long from now.
    fn after(&self, wait: Duration) -> i64 {
        let micros = i64::try_from(wait.as_micros()).unwrap_or(i64::MAX);
        self.clock.now_micros().saturating_add(micros).saturating_add(999_999).div_euclid(1_000_000)
    }
}
