//! `GET /api/v2/organizations/{id}/connections` and `…/enabled_connections`.

use tenantry_identity::{Listed, Refusal};

use super::{shown, shown_enabled};
use crate::management::paging;
use crate::management::route::{Answer, Call};

/// Answers `/connections`.
pub(in super::super) async fn handle(call: Call) -> Result<Answer, Refusal> {
    let part = paging::part(&call.query, 50)?;
    let enabled = call.query.flag("is_enabled");
    let listed = call.identity.account_connections(&call.caller, call.param("id"), enabled, &part).await?;
    let Listed { items, total, next } = listed;
    Ok(paging::answer(&part, "connections", Listed { items: items.iter().map(shown).collect(), total, next }))
}

/// Answers `/enabled_connections`.
pub(in super::super) async fn handle_enabled(call: Call) -> Result<Answer, Refusal> {
    let part = paging::part(&call.query, 50)?;
    let listed = call.identity.account_connections(&call.caller, call.param("id"), Some(true), &part).await?;
    let Listed { items, total, next } = listed;
    let items = items.iter().map(shown_enabled).collect();
    Ok(paging::answer(&part, "enabled_connections", Listed { items, total, next }))
}
