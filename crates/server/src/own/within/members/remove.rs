//! `DELETE …/members/{user_id}`.

use crate::own::endpoint::Call;
use crate::own::reply::Gone;
use tenantry_identity::Refusal;

/// Answers the call.
pub(super) async fn handle(call: Call) -> Result<Gone, Refusal> {
    let user = call.param("user_id");
    call.identity.known_member(&call.caller, call.any_of, call.account(), None, user).await?;
    let users = [user.to_owned()];
    call.identity.remove_members(&call.caller, call.account(), &users).await?;
    Ok(Gone)
}
