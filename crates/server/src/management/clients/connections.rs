//! `GET /api/v2/clients/{id}/connections`.

use tenantry_identity::{Listed, Refusal};

use crate::management::route::{Answer, Call};
use crate::management::select::Selection;
use crate::management::{connections, paging};

/// Answers the call.
pub(super) async fn handle(call: Call) -> Result<Answer, Refusal> {
    let part = paging::checkpoint(&call.query);
    let strategies = call.query.texts("strategy");
    let id = call.param("id");
    let Listed { items, total, next } =
        call.identity.connections_of_client(&call.caller, id, strategies, &part).await?;
    let selection = Selection::of(&call.query);
    let items = items.iter().map(|connection| selection.apply(connections::shown(connection), &[])).collect();
    Ok(paging::answer(&part, "connections", Listed { items, total, next }))
}
