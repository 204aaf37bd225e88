//! `GET /api/v2/jobs/{id}/errors`.

use serde_json::Value;
use tenantry_identity::Refusal;
use tenantry_identity::jobs::Status;

use super::shown;
use crate::management::route::{Answer, Call};

/// Answers the call: the users that failed, or the job when it failed as a whole.
pub(super) async fn handle(call: Call) -> Result<Answer, Refusal> {
    let (job, errors) = call.identity.job_errors(&call.caller, call.param("id")).await?;
    Ok(match (errors.is_empty(), job.status) {
        (false, _) => Answer::ok(Value::Array(errors)),
        (true, Status::Failed) => Answer::ok(shown(&job)),
        (true, _) => Answer::none(),
    })
}
