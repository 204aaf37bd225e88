//! `DELETE /api/v2/roles/{id}`.

use serde_json::json;
use tenantry_identity::Refusal;

use crate::management::route::{Answer, Call};

/// Answers the call.
pub(super) async fn handle(call: Call) -> Result<Answer, Refusal> {
    call.identity.delete_role(&call.caller, call.param("id")).await?;
    Ok(Answer::ok(json!({})))
}
