//! `GET /api/v2/organizations/{id}/members/{user_id}/roles`.

use serde_json::{Value, json};
use tenantry_identity::members::MemberRole;
use tenantry_identity::{Listed, Refusal};

use crate::management::paging;
use crate::management::route::{Answer, Call};

/// Answers the call.
pub(in super::super) async fn handle(call: Call) -> Result<Answer, Refusal> {
    let part = paging::part(&call.query, 50)?;
    let (account, user) = (call.param("id"), call.param("user_id"));
    let Listed { items, total, next } = call.identity.member_roles(&call.caller, account, user, &part).await?;
    let items = items.iter().map(shown).collect();
    Ok(paging::answer(&part, "roles", Listed { items, total, next }))
}

fn shown(role: &MemberRole) -> Value {
    let mut body = json!({ "id": role.id, "name": role.name });
    if let (Some(body), Some(description)) = (body.as_object_mut(), &role.description) {
        body.insert("description".to_owned(), json!(description));
    }
    body
}
