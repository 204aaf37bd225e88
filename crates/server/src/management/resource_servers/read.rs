//! `GET /api/v2/resource-servers/{id}`.

use tenantry_identity::Refusal;

use super::shown;
use crate::management::route::{Answer, Call};
use crate::management::select::Selection;

/// Answers the call.
pub(super) async fn handle(call: Call) -> Result<Answer, Refusal> {
    let api = call.identity.api(&call.caller, call.param("id")).await?;
    Ok(Answer::ok(Selection::of(&call.query).apply(shown(&api), &[])))
}
