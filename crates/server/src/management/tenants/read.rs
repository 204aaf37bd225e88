//! `GET /api/v2/tenants/settings`.

use serde_json::Value;
use tenantry_identity::Refusal;

use crate::management::route::{Answer, Call};
use crate::management::select::Selection;

/// Answers the call.
pub(super) async fn handle(call: Call) -> Result<Answer, Refusal> {
    let settings = call.identity.settings(&call.caller).await?;
    Ok(Answer::ok(Selection::of(&call.query).apply(Value::Object(settings), &[])))
}
