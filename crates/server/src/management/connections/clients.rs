//! `GET /api/v2/connections/{id}/clients`.

use serde_json::json;
use tenantry_identity::{Listed, Refusal};

use crate::management::paging;
use crate::management::route::{Answer, Call};

/// Answers the call.
pub(super) async fn handle(call: Call) -> Result<Answer, Refusal> {
    let part = paging::checkpoint(&call.query);
    let Listed { items, total, next } =
        call.identity.clients_of_connection(&call.caller, call.param("id"), &part).await?;
    let items = items.into_iter().map(|id| json!({ "client_id": id })).collect();
    Ok(paging::answer(&part, "clients", Listed { items, total, next }))
}
