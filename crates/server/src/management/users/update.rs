//! `PATCH /api/v2/users/{id}`.

use serde_json::Value;
use tenantry_identity::Refusal;

use super::shape::shown;
use crate::management::route::{Answer, Call};

/// Answers the call.
pub(super) async fn handle(mut call: Call) -> Result<Answer, Refusal> {
    let change = std::mem::take(&mut call.body);
    let user = call.identity.update_user(&call.caller, call.param("id"), change).await?;
    Ok(Answer::ok(Value::Object(shown(&user))))
}
