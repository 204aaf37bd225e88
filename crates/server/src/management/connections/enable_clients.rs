//! `PATCH /api/v2/connections/{id}/clients`.

use serde_json::Value;
use tenantry_identity::Refusal;

use crate::management::route::{Answer, Call};

/// Answers the call.
pub(super) async fn handle(call: Call) -> Result<Answer, Refusal> {
    let items = call.body.get("items").and_then(Value::as_array).into_iter().flatten();
    let clients: Vec<(String, bool)> = items
        .filter_map(|item| Some((item.get("client_id")?.as_str()?.to_owned(), item.get("status")?.as_bool()?)))
        .collect();
    call.identity.enable_clients(&call.caller, call.param("id"), &clients).await?;
    Ok(Answer::none())
}
