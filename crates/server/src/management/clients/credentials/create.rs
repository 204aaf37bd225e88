//! `POST /api/v2/clients/{client_id}/credentials`.

use tenantry_identity::Refusal;

use crate::management::route::{Answer, Call};

/// Answers the call.
pub(in crate::management::clients) async fn handle(call: Call) -> Result<Answer, Refusal> {
    let credential = call.identity.create_credential(&call.caller, call.param("client_id"), &call.body).await?;
    Ok(Answer::created(credential.shown()))
}
