//! `GET /api/v2/organizations/{id}`.

use tenantry_identity::Refusal;

use super::shown;
use crate::management::route::{Answer, Call};

/// Answers the call.
pub(super) async fn handle(call: Call) -> Result<Answer, Refusal> {
    let account = call.identity.account(&call.caller, call.param("id")).await?;
    Ok(Answer::ok(shown(&account)))
}
