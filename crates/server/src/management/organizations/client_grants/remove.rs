//! `DELETE /api/v2/organizations/{id}/client-grants/{grant_id}`.

use tenantry_identity::Refusal;

use crate::management::route::{Answer, Call};

/// Answers the call.
pub(in super::super) async fn handle(call: Call) -> Result<Answer, Refusal> {
    call.identity.remove_account_grant(&call.caller, call.param("id"), call.param("grant_id")).await?;
    Ok(Answer::none())
}
