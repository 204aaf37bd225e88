//! `PATCH /portal/v1/roles/{role_id}`.

use crate::own::endpoint::Call;
use crate::own::reply::Shown;
use crate::own::shapes::role::{Role, RoleChange};
use tenantry_identity::Refusal;

/// Answers the call.
pub(super) async fn handle(mut call: Call<(), RoleChange>) -> Result<Shown<Role>, Refusal> {
    let change = std::mem::take(&mut call.sent);
    let role = call.identity.update_role(&call.caller, call.param("role_id"), change).await?;
    Ok(Shown(Role::of(role, &call.guard.policy())))
}
