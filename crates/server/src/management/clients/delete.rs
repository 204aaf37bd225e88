//! `DELETE /api/v2/clients/{id}`.

use tenantry_identity::Refusal;

use crate::management::route::{Answer, Call};

/// Answers the call.
pub(super) async fn handle(call: Call) -> Result<Answer, Refusal> {
    call.identity.delete_client(&call.caller, call.param("id")).await?;
    Ok(Answer::none())
}
