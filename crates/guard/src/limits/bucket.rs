//! A bucket that fills evenly (GCRA): one number says until when it is used up.

use std::time::Duration;

use tenantry_policy::limits::Rate;

/// A bucket. Its rate stands with the limit, so that another file may change it.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Bucket {
    /// Until when it is used up, in picoseconds of the clock: exact for a million million in a second.
    used_until: u128,
}

fn picos(time: Duration) -> u128 {
    time.as_nanos().saturating_mul(1_000)
}

fn duration(picos: u128) -> Duration {
    Duration::from_nanos(u64::try_from(picos.div_ceil(1_000)).unwrap_or(u64::MAX))
}

/// What so many cost of a rate that is above nothing.
fn cost(rate: &Rate, many: u64) -> u128 {
    picos(rate.within).saturating_mul(u128::from(many)).div_ceil(u128::from(rate.count.max(1)))
}

impl Bucket {
    /// Are there so many in it? Otherwise when there will be; `None` is never.
    pub(crate) fn has(&self, rate: &Rate, many: u64, now: Duration) -> Result<(), Option<Duration>> {
        if many == 0 && rate.count > 0 {
            return Ok(());
        }
        if many > rate.count || rate.count == 0 {
            return Err(None);
        }
        let (now, whole) = (picos(now), picos(rate.within));
        let after = self.used_until.max(now).saturating_add(cost(rate, many));
        match after.checked_sub(now.saturating_add(whole)) {
            None | Some(0) => Ok(()),
            Some(over) => Err(Some(duration(over))),
        }
    }

    /// Takes so many out, whether or not they are there.
    pub(crate) fn take(&mut self, rate: &Rate, many: u64, now: Duration) {
        self.used_until = self.used_until.max(picos(now)).saturating_add(cost(rate, many));
    }

    /// Puts so many back.
    pub(crate) fn put_back(&mut self, rate: &Rate, many: u64) {
        self.used_until = self.used_until.saturating_sub(cost(rate, many));
    }

    /// How many are in it, and when it is full again.
    pub(crate) fn left(&self, rate: &Rate, now: Duration) -> (u64, Duration) {
        let used = self.used_until.saturating_sub(picos(now));
        let whole = picos(rate.within).max(1);
        let rest = whole.saturating_sub(used).saturating_mul(u128::from(rate.count)) / whole;
        (u64::try_from(rest).unwrap_or(u64::MAX), duration(used))
    }

    /// Does it say nothing, because it is full?
    pub(crate) fn is_full(&self, now: Duration) -> bool {
        self.used_until <= picos(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(1_000);

    fn rate(text: &str) -> Rate {
        Rate::parse(text).unwrap()
    }

    #[test]
    fn so_many_at_once_and_then_evenly() {
        let rate = rate("3/min");
        let mut bucket = Bucket::default();
        for left in [2, 1, 0] {
            assert_eq!(bucket.has(&rate, 1, NOW), Ok(()));
            bucket.take(&rate, 1, NOW);
            assert_eq!(bucket.left(&rate, NOW).0, left);
        }
        assert_eq!(bucket.has(&rate, 1, NOW), Err(Some(Duration::from_secs(20))));
        assert_eq!(bucket.has(&rate, 2, NOW), Err(Some(Duration::from_secs(40))));
        assert_eq!(bucket.has(&rate, 4, NOW), Err(None));
        let later = NOW + Duration::from_secs(20);
        assert_eq!(bucket.has(&rate, 1, later), Ok(()));
        bucket.take(&rate, 1, later);
        assert!(bucket.has(&rate, 1, later).is_err());
        bucket.put_back(&rate, 1);
        assert_eq!(bucket.has(&rate, 1, later), Ok(()));
    }

    #[test]
    fn nothing_lets_nothing_pass() {
        let rate = rate("0/min");
        assert_eq!(Bucket::default().has(&rate, 1, NOW), Err(None));
        assert_eq!(Bucket::default().has(&rate, 0, NOW), Err(None));
        assert_eq!(Bucket::default().left(&rate, NOW), (0, Duration::ZERO));
    }

    #[test]
    fn no_window_holds_more_than_twice_the_rate_however_it_is_asked() {
        // The bucket at once, and what comes back in the window: the rate's own promise, for awkward numbers too.
        for text in ["7/s", "600/min", "200000/day", "1000000007/s", "999999999999/s"] {
            let rate = rate(text);
            let mut bucket = Bucket::default();
            let (mut now, mut passed) = (NOW, 0_u128);
            let step = rate.within / 97;
            let many = (rate.count / 31).max(1);
            while now < NOW + rate.within {
                while bucket.has(&rate, many, now).is_ok() {
                    bucket.take(&rate, many, now);
                    passed += u128::from(many);
                }
                now += step;
            }
            assert!(passed <= 2 * u128::from(rate.count), "{text}: {passed}");
            assert!(passed >= u128::from(rate.count), "{text}: {passed}");
        }
    }
}
