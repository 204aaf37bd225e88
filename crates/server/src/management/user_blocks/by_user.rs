//! `GET` and `DELETE /api/v2/user-blocks/{id}`.

use tenantry_identity::Refusal;

use super::shown;
use crate::management::route::{Answer, Call};

/// Answers the call to read.
pub(super) async fn read(call: Call) -> Result<Answer, Refusal> {
    Ok(Answer::ok(shown(&call.identity.blocks_of_user(&call.caller, call.param("id")).await?)))
}

/// Answers the call to lift.
pub(super) async fn delete(call: Call) -> Result<Answer, Refusal> {
    call.identity.unblock_user(&call.caller, call.param("id")).await?;
    Ok(Answer::none())
}
