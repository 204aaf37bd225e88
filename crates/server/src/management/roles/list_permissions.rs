//! `GET /api/v2/roles/{id}/permissions`.

use serde_json::Value;
use tenantry_identity::{Listed, Refusal};

use crate::management::paging;
use crate::management::route::{Answer, Call};
use crate::management::users::permission_shown;

/// Answers the call.
pub(super) async fn handle(call: Call) -> Result<Answer, Refusal> {
    let part = paging::part(&call.query, 50)?;
    let Listed { items, total, next } = call.identity.role_permissions(&call.caller, call.param("id"), &part).await?;
    let items = items.iter().map(|permission| Value::Object(permission_shown(permission))).collect();
    Ok(paging::answer(&part, "permissions", Listed { items, total, next }))
}
