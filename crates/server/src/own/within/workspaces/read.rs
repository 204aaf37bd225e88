//! `GET …/workspaces/{workspace_id}`.

use crate::own::endpoint::Call;
use crate::own::reply::Shown;
use crate::own::shapes::workspace::Workspace;
use tenantry_identity::Refusal;

/// Answers the call.
pub(super) async fn handle(call: Call) -> Result<Shown<Workspace>, Refusal> {
    let workspace = call.identity.workspace(&call.caller, call.account(), call.param("workspace_id")).await?;
    Ok(Shown(workspace.into()))
}
