//! Jobs that run here: each gives a sign of life, and ends, whatever becomes of its task or of its server.
//!
//! | what happens | how the job ends |
//! | --- | --- |
//! | its work is done, or fails | as its work says |
//! | its task panics | failed, at once |
//! | the server is told to stop | failed, before the server is gone |
//! | the server is killed | failed, by whichever server looks next once the signs have been missing for two minutes |
//!
//! INVARIANT: only a job that runs is written to, so one that was given up does not come back.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::json;
use tenantry_store::BatchError;
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

use super::{GIVEN_UP_MICROS, Job};
use crate::act::Act;
use crate::{Caller, Identity, Refusal};

/// How often a job that runs says so.
const SIGN: Duration = Duration::from_secs(10);

/// How long the jobs of a server that stops are waited for.
const LAST: Duration = Duration::from_secs(20);

/// The jobs that run here.
pub(crate) struct Running {
    stop: watch::Sender<bool>,
    count: Arc<AtomicUsize>,
}

impl Running {
    pub(crate) fn new() -> Running {
        Running { stop: watch::Sender::new(false), count: Arc::default() }
    }

    /// Becomes true when the server is told to stop.
    pub(super) fn is_stopped(&self) -> watch::Receiver<bool> {
        self.stop.subscribe()
    }
}

/// One more runs, until this is dropped.
struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn new(count: &Arc<AtomicUsize>) -> Counted {
        count.fetch_add(1, Ordering::AcqRel);
        Counted(Arc::clone(count))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Identity {
    /// Runs a job's work in a task of its own, and sees to it that the job ends.
    pub(super) fn start_job(self: &Arc<Self>, id: &str, work: impl Future<Output = ()> + Send + 'static) {
        let (identity, id) = (Arc::clone(self), id.to_owned());
        let counted = Counted::new(&self.running.count);
        tokio::spawn(async move {
            let _counted = counted;
            let mut work = tokio::spawn(work);
            let mut signs = tokio::time::interval(SIGN);
            signs.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                tokio::select! {
                    ended = &mut work => {
                        if ended.is_err() {
                            tracing::error!(job = id, "a job's task stopped");
                            identity.give_up(&id, "The job stopped on our side.").await;
                        }
                        return;
                    }
                    _ = signs.tick() => identity.sign(&id).await,
                }
            }
        });
    }

    async fn sign(&self, id: &str) {
        let mut batch = self.store.batch();
        batch.notes_only();
        batch.sign_job(id, self.now());
        if let Err(error) = self.store.commit(batch).await {
            tracing::warn!(job = id, %error, "a job could not give a sign");
        }
    }

    /// Tells the jobs that run here to end, and waits until they have. For a server that stops.
    pub async fn stop_jobs(&self) {
        self.running.stop.send_replace(true);
        let ended = async {
            while self.running.count.load(Ordering::Acquire) > 0 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        if tokio::time::timeout(LAST, ended).await.is_err() {
            tracing::error!("jobs that run did not end in {} s; they are given up later", LAST.as_secs());
        }
    }

    /// Marks jobs as failed of which nothing was heard any more: their server was killed.
    pub async fn end_lost_jobs(&self) {
        let before = self.now().saturating_sub(GIVEN_UP_MICROS);
        match self.store.silent_jobs(before).await {
            Ok(jobs) => {
                for id in jobs {
                    self.give_up(&id, "The server stopped before the job had ended.").await;
                }
            }
            Err(error) => tracing::error!(%error, "jobs whose server was stopped could not be looked for"),
        }
    }

    async fn give_up(&self, id: &str, why: &str) {
        let inputs = json!({ "id": id, "why": why });
        let act = Act { name: "jobs.give_up", tenant: "", workspace: None, inputs };
        let given_up = async {
            let Some(row) = self.store.job(id).await? else { return Ok(()) };
            let mut job = Job::from_row(row, self.now());
            job.fail(why);
            let mut batch = self.store.batch();
            batch.notes_only();
            batch.update_job(&job.to_row());
            match self.store.commit(batch).await {
                // It ended meanwhile, or another server gave it up.
                Ok(_) | Err(BatchError::Untouched(_)) => Ok(()),
                Err(error) => Err(Refusal::from(error)),
            }
        };
        if let Err(error) = self.act(&Caller::operator("jobs"), act, given_up).await {
            tracing::error!(job = id, %error, "a job that stopped is not marked as failed");
        }
    }
}
