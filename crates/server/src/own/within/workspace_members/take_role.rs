//! `DELETE …/workspaces/{workspace_id}/members/{user_id}/roles/{role_id}`.

use crate::own::endpoint::Call;
use crate::own::reply::Gone;
use tenantry_identity::Refusal;

/// Answers the call.
pub(super) async fn handle(call: Call) -> Result<Gone, Refusal> {
    let (workspace, user) = (call.param("workspace_id"), call.param("user_id"));
    let role = call.param("role_id");
    let (account, roles) = (call.account(), [role.to_owned()]);
    call.identity.known_holder(&call.caller, call.any_of, account, Some(workspace), user, role).await?;
    call.identity.remove_workspace_member_roles(&call.caller, account, workspace, user, &roles).await?;
    Ok(Gone)
}
