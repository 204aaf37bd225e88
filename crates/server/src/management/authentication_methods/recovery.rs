//! `POST /api/v2/users/{id}/recovery-code-regeneration`.

use serde_json::json;
use tenantry_identity::Refusal;

use crate::management::route::{Answer, Call};

/// Answers the call.
pub(super) async fn handle(call: Call) -> Result<Answer, Refusal> {
    let code = call.identity.regenerate_recovery_code(&call.caller, call.param("id")).await?;
    Ok(Answer::ok(json!({ "recovery_code": code })))
}
