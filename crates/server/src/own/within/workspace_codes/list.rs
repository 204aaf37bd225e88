//! `GET …/workspaces/{workspace_id}/codes`.

use crate::own::endpoint::Call;
use crate::own::paging::Paging;
use crate::own::reply::Page;
use crate::own::shapes::workspace::WorkspaceCode;
use tenantry_identity::Refusal;

/// Answers the call.
pub(super) async fn handle(call: Call<Paging>) -> Result<Page<WorkspaceCode>, Refusal> {
    let (workspace, part) = (call.param("workspace_id"), call.query.part());
    let listed = call.identity.workspace_codes(&call.caller, call.account(), workspace, &part).await?;
    Ok(Page::of(listed, WorkspaceCode::from))
}
