//! `/api/v2/groups`.

use serde_json::json;
use tenantry_identity::{Kind, Listed, Refusal};

use crate::management::paging;
use crate::management::route::{Answer, Call};

/// Answers the call for all groups.
pub(super) async fn list(call: Call) -> Result<Answer, Refusal> {
    let part = paging::part(&call.query, 50)?;
    Ok(paging::answer(&part, "groups", Listed { items: Vec::new(), total: Some(0), next: None }))
}

/// Answers the calls for one group.
pub(super) async fn missing(_call: Call) -> Result<Answer, Refusal> {
    Err(Refusal::Missing(Kind::Group))
}

/// Answers the call for a group's members.
pub(super) async fn members(_call: Call) -> Result<Answer, Refusal> {
    Ok(Answer::ok(json!({ "members": [] })))
}
