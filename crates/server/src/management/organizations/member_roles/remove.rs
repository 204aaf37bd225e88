//! `DELETE /api/v2/organizations/{id}/members/{user_id}/roles`.

use tenantry_identity::Refusal;

use crate::management::route::{Answer, Call};

/// Answers the call.
pub(in super::super) async fn handle(call: Call) -> Result<Answer, Refusal> {
    let (account, user, roles) = (call.param("id"), call.param("user_id"), call.texts("roles"));
    call.identity.remove_member_roles(&call.caller, account, user, &roles).await?;
    Ok(Answer::none())
}
