//! `GET /api/v2/organizations/{id}/client-grants`.

use tenantry_identity::account_grants::AccountGrantFilter;
use tenantry_identity::{Listed, Refusal};

use super::shown;
use crate::management::paging;
use crate::management::route::{Answer, Call};

/// Answers the call.
pub(in super::super) async fn handle(call: Call) -> Result<Answer, Refusal> {
    let part = paging::part(&call.query, 50)?;
    let filter = AccountGrantFilter {
        audience: call.query.text("audience").map(str::to_owned),
        client_id: call.query.text("client_id").map(str::to_owned),
        ids: call.query.texts("grant_ids"),
    };
    let listed = call.identity.account_grants(&call.caller, call.param("id"), &filter, &part).await?;
    let Listed { items, total, next } = listed;
    Ok(paging::answer(&part, "client_grants", Listed { items: items.iter().map(shown).collect(), total, next }))
}
