//! `GET /api/v2/connections`.

use tenantry_identity::connections::ConnectionFilter;
use tenantry_identity::{Listed, Refusal};

use super::shown;
use crate::management::paging;
use crate::management::route::{Answer, Call};
use crate::management::select::Selection;

/// Answers the call.
pub(super) async fn handle(call: Call) -> Result<Answer, Refusal> {
    let part = paging::part(&call.query, 50)?;
    let filter = ConnectionFilter {
        strategies: call.query.texts("strategy"),
        name: call.query.text("name").map(str::to_owned),
        client_id: None,
    };
    let Listed { items, total, next } = call.identity.connections(&call.caller, &filter, &part).await?;
    let selection = Selection::of(&call.query);
    let items = items.iter().map(|connection| selection.apply(shown(connection), &[])).collect();
    Ok(paging::answer(&part, "connections", Listed { items, total, next }))
}
