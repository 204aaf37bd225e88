//! `GET /api/v2/roles`.

use tenantry_identity::roles::RoleFilter;
use tenantry_identity::{Listed, Refusal};

use crate::management::paging;
use crate::management::route::{Answer, Call};
use crate::management::users::role_shown;

/// Answers the call.
pub(super) async fn handle(call: Call) -> Result<Answer, Refusal> {
    let part = paging::part(&call.query, 50)?;
    let filter = RoleFilter { account: None, name: call.query.text("name_filter").map(str::to_owned) };
    let Listed { items, total, next } = call.identity.roles(&call.caller, &filter, &part).await?;
    let items = items.iter().map(role_shown).collect();
    Ok(paging::answer(&part, "roles", Listed { items, total, next }))
}
