//! `DELETE /portal/v1/roles/{role_id}`.

use crate::own::endpoint::Call;
use crate::own::reply::Gone;
use tenantry_identity::Refusal;

/// Answers the call.
pub(super) async fn handle(call: Call) -> Result<Gone, Refusal> {
    call.identity.delete_role(&call.caller, call.param("role_id")).await?;
    Ok(Gone)
}
