//! A circuit breaker: an upstream that keeps failing is left alone for a while, then tried with one call.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

/// After so many failures in a row it is left alone …
const FAILURES: u32 = 5;

/// … for so long.
const REST: Duration = Duration::from_secs(10);

/// The state of one upstream, on this server.
#[derive(Debug, Default)]
pub(crate) struct Breaker {
    failures: AtomicU32,
    /// Until when it rests, milliseconds of the monotonic clock; 0 when it does not.
    until: AtomicU64,
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

impl Breaker {
    /// May it be called now? Of those who ask after its rest, one is let through; the others when that
    /// call has come through.
    pub(crate) fn lets_through(&self, now: Duration) -> bool {
        let until = self.until.load(Ordering::Acquire);
        if until == 0 {
            return true;
        }
        let now = millis(now);
        let next = now.saturating_add(millis(REST)).max(1);
        now >= until && self.until.compare_exchange(until, next, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// Seconds until it is tried again.
    pub(crate) fn rest(&self, now: Duration) -> u64 {
        self.until.load(Ordering::Acquire).saturating_sub(millis(now)).div_ceil(1000)
    }

    /// It answered.
    pub(crate) fn came_through(&self) {
        // Mostly it had: then nothing is written.
        if self.failures.load(Ordering::Relaxed) != 0 {
            self.failures.store(0, Ordering::Release);
        }
        if self.until.load(Ordering::Relaxed) != 0 {
            self.until.store(0, Ordering::Release);
        }
    }

    /// It did not.
    pub(crate) fn failed(&self, now: Duration) {
        if self.failures.fetch_add(1, Ordering::AcqRel).saturating_add(1) >= FAILURES {
            self.until.store(millis(now.saturating_add(REST)).max(1), Ordering::Release);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_rests_after_five_failures_and_is_tried_once() {
        let breaker = Breaker::default();
        let at = Duration::from_secs;
        for _ in 0..4 {
            breaker.failed(at(1));
        }
        assert!(breaker.lets_through(at(1)));
        breaker.failed(at(1));
        assert!(!breaker.lets_through(at(2)));
        assert_eq!(breaker.rest(at(2)), 9);
        assert!(breaker.lets_through(at(11)), "one is let through");
        assert!(!breaker.lets_through(at(11)), "and no other");
        breaker.failed(at(12));
        assert!(!breaker.lets_through(at(21)));
        assert!(breaker.lets_through(at(22)));
        breaker.came_through();
        assert!(breaker.lets_through(at(22)) && breaker.lets_through(at(22)));
    }
}
