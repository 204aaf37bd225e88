//! `GET` and `DELETE /api/v2/user-blocks`.

use tenantry_identity::Refusal;

use super::shown;
use crate::management::route::{Answer, Call};

/// Answers the call to read.
pub(super) async fn read(call: Call) -> Result<Answer, Refusal> {
    let identifier = call.query.text("identifier").unwrap_or_default();
    Ok(Answer::ok(shown(&call.identity.blocks_of_identifier(&call.caller, identifier).await?)))
}

/// Answers the call to lift.
pub(super) async fn delete(call: Call) -> Result<Answer, Refusal> {
    let identifier = call.query.text("identifier").unwrap_or_default();
    call.identity.unblock_identifier(&call.caller, identifier).await?;
    Ok(Answer::none())
}
