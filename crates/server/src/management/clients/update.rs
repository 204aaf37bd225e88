//! `PATCH /api/v2/clients/{id}`.

use tenantry_identity::Refusal;

use super::shown;
use crate::management::route::{Answer, Call};

/// Answers the call.
pub(super) async fn handle(mut call: Call) -> Result<Answer, Refusal> {
    let change = std::mem::take(&mut call.body);
    let client = call.identity.update_client(&call.caller, call.param("id"), change).await?;
    Ok(Answer::ok(shown(&call.identity, &client)))
}
