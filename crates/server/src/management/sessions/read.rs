//! `GET /api/v2/sessions/{id}`.

use tenantry_identity::Refusal;

use super::shown;
use crate::management::route::{Answer, Call};

/// Answers the call.
pub(super) async fn handle(call: Call) -> Result<Answer, Refusal> {
    Ok(Answer::ok(shown(&call.identity.session(&call.caller, call.param("id")).await?)))
}
