//! `DELETE /api/v2/resource-servers/{id}`.

use tenantry_identity::Refusal;

use crate::management::route::{Answer, Call};

/// Answers the call.
pub(super) async fn handle(call: Call) -> Result<Answer, Refusal> {
    call.identity.delete_api(&call.caller, call.param("id")).await?;
    Ok(Answer::none())
}
