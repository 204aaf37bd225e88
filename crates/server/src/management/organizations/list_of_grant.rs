//! `GET /api/v2/client-grants/{id}/organizations`.

use tenantry_identity::{Listed, Refusal};

use super::shown;
use crate::management::paging;
use crate::management::route::{Answer, Call};

/// Answers the call.
pub(super) async fn handle(call: Call) -> Result<Answer, Refusal> {
    let part = paging::part(&call.query, 50)?;
    let listed = call.identity.accounts_of_grant(&call.caller, call.param("id"), &part).await?;
    let Listed { items, total, next } = listed;
    Ok(paging::answer(&part, "organizations", Listed { items: items.iter().map(shown).collect(), total, next }))
}
