//! `GET /api/v2/roles/{id}`.

use tenantry_identity::Refusal;

use crate::management::route::{Answer, Call};
use crate::management::users::role_shown;

/// Answers the call.
pub(super) async fn handle(call: Call) -> Result<Answer, Refusal> {
    let role = call.identity.role(&call.caller, call.param("id")).await?;
    Ok(Answer::ok(role_shown(&role)))
}
