//! `POST …/members/{user_id}/roles`.

use crate::own::endpoint::Call;
use crate::own::reply::Gone;
use crate::own::shapes::member::RoleIds;
use tenantry_identity::Refusal;

/// Answers the call.
pub(super) async fn handle(call: Call<(), RoleIds>) -> Result<Gone, Refusal> {
    let user = call.param("user_id");
    call.identity.known_member(&call.caller, call.any_of, call.account(), None, user).await?;
    call.identity.add_member_roles(&call.caller, call.account(), user, &call.body.roles).await?;
    Ok(Gone)
}
