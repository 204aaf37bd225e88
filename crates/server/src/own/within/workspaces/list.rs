//! `GET …/workspaces`.

use crate::own::endpoint::Call;
use crate::own::paging::Paging;
use crate::own::reply::Page;
use crate::own::shapes::workspace::Workspace;
use tenantry_identity::Refusal;

/// Answers the call.
pub(super) async fn handle(call: Call<Paging>) -> Result<Page<Workspace>, Refusal> {
    let listed = call.identity.workspaces(&call.caller, call.account(), &call.query.part()).await?;
    Ok(Page::of(listed, Workspace::from))
}
