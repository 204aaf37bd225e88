//! `GET …/roles/{role_id}`.

use crate::own::endpoint::Call;
use crate::own::reply::Shown;
use crate::own::shapes::role::Role;
use tenantry_identity::Refusal;

/// Answers the call.
pub(super) async fn handle(call: Call) -> Result<Shown<Role>, Refusal> {
    let account = call.account();
    call.identity.known_account_role(&call.caller, call.any_of, account, call.param("role_id"), false).await?;
    let role = call.identity.role(&call.caller, call.param("role_id")).await?;
    Ok(Shown(Role::of(role, &call.guard.policy())))
}
