//! `GET /api/v2/resource-servers`.

use tenantry_identity::{Listed, Refusal};

use super::shown;
use crate::management::paging;
use crate::management::route::{Answer, Call};
use crate::management::select::Selection;

/// Answers the call.
pub(super) async fn handle(call: Call) -> Result<Answer, Refusal> {
    let part = paging::part(&call.query, 50)?;
    let identifiers = call.query.texts("identifiers");
    let Listed { items, total, next } = call.identity.apis(&call.caller, &identifiers, &part).await?;
    let selection = Selection::of(&call.query);
    let items = items.iter().map(|api| selection.apply(shown(api), &[])).collect();
    Ok(paging::answer(&part, "resource_servers", Listed { items, total, next }))
}
