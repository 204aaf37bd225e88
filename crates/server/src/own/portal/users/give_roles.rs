//! `POST /portal/v1/users/{user_id}/roles`.

use crate::own::endpoint::Call;
use crate::own::reply::Gone;
use crate::own::shapes::member::RoleIds;
use tenantry_identity::Refusal;

/// Answers the call.
pub(super) async fn handle(call: Call<(), RoleIds>) -> Result<Gone, Refusal> {
    call.identity.add_user_roles(&call.caller, call.param("user_id"), &call.body.roles).await?;
    Ok(Gone)
}
