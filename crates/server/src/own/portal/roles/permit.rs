//! `POST /portal/v1/roles/{role_id}/permissions`.

use crate::own::endpoint::Call;
use crate::own::reply::Gone;
use crate::own::shapes::role::NamedPermissions;
use tenantry_identity::Refusal;

/// Answers the call.
pub(super) async fn handle(call: Call<(), NamedPermissions>) -> Result<Gone, Refusal> {
    call.identity.add_role_permissions(&call.caller, call.param("role_id"), &call.body.names()).await?;
    Ok(Gone)
}
