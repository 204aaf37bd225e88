//! `POST /api/v2/clients/{id}/rotate-secret`.

use tenantry_identity::Refusal;

use super::shown;
use crate::management::route::{Answer, Call};

/// Answers the call.
pub(super) async fn handle(call: Call) -> Result<Answer, Refusal> {
    let client = call.identity.rotate_client_secret(&call.caller, call.param("id")).await?;
    Ok(Answer::ok(shown(&call.identity, &client)))
}
