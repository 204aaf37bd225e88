//! Keys take turns.

use std::time::Duration;

use tenantry_store::{BatchError, Subject};

use super::{Algorithm, Keys, State, key, new_row};
use crate::IssueError;

/// How long a key is published before it may sign: longer than anybody who follows `Cache-Control` keeps
/// the key set.
pub const PUBLISHED_BEFORE_USE: Duration = Duration::from_secs(60);

/// How long a key that no longer signs still verifies: the longest life that an API can give its tokens.
const KEPT_MICROS: i64 = 31 * 24 * 3_600 * 1_000_000;

/// What a rotation did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rotated {
    /// This key signs now.
    Done {
        /// The key that signs.
        kid: String,
    },
    /// The next key was published too short a time ago; try again after so many seconds.
    Wait {
        /// Seconds, 1 or more.
        seconds: u64,
    },
}

impl Keys {
    /// Makes the keys that stand ready where they are missing, and drops those whose tokens have all ended.
    pub(crate) async fn prepare_next(&self) -> Result<(), IssueError> {
        for algorithm in Algorithm::ALL {
            let infos = self.infos();
            if infos.iter().any(|info| info.algorithm == algorithm && info.state == State::Next) {
                continue;
            }
            self.make_next(algorithm).await?;
        }
        let before = self.clock.now_micros().saturating_sub(KEPT_MICROS);
        if self
            .infos()
            .iter()
            .any(|info| matches!(info.state, State::Previous | State::Revoked) && info.state_micros < before)
        {
            let mut batch = self.store.batch();
            batch.forget_signing_keys(before);
            batch.affects(Subject::SigningKeys);
            self.store.commit(batch).await.map_err(failed)?;
            self.reload().await?;
        }
        Ok(())
    }

    /// The next key of this algorithm signs from now on, the one that signed verifies on, and a new one
    /// stands ready.
    pub(crate) async fn rotate(&self, algorithm: Algorithm) -> Result<Rotated, IssueError> {
        self.reload().await?;
        let infos = self.infos();
        let find = |state: State| infos.iter().find(|info| info.algorithm == algorithm && info.state == state);
        let current = find(State::Current).ok_or(IssueError::Key)?;
        let wait = i64::try_from(PUBLISHED_BEFORE_USE.as_micros()).unwrap_or(i64::MAX);
        let Some(next) = find(State::Next) else {
            self.make_next(algorithm).await?;
            return Ok(Rotated::Wait { seconds: PUBLISHED_BEFORE_USE.as_secs() });
        };
        let left = next.created_micros.saturating_add(wait).saturating_sub(self.clock.now_micros());
        if left > 0 {
            let seconds = u64::try_from(left.div_euclid(1_000_000) + 1).unwrap_or(1);
            return Ok(Rotated::Wait { seconds });
        }
        let mut batch = self.store.batch();
        batch.move_signing_key(&current.kid, State::Current.name(), State::Previous.name());
        batch.move_signing_key(&next.kid, State::Next.name(), State::Current.name());
        batch.affects(Subject::SigningKeys);
        match self.store.commit(batch).await {
            Ok(_) => {}
            // Another server rotated at the same moment: once is enough.
            Err(BatchError::Untouched(_) | BatchError::Duplicate(_)) => {}
            Err(error) => return Err(failed(error)),
        }
        let kid = next.kid.clone();
        self.reload().await?;
        if !self.infos().iter().any(|info| info.algorithm == algorithm && info.state == State::Next) {
            self.make_next(algorithm).await?;
        }
        Ok(Rotated::Done { kid })
    }

    /// Takes a key out of force: its tokens are refused within a second. The key that signs cannot be
    /// revoked: rotate first. Answers whether there was such a key.
    pub(crate) async fn revoke(&self, kid: &str) -> Result<bool, IssueError> {
        self.reload().await?;
        let infos = self.infos();
        let Some(info) = infos.iter().find(|info| info.kid == kid) else { return Ok(false) };
        match info.state {
            State::Revoked => return Ok(true),
            State::Current => return Err(IssueError::InUse),
            State::Next | State::Previous => {}
        }
        let mut batch = self.store.batch();
        batch.move_signing_key(kid, info.state.name(), State::Revoked.name());
        batch.affects(Subject::SigningKeys);
        self.store.commit(batch).await.map_err(failed)?;
        self.reload().await?;
        if info.state == State::Next {
            self.make_next(info.algorithm).await?;
        }
        Ok(true)
    }

    async fn make_next(&self, algorithm: Algorithm) -> Result<(), IssueError> {
        let pkcs8 = match algorithm {
            // A tenth of a second of computing, not on a thread that serves.
            Algorithm::Rs256 => {
                let entropy = std::sync::Arc::clone(&self.entropy);
                let made = tokio::task::spawn_blocking(move || key::generate(algorithm, entropy.as_ref()));
                made.await.map_err(|_| IssueError::Key)??
            }
            Algorithm::Es256 => key::generate(algorithm, self.entropy.as_ref())?,
        };
        let row = new_row(&self.store, self.clock.as_ref(), self.entropy.as_ref(), algorithm, State::Next, &pkcs8)?;
        let mut batch = self.store.batch();
        batch.insert_signing_key(&row);
        batch.affects(Subject::SigningKeys);
        match self.store.commit(batch).await {
            // Another server was faster: its key is as good.
            Ok(_) | Err(BatchError::Duplicate(_)) => self.reload().await,
            Err(error) => Err(failed(error)),
        }
    }
}

fn failed(error: BatchError) -> IssueError {
    match error {
        BatchError::Store(error) => IssueError::Store(error),
        _ => IssueError::Key,
    }
}
