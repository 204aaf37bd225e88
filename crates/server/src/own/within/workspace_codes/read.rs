//! `GET …/workspaces/{workspace_id}/codes/{code_id}`.

use crate::own::endpoint::Call;
use crate::own::reply::Shown;
use crate::own::shapes::workspace::WorkspaceCode;
use tenantry_identity::Refusal;

/// Answers the call.
pub(super) async fn handle(call: Call) -> Result<Shown<WorkspaceCode>, Refusal> {
    let (workspace, id) = (call.param("workspace_id"), call.param("code_id"));
    let code = call.identity.workspace_code(&call.caller, call.account(), workspace, id).await?;
    Ok(Shown(code.into()))
}
