//! `DELETE …/roles/{role_id}/permissions/{api}/{permission}`.

use crate::own::endpoint::Call;
use crate::own::reply::Gone;
use tenantry_identity::Refusal;
use tenantry_identity::users::PermissionName;

/// Answers the call.
pub(super) async fn handle(call: Call) -> Result<Gone, Refusal> {
    let account = call.account();
    call.identity.known_account_role(&call.caller, call.any_of, account, call.param("role_id"), true).await?;
    let name = PermissionName { api: call.param("api").to_owned(), name: call.param("permission").to_owned() };
    call.identity.known_role_permission(&call.caller, call.any_of, call.param("role_id"), &name).await?;
    call.identity.remove_role_permissions(&call.caller, call.param("role_id"), &[name]).await?;
    Ok(Gone)
}
