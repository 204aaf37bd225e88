//! `DELETE /api/v2/organizations/{id}/members`.

use tenantry_identity::Refusal;

use crate::management::route::{Answer, Call};

/// Answers the call.
pub(in super::super) async fn handle(call: Call) -> Result<Answer, Refusal> {
    call.identity.remove_members(&call.caller, call.param("id"), &call.texts("members")).await?;
    Ok(Answer::none())
}
