//! `DELETE /api/v2/users/{id}/roles`.

use tenantry_identity::Refusal;

use crate::management::route::{Answer, Call};

/// Answers the call.
pub(super) async fn handle(call: Call) -> Result<Answer, Refusal> {
    call.identity.remove_user_roles(&call.caller, call.param("id"), &call.texts("roles")).await?;
    Ok(Answer::none())
}
