//! `GET /api/v2/organizations/{id}/discovery-domains`.

use tenantry_identity::{Listed, Part, Refusal};

use super::shown;
use crate::management::paging;
use crate::management::route::{Answer, Call};

/// Answers the call. This list knows one style only: parts that go on from an earlier one.
pub(in super::super) async fn handle(call: Call) -> Result<Answer, Refusal> {
    let take = call.query.int("take").unwrap_or(50);
    let part = Part::From { from: call.query.text("from").map(str::to_owned), take };
    let Listed { items, total, next } = call.identity.domains(&call.caller, call.param("id"), &part).await?;
    Ok(paging::answer(&part, "domains", Listed { items: items.iter().map(shown).collect(), total, next }))
}
