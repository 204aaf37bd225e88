//! A clock and a generator that the test owns.

use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tenantry_policy::ambient::NoEntropy;
use tenantry_policy::{Clock, Entropy};

/// 2026-01-01T00:00:00Z, a microsecond later at each look.
#[derive(Debug)]
pub struct TestClock(AtomicI64);

impl Default for TestClock {
    fn default() -> Self {
        TestClock(AtomicI64::new(1_767_225_600_000_000))
    }
}

impl TestClock {
    /// So much later.
    #[allow(dead_code, reason = "not every test program lets time pass")]
    pub fn advance(&self, time: Duration) {
        self.0.fetch_add(i64::try_from(time.as_micros()).expect("a short time"), Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now_micros(&self) -> i64 {
        self.0.fetch_add(1, Ordering::SeqCst)
    }

    fn monotonic(&self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.load(Ordering::SeqCst)).expect("after 1970"))
    }
}

/// Real time, for limits on how long a statement may run.
#[derive(Debug)]
pub struct RealClock(Instant);

impl RealClock {
    #[allow(clippy::disallowed_methods, reason = "the test's end of the clock")]
    pub fn start() -> Self {
        RealClock(Instant::now())
    }
}

impl Clock for RealClock {
    fn now_micros(&self) -> i64 {
        1_767_225_600_000_000
    }

    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }
}

/// Bytes from a seed.
pub struct SeededEntropy(Mutex<ChaCha8Rng>);

impl SeededEntropy {
    pub fn new(seed: u64) -> Self {
        SeededEntropy(Mutex::new(ChaCha8Rng::seed_from_u64(seed)))
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoEntropy> {
        self.0.lock().expect("not poisoned").fill_bytes(bytes);
        Ok(())
    }
}
