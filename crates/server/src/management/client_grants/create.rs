//! `POST /api/v2/client-grants`.

use serde_json::Value;
use tenantry_identity::Refusal;
use tenantry_identity::client_grants::NewClientGrant;

use super::shown;
use crate::management::route::{Answer, Call};

/// Answers the call.
pub(super) async fn handle(mut call: Call) -> Result<Answer, Refusal> {
    if call.body.contains_key("default_for") {
        return Err(Refusal::Unsupported("Default grants for third-party clients are not offered here."));
    }
    let Some(client_id) = call.take_text("client_id") else {
        return Err(Refusal::Invalid {
            code: "invalid_body",
            message: "Payload validation error: 'Missing required property: client_id'.".to_owned(),
        });
    };
    let new = NewClientGrant {
        client_id,
        audience: call.take_text("audience").unwrap_or_default(),
        subject_type: call.take_text("subject_type"),
        any_account: call.body.shift_remove("allow_any_organization").as_ref().and_then(Value::as_bool),
        fields: std::mem::take(&mut call.body),
    };
    let grant = call.identity.create_client_grant(&call.caller, new).await?;
    Ok(Answer::created(shown(&grant)))
}
