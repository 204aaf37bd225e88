//! `PATCH …/roles/{role_id}`.

use super::free;
use crate::own::endpoint::Call;
use crate::own::reply::Shown;
use crate::own::shapes::role::{Role, RoleChange};
use tenantry_identity::Refusal;

/// Answers the call.
pub(super) async fn handle(mut call: Call<(), RoleChange>) -> Result<Shown<Role>, Refusal> {
    let change = std::mem::take(&mut call.sent);
    if let Some(name) = change.get("name").and_then(serde_json::Value::as_str) {
        free(&call.guard.policy(), name)?;
    }
    let account = call.account();
    call.identity.known_account_role(&call.caller, call.any_of, account, call.param("role_id"), true).await?;
    let role = call.identity.update_role(&call.caller, call.param("role_id"), change).await?;
    Ok(Shown(Role::of(role, &call.guard.policy())))
}
