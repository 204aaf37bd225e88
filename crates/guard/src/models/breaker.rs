//! A circuit breaker: an upstream that keeps failing is left alone for a while, then tried with one call.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

/// After so many failures in a row it is left alone …
const FAILURES: u32 = 5;

/// … for so long.
const REST: Duration = Duration::from_secs(10);

/// The failures are several accounts'.
const SEVERAL: u64 = u64::MAX;

/// The state of one upstream, on this server.
#[derive(Debug, Default)]
pub(crate) struct Breaker {
    failures: AtomicU32,
    /// Until when it rests, milliseconds of the monotonic clock; 0 when it does not.
    until: AtomicU64,
    /// Whose calls failed: 0 is nobody's.
    blamed: AtomicU64,
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

impl Breaker {
    /// May this account call it now? Of those who ask after its rest, one is let through; the others when that
    /// call has come through.
    pub(crate) fn lets_through(&self, now: Duration, who: u64) -> bool {
        let until = self.until.load(Ordering::Acquire);
        if until == 0 {
            return true;
        }
        // INVARIANT: what only one account's calls brought about keeps nobody else from the upstream.
        let blamed = self.blamed.load(Ordering::Acquire);
        if blamed != SEVERAL && blamed != who {
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
        if self.blamed.load(Ordering::Relaxed) != 0 {
            self.blamed.store(0, Ordering::Release);
        }
    }

    /// It did not, when this account called.
    pub(crate) fn failed(&self, now: Duration, who: u64) {
        if let Err(blamed) = self.blamed.compare_exchange(0, who, Ordering::AcqRel, Ordering::Acquire)
            && blamed != who
        {
            self.blamed.store(SEVERAL, Ordering::Release);
        }
        if self.failures.fetch_add(1, Ordering::AcqRel).saturating_add(1) >= FAILURES {
            self.until.store(millis(now.saturating_add(REST)).max(1), Ordering::Release);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADA: u64 = 7;
    const GUS: u64 = 8;

    #[test]
    fn it_rests_after_five_failures_and_is_tried_once() {
        let breaker = Breaker::default();
        let at = Duration::from_secs;
        for _ in 0..4 {
            breaker.failed(at(1), ADA);
        }
        assert!(breaker.lets_through(at(1), ADA));
        breaker.failed(at(1), ADA);
        assert!(!breaker.lets_through(at(2), ADA));
        assert_eq!(breaker.rest(at(2)), 9);
        assert!(breaker.lets_through(at(11), ADA), "one is let through");
        assert!(!breaker.lets_through(at(11), ADA), "and no other");
        breaker.failed(at(12), ADA);
        assert!(!breaker.lets_through(at(21), ADA));
        assert!(breaker.lets_through(at(22), ADA));
        breaker.came_through();
        assert!(breaker.lets_through(at(22), ADA) && breaker.lets_through(at(22), ADA));
    }

    #[test]
    fn one_account_alone_never_rests_it_for_another() {
        let breaker = Breaker::default();
        let at = Duration::from_secs;
        for _ in 0..50 {
            breaker.failed(at(1), ADA);
        }
        assert!(!breaker.lets_through(at(1), ADA));
        assert!(breaker.lets_through(at(1), GUS) && breaker.lets_through(at(1), GUS));
        // It fails for another as well: then it is the upstream.
        breaker.failed(at(2), GUS);
        assert!(!breaker.lets_through(at(2), GUS) && !breaker.lets_through(at(2), 9));
        breaker.came_through();
        breaker.failed(at(3), GUS);
        assert!(breaker.lets_through(at(3), GUS));
    }
}
