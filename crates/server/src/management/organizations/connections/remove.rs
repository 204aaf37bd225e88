//! `DELETE /api/v2/organizations/{id}/connections/{connection_id}` and `…/enabled_connections/{connectionId}`.

use tenantry_identity::Refusal;

use crate::management::route::{Answer, Call};

/// Answers `/connections`.
pub(in super::super) async fn handle(call: Call) -> Result<Answer, Refusal> {
    call.identity.remove_account_connection(&call.caller, call.param("id"), call.param("connection_id")).await?;
    Ok(Answer::none())
}

/// Answers `/enabled_connections`.
pub(in super::super) async fn handle_enabled(call: Call) -> Result<Answer, Refusal> {
    call.identity.remove_account_connection(&call.caller, call.param("id"), call.param("connectionId")).await?;
    Ok(Answer::none())
}
