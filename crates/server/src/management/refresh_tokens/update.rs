//! `PATCH /api/v2/refresh-tokens/{id}`.

use serde_json::Value;
use tenantry_identity::Refusal;

use super::shown;
use crate::management::route::{Answer, Call};

/// Answers the call.
pub(super) async fn handle(mut call: Call) -> Result<Answer, Refusal> {
    let metadata = call.body.shift_remove("refresh_token_metadata").unwrap_or(Value::Null);
    let token = call.identity.update_refresh_token(&call.caller, call.param("id"), metadata).await?;
    Ok(Answer::ok(shown(&token)))
}
