//! `GET /api/v2/users/{id}`.

use tenantry_identity::Refusal;

use super::shape::{chosen, shown};
use crate::management::route::{Answer, Call};

/// Answers the call.
pub(super) async fn handle(call: Call) -> Result<Answer, Refusal> {
    let user = call.identity.user(&call.caller, call.param("id")).await?;
    Ok(Answer::ok(chosen(&call.query, shown(&user))))
}
