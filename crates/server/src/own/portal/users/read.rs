//! `GET /portal/v1/users/{user_id}`.

use crate::own::endpoint::Call;
use crate::own::reply::Shown;
use crate::own::shapes::user::User;
use tenantry_identity::Refusal;

/// Answers the call.
pub(super) async fn handle(call: Call) -> Result<Shown<User>, Refusal> {
    let user = call.identity.user(&call.caller, call.param("user_id")).await?;
    Ok(Shown(user.into()))
}
