//! `GET /api/v2/jobs/{id}`.

use serde_json::json;
use tenantry_identity::Refusal;

use super::shown;
use crate::management::route::{Answer, Call};

/// Answers the call.
pub(super) async fn handle(call: Call) -> Result<Answer, Refusal> {
    let job = call.identity.job(&call.caller, call.param("id")).await?;
    let mut body = shown(&job);
    if let (Some(body), Some(location)) = (body.as_object_mut(), call.identity.job_location(&job)?) {
        body.insert("location".to_owned(), json!(location));
    }
    Ok(Answer::ok(body))
}
