//! `PATCH /api/v2/tenants/settings`.

use serde_json::Value;
use tenantry_identity::Refusal;

use crate::management::route::{Answer, Call};

/// Answers the call.
pub(super) async fn handle(mut call: Call) -> Result<Answer, Refusal> {
    let change = std::mem::take(&mut call.body);
    let settings = call.identity.update_settings(&call.caller, change).await?;
    Ok(Answer::ok(Value::Object(settings)))
}
