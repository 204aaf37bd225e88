//! `DELETE /api/v2/users/{id}`.

use tenantry_identity::Refusal;

use crate::management::route::{Answer, Call};

/// Answers the call.
pub(super) async fn handle(call: Call) -> Result<Answer, Refusal> {
    call.identity.delete_user(&call.caller, call.param("id")).await?;
    Ok(Answer::none())
}
