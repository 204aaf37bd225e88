//! Time and randomness, handed in.
//!
//! Nothing in the workspace reads the clock or the random generator of the machine except the two
//! implementations in the program itself (`cli::ambient`); clippy.toml forbids the rest.

use std::time::Duration;

/// The time of the machine, or of a test.
pub trait Clock: Send + Sync {
    /// Now, in microseconds since 1970-01-01T00:00:00Z.
    fn now_micros(&self) -> i64;

    /// Time since some fixed moment; never goes back. For durations only.
    fn monotonic(&self) -> Duration;
}

/// A source of unpredictable bytes (a cryptographic generator), or a seeded one in a test.
pub trait Entropy: Send + Sync {
    /// Fills `bytes`. Fails only when the machine has no generator, and then nothing may go on.
    ///
    /// # Errors
    /// [`NoEntropy`] when the operating system refuses.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoEntropy>;
}

/// The machine's random generator did not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the machine's random generator did not answer")]
pub struct NoEntropy;
