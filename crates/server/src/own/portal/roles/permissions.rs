//! `GET /portal/v1/roles/{role_id}/permissions`.

use crate::own::endpoint::Call;
use crate::own::paging::Paging;
use crate::own::reply::Page;
use crate::own::shapes::role::Permission;
use tenantry_identity::Refusal;

/// Answers the call.
pub(super) async fn handle(call: Call<Paging>) -> Result<Page<Permission>, Refusal> {
    let part = call.query.counted()?;
    let listed = call.identity.role_permissions(&call.caller, call.param("role_id"), &part).await?;
    Ok(call.query.page(listed, Permission::from))
}
