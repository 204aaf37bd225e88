//! `PATCH /api/v2/resource-servers/{id}`.

use tenantry_identity::Refusal;

use super::shown;
use crate::management::route::{Answer, Call};

/// Answers the call.
pub(super) async fn handle(mut call: Call) -> Result<Answer, Refusal> {
    let change = std::mem::take(&mut call.body);
    let api = call.identity.update_api(&call.caller, call.param("id"), change).await?;
    Ok(Answer::ok(shown(&api)))
}
