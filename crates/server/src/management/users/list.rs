//! `GET /api/v2/users`.

use tenantry_identity::users::UserFilter;
use tenantry_identity::{Listed, Refusal};

use super::shape::{chosen, shown};
use crate::management::paging;
use crate::management::route::{Answer, Call};

/// Answers the call. Every search engine that a client may name means the same language here.
pub(super) async fn handle(call: Call) -> Result<Answer, Refusal> {
    let part = paging::part(&call.query, 50)?;
    let text = |name: &str| call.query.text(name).filter(|text| !text.is_empty()).map(str::to_owned);
    let filter = UserFilter { query: text("q"), connection: text("connection"), sort: text("sort") };
    let Listed { items, total, next } = call.identity.users(&call.caller, &filter, &part).await?;
    let items = items.iter().map(|user| chosen(&call.query, shown(user))).collect();
    Ok(paging::answer(&part, "users", Listed { items, total, next }))
}
