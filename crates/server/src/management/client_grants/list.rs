//! `GET /api/v2/client-grants`.

use tenantry_identity::client_grants::GrantFilter;
use tenantry_identity::{Listed, Refusal};

use super::shown;
use crate::management::paging;
use crate::management::route::{Answer, Call};

/// Answers the call.
pub(super) async fn handle(call: Call) -> Result<Answer, Refusal> {
    let part = paging::part(&call.query, 50)?;
    let text = |name: &str| call.query.text(name).map(str::to_owned);
    let filter = GrantFilter {
        client_id: text("client_id"),
        audience: text("audience"),
        subject_type: text("subject_type"),
        any_account: call.query.flag("allow_any_organization"),
    };
    let Listed { items, total, next } = call.identity.client_grants(&call.caller, &filter, &part).await?;
    let items = items.iter().map(shown).collect();
    Ok(paging::answer(&part, "client_grants", Listed { items, total, next }))
}
