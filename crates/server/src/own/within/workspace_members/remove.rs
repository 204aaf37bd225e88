//! `DELETE …/workspaces/{workspace_id}/members/{user_id}`.

use crate::own::endpoint::Call;
use crate::own::reply::Gone;
use tenantry_identity::Refusal;

/// Answers the call.
pub(super) async fn handle(call: Call) -> Result<Gone, Refusal> {
    let (workspace, user) = (call.param("workspace_id"), call.param("user_id"));
    call.identity.known_member(&call.caller, call.any_of, call.account(), Some(workspace), user).await?;
    call.identity.remove_workspace_members(&call.caller, call.account(), workspace, &[user.to_owned()]).await?;
    Ok(Gone)
}
