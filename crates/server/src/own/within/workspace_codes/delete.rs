//! `DELETE …/workspaces/{workspace_id}/codes/{code_id}`.

use crate::own::endpoint::Call;
use crate::own::reply::Gone;
use tenantry_identity::Refusal;

/// Answers the call.
pub(super) async fn handle(call: Call) -> Result<Gone, Refusal> {
    let (workspace, id) = (call.param("workspace_id"), call.param("code_id"));
    call.identity.delete_workspace_code(&call.caller, call.account(), workspace, id).await?;
    Ok(Gone)
}
