//! `POST /api/v2/roles/{id}/users`.

use serde_json::json;
use tenantry_identity::Refusal;

use crate::management::route::{Answer, Call};

/// Answers the call.
pub(super) async fn handle(call: Call) -> Result<Answer, Refusal> {
    call.identity.add_role_users(&call.caller, call.param("id"), &call.texts("users")).await?;
    Ok(Answer::ok(json!({})))
}
