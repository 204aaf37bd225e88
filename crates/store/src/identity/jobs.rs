//! Jobs: imports and exports of users, and mail that is to be sent.

use crate::backend::{Param, Row};
use crate::{Batch, Place, Store, StoreError};

/// A job's row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// `job_` and 16 letters and digits.
    pub id: String,
    /// `users_import`, `users_export` or `verification_email`.
    pub kind: String,
    /// `pending`, `processing`, `completed` or `failed`.
    pub status: String,
    /// The remaining fields, a JSON object.
    pub doc: String,
    /// When it was made, microseconds since 1970 UTC.
    pub created_micros: i64,
    /// When it last got on.
    pub updated_micros: i64,
}

fn read(row: &Row<'_>) -> Job {
    let text = |place| row.text(place).unwrap_or_default();
    let int = |place| row.int(place).unwrap_or_default();
    Job { id: text(0), kind: text(1), status: text(2), doc: text(3), created_micros: int(4), updated_micros: int(5) }
}

const COLUMNS: &str = "SELECT id, kind, status, doc, created_micros, updated_micros FROM tenantry_job ";

impl Batch {
    /// Keeps a job.
    pub fn insert_job(&mut self, job: &Job) -> Place {
        self.run(
            "INSERT INTO tenantry_job (id, kind, status, doc, created_micros, updated_micros) \
             VALUES ($1, $2, $3, $4, $5, $6)",
            vec![
                Param::text(&job.id),
                Param::text(&job.kind),
                Param::text(&job.status),
                Param::text(&job.doc),
                Param::int(job.created_micros),
                Param::int(job.updated_micros),
            ],
        )
    }

    /// Writes how far a job got; untouched when it has ended, or was given up.
    pub fn update_job(&mut self, job: &Job) -> Place {
        self.must(
            "UPDATE tenantry_job SET status = $1, doc = $2, updated_micros = $3 WHERE id = $4 \
             AND status IN ('pending', 'processing')",
            vec![Param::text(&job.status), Param::text(&job.doc), Param::int(job.updated_micros), Param::text(&job.id)],
        )
    }

    /// Notes that a job still runs.
    pub fn sign_job(&mut self, id: &str, micros: i64) -> Place {
        self.run(
            "UPDATE tenantry_job SET updated_micros = $1 WHERE id = $2 AND status IN ('pending', 'processing')",
            vec![Param::int(micros), Param::text(id)],
        )
    }

    /// Adds a piece to what a job made: `result` or `errors`. Pieces are read in the order of their numbers.
    pub fn insert_job_piece(&mut self, job_id: &str, kind: &str, ordinal: i64, data: &[u8]) -> Place {
        self.run(
            "INSERT INTO tenantry_job_piece (job_id, kind, ordinal, data) VALUES ($1, $2, $3, $4)",
            vec![Param::text(job_id), Param::text(kind), Param::int(ordinal), Param::Bytes(data.to_vec())],
        )
    }

    /// Removes jobs made before a time, with what they made.
    pub fn purge_jobs(&mut self, before_micros: i64) -> Place {
        self.run("DELETE FROM tenantry_job WHERE created_micros < $1", vec![Param::int(before_micros)])
    }
}

impl Store {
    /// The job of that id.
    ///
    /// # Errors
    /// The store's.
    pub async fn job(&self, id: &str) -> Result<Option<Job>, StoreError> {
        let sql = [COLUMNS, "WHERE id = $1"].concat();
        Ok(self.backend.find(sql, vec![Param::text(id)], read).await?.pop())
    }

    /// How many jobs of that kind got on since a time and have not ended.
    ///
    /// # Errors
    /// The store's.
    pub async fn count_running_jobs(&self, kind: &str, since_micros: i64) -> Result<i64, StoreError> {
        let sql = "SELECT count(*) FROM tenantry_job WHERE kind = $1 AND status IN ('pending', 'processing') \
             AND updated_micros >= $2";
        let found = self.backend.find(sql, vec![Param::text(kind), Param::int(since_micros)], |row| row.int(0));
        Ok(found.await?.into_iter().flatten().next().unwrap_or_default())
    }

    /// The ids of jobs that have not ended and gave no sign since a time.
    ///
    /// # Errors
    /// The store's.
    pub async fn silent_jobs(&self, before_micros: i64) -> Result<Vec<String>, StoreError> {
        let sql = "SELECT id FROM tenantry_job WHERE status IN ('pending', 'processing') AND updated_micros < $1";
        let found = self.backend.find(sql, vec![Param::int(before_micros)], |row| row.text(0));
        Ok(found.await?.into_iter().flatten().collect())
    }

    /// A piece of what a job made; `None` past the last.
    ///
    /// # Errors
    /// The store's.
    pub async fn job_piece(&self, job_id: &str, kind: &str, ordinal: i64) -> Result<Option<Vec<u8>>, StoreError> {
        let sql = "SELECT data FROM tenantry_job_piece WHERE job_id = $1 AND kind = $2 AND ordinal = $3";
        let params = vec![Param::text(job_id), Param::text(kind), Param::int(ordinal)];
        Ok(self.backend.find(sql, params, |row| row.bytes(0)).await?.into_iter().flatten().next())
    }
}
