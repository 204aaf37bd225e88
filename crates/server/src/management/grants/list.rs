//! `GET /api/v2/grants`.

use serde_json::{Value, json};
use tenantry_identity::consents::{Consent, ConsentFilter};
use tenantry_identity::{Listed, Refusal};

use crate::management::paging;
use crate::management::route::{Answer, Call};

/// Answers the call.
pub(super) async fn handle(call: Call) -> Result<Answer, Refusal> {
    let part = paging::part(&call.query, 50)?;
    let text = |name: &str| call.query.text(name).map(str::to_owned);
    let filter = ConsentFilter { user_id: text("user_id"), client_id: text("client_id"), audience: text("audience") };
    let listed = call.identity.consents(&call.caller, &filter, &part).await?;
    let items = listed.items.iter().map(shown).collect();
    Ok(paging::answer(&part, "grants", Listed { items, total: listed.total, next: listed.next }))
}

fn shown(consent: &Consent) -> Value {
    json!({
        "id": consent.id,
        "clientID": consent.client_id,
        "user_id": consent.user_id,
        "audience": consent.audience,
        "scope": consent.scope,
    })
}
