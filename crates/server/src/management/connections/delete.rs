//! `DELETE /api/v2/connections/{id}`: 202, since elsewhere the users go later. Here they are gone already.

use serde_json::json;
use tenantry_identity::Refusal;
use tenantry_identity::text::time;

use crate::management::route::{Answer, Call};

/// Answers the call.
pub(super) async fn handle(call: Call) -> Result<Answer, Refusal> {
    let deleted = call.identity.delete_connection(&call.caller, call.param("id")).await?;
    Ok(deleted.map_or_else(Answer::none, |micros| Answer::accepted(json!({ "deleted_at": time(micros) }))))
}
