//! `POST /api/v2/device-credentials`.

use serde_json::json;
use tenantry_identity::Refusal;
use tenantry_identity::devices::NewDevice;

use crate::management::route::{Answer, Call};

/// Answers the call.
pub(super) async fn handle(mut call: Call) -> Result<Answer, Refusal> {
    let client = call.take_text("client_id").or_else(|| call.caller.client.clone());
    let new = NewDevice {
        device_name: call.take_text("device_name").unwrap_or_default(),
        device_id: call.take_text("device_id").unwrap_or_default(),
        value: call.take_text("value").unwrap_or_default(),
        client_id: client.unwrap_or_default(),
    };
    let id = call.identity.create_device_credential(&call.caller, new).await?;
    Ok(Answer::created(json!({ "id": id })))
}
