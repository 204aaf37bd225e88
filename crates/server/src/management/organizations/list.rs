//! `GET /api/v2/organizations`.

use tenantry_identity::accounts::AccountOrder;
use tenantry_identity::{Listed, Refusal};

use super::shown;
use crate::management::paging;
use crate::management::route::{Answer, Call};

/// Answers the call.
pub(super) async fn handle(call: Call) -> Result<Answer, Refusal> {
    let part = paging::part(&call.query, 50)?;
    let order = call.query.text("sort").and_then(AccountOrder::parse).unwrap_or(AccountOrder::OLDEST_FIRST);
    let Listed { items, total, next } = call.identity.accounts_in_order(&call.caller, order, &part).await?;
    let items = items.iter().map(shown).collect();
    Ok(paging::answer(&part, "organizations", Listed { items, total, next }))
}
