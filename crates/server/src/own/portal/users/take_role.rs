//! `DELETE /portal/v1/users/{user_id}/roles/{role_id}`.

use crate::own::endpoint::Call;
use crate::own::reply::Gone;
use tenantry_identity::Refusal;

/// Answers the call.
pub(super) async fn handle(call: Call) -> Result<Gone, Refusal> {
    let (user, role) = (call.param("user_id"), call.param("role_id"));
    call.identity.known_platform_holder(&call.caller, call.any_of, user, role).await?;
    call.identity.remove_user_roles(&call.caller, user, &[role.to_owned()]).await?;
    Ok(Gone)
}
