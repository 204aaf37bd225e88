//! `GET /api/v2/users/{id}/roles`.

use tenantry_identity::{Listed, Refusal};

use super::role_shown;
use crate::management::paging;
use crate::management::route::{Answer, Call};

/// Answers the call.
pub(super) async fn handle(call: Call) -> Result<Answer, Refusal> {
    let part = paging::part(&call.query, 50)?;
    let Listed { items, total, next } = call.identity.user_roles(&call.caller, call.param("id"), &part).await?;
    let items = items.iter().map(role_shown).collect();
    Ok(paging::answer(&part, "roles", Listed { items, total, next }))
}
