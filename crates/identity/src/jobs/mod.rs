//! Jobs: imports and exports of users, which go on after their call was answered.
//!
//! Every job ends, as completed or as failed (`running.rs`).

mod export;
mod import;
mod link;
mod mail;
mod patience;
mod read;
mod running;

use serde_json::Value;
use tenantry_store::identity::jobs::Job as Row;

use crate::text::{Fields, fields};

pub use export::{Export, Format};
pub use import::Import;
pub use link::Download;
use patience::Patience;
pub(crate) use running::Running;

/// So long after its last sign of life a job counts as given up.
const GIVEN_UP_MICROS: i64 = 2 * 60 * 1_000_000;

/// How far a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It has not begun.
    Pending,
    /// It runs.
    Processing,
    /// It has ended.
    Completed,
    /// It has ended without doing what it should.
    Failed,
}

impl Status {
    /// The word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Status::Pending => "pending",
            Status::Processing => "processing",
            Status::Completed => "completed",
            Status::Failed => "failed",
        }
    }

    fn parse(name: &str) -> Status {
        let all = [Status::Pending, Status::Processing, Status::Completed];
        all.into_iter().find(|status| status.name() == name).unwrap_or(Status::Failed)
    }
}

/// A job.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// `job_` and 16 letters and digits.
    pub id: String,
    /// `users_import`, `users_export` or `verification_email`.
    pub kind: String,
    /// How far it is.
    pub status: Status,
    /// `connection_id`, `connection`, `external_id`, `upsert`, `format`, `fields`, `limit`, `percentage_done`,
    /// `summary`, `status_details`.
    pub fields: Fields,
    /// When it was made, microseconds since 1970 UTC.
    pub created_micros: i64,
    /// When it last got on.
    pub updated_micros: i64,
}

impl Job {
    fn from_row(row: Row, now: i64) -> Job {
        let mut job = Job {
            status: Status::parse(&row.status),
            fields: fields(&row.doc),
            id: row.id,
            kind: row.kind,
            created_micros: row.created_micros,
            updated_micros: row.updated_micros,
        };
        let runs = matches!(job.status, Status::Pending | Status::Processing);
        if runs && now.saturating_sub(job.updated_micros) > GIVEN_UP_MICROS {
            job.fail("The server stopped before the job had ended.");
        }
        job
    }

    fn to_row(&self) -> Row {
        Row {
            id: self.id.clone(),
            kind: self.kind.clone(),
            status: self.status.name().to_owned(),
            doc: Value::Object(self.fields.clone()).to_string(),
            created_micros: self.created_micros,
            updated_micros: self.updated_micros,
        }
    }

    fn fail(&mut self, why: &str) {
        self.status = Status::Failed;
        self.fields.insert("status_details".to_owned(), why.into());
    }
}
