//! `GET /api/v2/client-grants/{id}`.

use tenantry_identity::Refusal;

use super::shown;
use crate::management::route::{Answer, Call};

/// Answers the call.
pub(super) async fn handle(call: Call) -> Result<Answer, Refusal> {
    let grant = call.identity.client_grant(&call.caller, call.param("id")).await?;
    Ok(Answer::ok(shown(&grant)))
}
