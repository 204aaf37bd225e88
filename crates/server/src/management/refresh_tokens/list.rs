//! `GET /api/v2/refresh-tokens` and `/api/v2/users/{user_id}/refresh-tokens`.

use tenantry_identity::{Listed, Refusal};

use super::shown;
use crate::management::paging;
use crate::management::route::{Answer, Call};

/// Answers the call for a user's, named in the query.
pub(super) async fn all(call: Call) -> Result<Answer, Refusal> {
    let user = call.query.text("user_id").unwrap_or_default();
    listed(&call, user, call.query.text("client_id"), "refresh_tokens").await
}

/// Answers the call for a user's, named in the path.
pub(super) async fn of_user(call: Call) -> Result<Answer, Refusal> {
    listed(&call, call.param("user_id"), None, "tokens").await
}

async fn listed(call: &Call, user: &str, client: Option<&str>, key: &str) -> Result<Answer, Refusal> {
    let part = paging::checkpoint(&call.query);
    let total = call.query.flag("include_totals").unwrap_or(false);
    let listed = call.identity.refresh_tokens_of(&call.caller, user, client, &part, total).await?;
    let fields: Vec<&str> = call.query.text("fields").map(|fields| fields.split(',').collect()).unwrap_or_default();
    let wanted = call.query.flag("include_fields").unwrap_or(true);
    let items = listed.items.iter().map(|token| {
        let mut item = shown(token);
        if let (Some(item), false) = (item.as_object_mut(), fields.is_empty()) {
            item.retain(|name, _| fields.contains(&name.as_str()) == wanted);
        }
        item
    });
    Ok(paging::answer(&part, key, Listed { items: items.collect(), total: listed.total, next: listed.next }))
}
