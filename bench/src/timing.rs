//! Real time, and what is made of many measurements.

use std::time::{Duration, Instant};

/// Runs something and says how long it took.
#[allow(clippy::disallowed_methods, reason = "a benchmark measures real time; the rule is about the product")]
pub fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let started = Instant::now();
    let done = work();
    (started.elapsed(), done)
}

/// A moment to measure from.
#[derive(Debug, Clone, Copy)]
pub struct Watch(Instant);

impl Watch {
    /// Starts now.
    #[must_use]
    #[allow(clippy::disallowed_methods, reason = "a benchmark measures real time; the rule is about the product")]
    pub fn start() -> Watch {
        Watch(Instant::now())
    }

    /// The time since the start.
    #[must_use]
    pub fn passed(&self) -> Duration {
        self.0.elapsed()
    }
}

/// The median; zero of nothing. The mean of the two in the middle of an even number.
#[must_use]
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    let at = |index: usize| sorted.get(index).copied().unwrap_or(0.0);
    if sorted.len() % 2 == 1 { at(middle) } else { f64::midpoint(at(middle.saturating_sub(1)), at(middle)) }
}

/// A count as a number to divide by.
#[must_use]
#[allow(clippy::cast_precision_loss, reason = "counts here are far below 2^53")]
pub fn number(count: usize) -> f64 {
    count as f64
}

/// Nanoseconds of one of `count` things that took `took` together.
#[must_use]
pub fn nanos_each(took: Duration, count: usize) -> f64 {
    took.as_secs_f64() * 1e9 / number(count.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians() {
        for (values, wanted) in [(&[][..], 0.0), (&[3.0], 3.0), (&[9.0, 1.0, 2.0], 2.0), (&[4.0, 1.0, 2.0, 9.0], 3.0)] {
            assert!((median(values) - wanted).abs() < f64::EPSILON, "{values:?}");
        }
    }

    #[test]
    fn one_of_many() {
        assert!((nanos_each(Duration::from_micros(5), 1_000) - 5.0).abs() < 1e-9);
    }
}
