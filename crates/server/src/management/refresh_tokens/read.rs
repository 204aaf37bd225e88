//! `GET /api/v2/refresh-tokens/{id}`.

use tenantry_identity::Refusal;

use super::shown;
use crate::management::route::{Answer, Call};

/// Answers the call.
pub(super) async fn handle(call: Call) -> Result<Answer, Refusal> {
    Ok(Answer::ok(shown(&call.identity.refresh_token(&call.caller, call.param("id")).await?)))
}
