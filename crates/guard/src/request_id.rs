//! The ids of requests.

use tenantry_policy::ambient::NoEntropy;
use tenantry_policy::{Clock, Entropy};

/// How many bytes of an id are the time.
const TIME: usize = 6;

/// A new id: `req_`, the time in milliseconds since 1970 UTC in 12 hexadecimal digits, and 12 digits drawn by chance.
///
/// Ids that are made one after another stand beside each other in an index, so that whatever keeps them writes the
/// same few pages again, and not one page for each. An id is no secret, and the time of a request is none.
///
/// # Errors
/// [`NoEntropy`].
pub(crate) fn fresh(clock: &dyn Clock, entropy: &dyn Entropy) -> Result<String, NoEntropy> {
    let mut bytes = [0_u8; 12];
    let (time, chance) = bytes.split_at_mut(TIME);
    let millis = u64::try_from(clock.now_micros() / 1_000).unwrap_or_default().to_be_bytes();
    time.copy_from_slice(millis.last_chunk::<TIME>().unwrap_or(&[0; TIME]));
    entropy.fill(chance)?;
    Ok(written("req_", &bytes))
}

/// A prefix, and bytes in hexadecimal digits.
pub(crate) fn written(prefix: &str, bytes: &[u8]) -> String {
    let mut id = String::with_capacity(prefix.len() + 2 * bytes.len());
    id.push_str(prefix);
    for byte in bytes {
        for nibble in [byte >> 4, byte & 15] {
            id.push(char::from_digit(u32::from(nibble), 16).unwrap_or('0'));
        }
    }
    id
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, AtomicU8, Ordering};
    use std::time::Duration;

    use super::*;

    struct At(AtomicI64);

    impl Clock for At {
        fn now_micros(&self) -> i64 {
            self.0.load(Ordering::Relaxed)
        }
        fn monotonic(&self) -> Duration {
            Duration::ZERO
        }
    }

    struct Counting(AtomicU8);

    impl Entropy for Counting {
        fn fill(&self, bytes: &mut [u8]) -> Result<(), NoEntropy> {
            bytes.fill(self.0.fetch_sub(1, Ordering::Relaxed));
            Ok(())
        }
    }

    #[test]
    fn later_ids_stand_behind_earlier_ones() {
        let (clock, entropy) = (At(AtomicI64::new(1_700_000_000_123_456)), Counting(AtomicU8::new(255)));
        let first = fresh(&clock, &entropy).unwrap();
        assert_eq!(first, "req_018bcfe5687bffffffffffff");
        clock.0.store(1_700_000_000_124_000, Ordering::Relaxed);
        let second = fresh(&clock, &entropy).unwrap();
        assert!(first < second, "{first} {second}");
        clock.0.store(-5, Ordering::Relaxed);
        assert_eq!(fresh(&clock, &entropy).unwrap(), "req_000000000000fdfdfdfdfdfd");
    }
}
