//! `DELETE …/workspaces/{workspace_id}`.

use crate::own::endpoint::Call;
use crate::own::reply::Gone;
use tenantry_identity::Refusal;

/// Answers the call.
pub(super) async fn handle(call: Call) -> Result<Gone, Refusal> {
    call.identity.delete_workspace(&call.caller, call.account(), call.param("workspace_id")).await?;
    Ok(Gone)
}
