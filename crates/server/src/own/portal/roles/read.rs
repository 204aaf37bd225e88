//! `GET /portal/v1/roles/{role_id}`.

use crate::own::endpoint::Call;
use crate::own::reply::Shown;
use crate::own::shapes::role::Role;
use tenantry_identity::Refusal;

/// Answers the call.
pub(super) async fn handle(call: Call) -> Result<Shown<Role>, Refusal> {
    let role = call.identity.role(&call.caller, call.param("role_id")).await?;
    Ok(Shown(Role::of(role, &call.guard.policy())))
}
