//! `POST …/workspaces/{workspace_id}/members/{user_id}/roles`.

use crate::own::endpoint::Call;
use crate::own::reply::Gone;
use crate::own::shapes::member::RoleIds;
use tenantry_identity::Refusal;

/// Answers the call.
pub(super) async fn handle(call: Call<(), RoleIds>) -> Result<Gone, Refusal> {
    let (workspace, user) = (call.param("workspace_id"), call.param("user_id"));
    let roles = &call.body.roles;
    call.identity.add_workspace_member_roles(&call.caller, call.account(), workspace, user, roles).await?;
    Ok(Gone)
}
