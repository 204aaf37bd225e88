//! Reading jobs, and keeping how far they are.

use serde_json::Value;
use tenantry_store::BatchError;

use crate::caller::{Permission, Target};
use crate::jobs::{Job, Patience, Status};
use crate::text::Fields;
use crate::{Caller, Identity, Kind, Refusal, ids};

const ANY: &[Permission] = &["create:users", "read:users", "update:users"];

/// The most errors of an import that are answered.
const MOST_PIECES: i64 = 1_000;

impl Identity {
    /// The job of that id.
    ///
    /// # Errors
    /// [`Refusal::Missing`].
    pub async fn job(&self, caller: &Caller, id: &str) -> Result<Job, Refusal> {
        caller.may(ANY, Target::Platform)?;
        let row = self.store.job(id).await?.ok_or(Refusal::Missing(Kind::Job))?;
        Ok(Job::from_row(row, self.now()))
    }

    /// What went wrong in an import, user by user.
    ///
    /// # Errors
    /// [`Refusal::Missing`].
    pub async fn job_errors(&self, caller: &Caller, id: &str) -> Result<(Job, Vec<Value>), Refusal> {
        let job = self.job(caller, id).await?;
        let mut errors = Vec::new();
        for ordinal in 0..MOST_PIECES {
            let Some(piece) = self.store.job_piece(id, "errors", ordinal).await? else { break };
            if let Ok(Value::Array(items)) = serde_json::from_slice(&piece) {
                errors.extend(items);
            }
        }
        Ok((job, errors))
    }

    pub(super) fn new_job(&self, kind: &str, fields: Fields) -> Result<Job, Refusal> {
        let now = self.now();
        Ok(Job {
            id: ids::letters(self.entropy.as_ref(), "job_", 16)?,
            kind: kind.to_owned(),
            status: Status::Pending,
            fields,
            created_micros: now,
            updated_micros: now,
        })
    }

    pub(super) async fn keep_job(&self, job: &mut Job) -> Result<(), Refusal> {
        job.updated_micros = self.now();
        let mut patience = Patience::default();
        loop {
            let mut batch = self.store.batch();
            // Nothing of it is kept in memory.
            batch.notes_only();
            batch.update_job(&job.to_row());
            match self.store.commit(batch).await {
                Ok(_) => return Ok(()),
                // The same once more does no harm.
                Err(BatchError::Store(error)) => patience.wait(error).await?,
                // A try before this one was kept, though its answer was lost.
                Err(BatchError::Untouched(_))
                    if self.store.job(&job.id).await?.is_some_and(|row| row.status == job.status.name()) =>
                {
                    return Ok(());
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Keeps a piece of what a job makes.
    pub(super) async fn keep_job_piece(&self, job: &Job, kind: &str, ordinal: i64, data: &[u8]) -> Result<(), Refusal> {
        let mut patience = Patience::default();
        loop {
            let mut batch = self.store.batch();
            batch.notes_only();
            batch.insert_job_piece(&job.id, kind, ordinal, data);
            match self.store.commit(batch).await {
                // A try before this one was kept, though its answer was lost.
                Ok(_) | Err(BatchError::Duplicate(_)) => return Ok(()),
                Err(BatchError::Store(error)) => patience.wait(error).await?,
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Passes when fewer than `most` jobs of that kind run.
    pub(super) async fn few_jobs(&self, kind: &str, most: i64) -> Result<(), Refusal> {
        let since = self.now().saturating_sub(super::GIVEN_UP_MICROS);
        if self.store.count_running_jobs(kind, since).await? >= most {
            return Err(Refusal::TooMany { retry_after: 10 });
        }
        Ok(())
    }
}
