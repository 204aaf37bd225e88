//! `GET /api/v2/logs/{id}`.

use tenantry_identity::Refusal;

use crate::management::route::{Answer, Call};

/// Answers the call.
pub(super) async fn handle(call: Call) -> Result<Answer, Refusal> {
    Ok(Answer::ok(call.identity.log_event(&call.caller, call.param("id")).await?))
}
