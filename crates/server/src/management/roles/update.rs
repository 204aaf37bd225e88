//! `PATCH /api/v2/roles/{id}`.

use tenantry_identity::Refusal;

use crate::management::route::{Answer, Call};
use crate::management::users::role_shown;

/// Answers the call.
pub(super) async fn handle(mut call: Call) -> Result<Answer, Refusal> {
    let change = std::mem::take(&mut call.body);
    let role = call.identity.update_role(&call.caller, call.param("id"), change).await?;
    Ok(Answer::ok(role_shown(&role)))
}
