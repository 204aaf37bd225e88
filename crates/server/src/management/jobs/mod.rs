//! Jobs: imports and exports of users.

mod create_email;
mod create_export;
mod create_import;
pub(crate) mod download;
mod errors;
mod read;

use serde_json::{Value, json};
use tenantry_identity::jobs::{Job, Status};
use tenantry_identity::text::time;

use crate::management::route::{Route, route};

/// The family's endpoints.
pub(crate) const ROUTES: &[Route] = &[
    route!("POST /jobs/users-imports", create_import::handle),
    route!("POST /jobs/users-exports", create_export::handle),
    route!("POST /jobs/verification-email", create_email::handle),
    route!("GET /jobs/{id}", read::handle),
    route!("GET /jobs/{id}/errors", errors::handle),
];

/// A job as this API shows it.
fn shown(job: &Job) -> Value {
    let mut shown = json!({
        "id": job.id,
        "type": job.kind,
        "status": job.status.name(),
        "created_at": time(job.created_micros),
    });
    if let Some(shown) = shown.as_object_mut() {
        shown.extend(job.fields.clone());
        let done = job.fields.get("percentage_done").and_then(Value::as_i64).unwrap_or_default();
        if job.status == Status::Processing && done > 0 {
            let took = job.updated_micros.saturating_sub(job.created_micros) / 1_000_000;
            let left = took.saturating_mul(100 - done) / done;
            shown.insert("time_left_seconds".to_owned(), json!(left));
        }
    }
    shown
}
