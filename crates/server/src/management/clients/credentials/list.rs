//! `GET /api/v2/clients/{client_id}/credentials`: a bare array, whatever else is asked for.

use serde_json::Value;
use tenantry_identity::Refusal;
use tenantry_identity::clients::credentials::Credential;

use crate::management::route::{Answer, Call};

/// Answers the call.
pub(in crate::management::clients) async fn handle(call: Call) -> Result<Answer, Refusal> {
    let credentials = call.identity.credentials(&call.caller, call.param("client_id")).await?;
    Ok(Answer::ok(Value::Array(credentials.iter().map(Credential::shown).collect())))
}
