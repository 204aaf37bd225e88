//! What a server does all the time: it asks for changes of rights, follows the keys, and tidies up.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;

use crate::Identity;

/// How often a server asks for changes of rights. With the time that a look takes, a change is known
/// everywhere well within a second.
const EVERY: Duration = Duration::from_millis(250);

/// After how many looks the keys that stand ready are checked, and old changes and tokens forgotten.
const TIDY: u64 = 4 * 600;

/// After how many looks jobs are looked for whose server was killed.
const LOST: u64 = 4 * 20;

/// The round, until it is dropped.
#[derive(Debug)]
pub struct Watch(JoinHandle<()>);

impl Drop for Watch {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Identity {
    /// Begins the round. From now on tokens are refused while the store has not answered for a second
    /// ([`TokenError::Unsettled`](crate::TokenError::Unsettled)): a change of rights might not be known, and
    /// no governed act could be put on record either.
    #[must_use]
    pub fn watch(self: &Arc<Self>) -> Watch {
        let identity = Arc::clone(self);
        Watch(tokio::spawn(async move {
            let mut round = tokio::time::interval(EVERY);
            round.set_missed_tick_behavior(MissedTickBehavior::Delay);
            let mut failing = false;
            for number in 0_u64.. {
                round.tick().await;
                match identity.store.look_for_changes().await {
                    Ok(()) => {
                        identity.store.epochs().watch();
                        if std::mem::take(&mut failing) {
                            tracing::info!("the store tells changes of rights again");
                        }
                    }
                    Err(error) => {
                        if !std::mem::replace(&mut failing, true) {
                            tracing::error!(%error, "the store does not tell changes of rights; tokens are refused meanwhile");
                        }
                        continue;
                    }
                }
                if let Err(error) = identity.issuer.follow_keys().await {
                    tracing::error!(%error, "the keys could not be read again");
                }
                if number % LOST == 0 {
                    identity.end_lost_jobs().await;
                }
                if number % TIDY == 0 {
                    identity.tidy().await;
                }
            }
        }))
    }

    async fn tidy(&self) {
        if let Err(error) = self.issuer.prepare_keys().await {
            tracing::error!(%error, "the next keys could not be made");
        }
        let mut batch = self.store.batch();
        batch.notes_only();
        batch.purge_tokens(self.now());
        if let Err(error) = self.store.commit(batch).await {
            tracing::warn!(%error, "tokens that have ended could not be forgotten");
        }
        if let Err(error) = self.store.forget_changes().await {
            tracing::warn!(%error, "old changes of rights could not be forgotten");
        }
    }
}
