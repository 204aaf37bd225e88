//! `POST …/workspaces/{workspace_id}/members`.

use crate::own::endpoint::Call;
use crate::own::reply::Gone;
use crate::own::shapes::member::UserIds;
use tenantry_identity::Refusal;

/// Answers the call.
pub(super) async fn handle(call: Call<(), UserIds>) -> Result<Gone, Refusal> {
    let workspace = call.param("workspace_id");
    call.identity.add_workspace_members(&call.caller, call.account(), workspace, &call.body.users).await?;
    Ok(Gone)
}
