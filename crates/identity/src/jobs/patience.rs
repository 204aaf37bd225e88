//! How long a job waits for a store that does not answer.

use std::time::Duration;

use tenantry_store::StoreError;

use crate::Refusal;

/// How often a job asks again. With the pauses between it is about a minute: a database that is started again,
/// or a disk that was full, is no reason to give up an import that has run for an hour.
const TRIES: u32 = 12;

/// The longest pause is an eighth of a second, doubled so many times: 8 s.
const DOUBLED: u32 = 6;

/// What is left of the patience with the store for one thing that is to be done.
#[derive(Debug, Default)]
pub(super) struct Patience {
    tried: u32,
}

impl Patience {
    /// Waits before the next try, longer each time.
    ///
    /// # Errors
    /// The error itself, when it will not pass or patience has ended.
    pub(super) async fn wait(&mut self, error: StoreError) -> Result<(), Refusal> {
        let passes = matches!(error, StoreError::Busy | StoreError::Unavailable { .. } | StoreError::Full);
        if !passes || self.tried >= TRIES {
            return Err(error.into());
        }
        tokio::time::sleep(Duration::from_millis(125 << self.tried.min(DOUBLED))).await;
        self.tried += 1;
        Ok(())
    }
}
