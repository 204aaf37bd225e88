//! `GET /api/v2/users/{user_id}/sessions`.

use tenantry_identity::{Listed, Refusal};

use super::shown;
use crate::management::paging;
use crate::management::route::{Answer, Call};

/// Answers the call.
pub(super) async fn handle(call: Call) -> Result<Answer, Refusal> {
    let part = paging::checkpoint(&call.query);
    let total = call.query.flag("include_totals").unwrap_or(false);
    let listed = call.identity.sessions_of(&call.caller, call.param("user_id"), &part, total).await?;
    let items = listed.items.iter().map(shown).collect();
    Ok(paging::answer(&part, "sessions", Listed { items, total: listed.total, next: listed.next }))
}
