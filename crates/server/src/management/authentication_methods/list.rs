//! `GET /api/v2/users/{id}/authentication-methods`.

use tenantry_identity::{Listed, Refusal};

use super::shown;
use crate::management::paging;
use crate::management::route::{Answer, Call};

/// Answers the call.
pub(super) async fn handle(call: Call) -> Result<Answer, Refusal> {
    let part = paging::part(&call.query, 50)?;
    let listed = call.identity.authentication_methods(&call.caller, call.param("id"), &part).await?;
    let items = listed.items.iter().map(|method| shown(method, true)).collect();
    Ok(paging::answer(&part, "authenticators", Listed { items, total: listed.total, next: listed.next }))
}
