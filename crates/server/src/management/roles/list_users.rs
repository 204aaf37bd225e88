//! `GET /api/v2/roles/{id}/users`.

use serde_json::{Value, json};
use tenantry_identity::roles::Holder;
use tenantry_identity::text::Fields;
use tenantry_identity::{Listed, Refusal};

use crate::management::paging;
use crate::management::route::{Answer, Call};

/// Answers the call.
pub(super) async fn handle(call: Call) -> Result<Answer, Refusal> {
    let part = paging::part(&call.query, 50)?;
    let Listed { items, total, next } = call.identity.role_users(&call.caller, call.param("id"), &part).await?;
    let items = items.iter().map(shown).collect();
    Ok(paging::answer(&part, "users", Listed { items, total, next }))
}

fn shown(holder: &Holder) -> Value {
    let mut body = Fields::new();
    body.insert("user_id".to_owned(), json!(holder.user_id));
    for (name, value) in [("email", &holder.email), ("picture", &holder.picture), ("name", &holder.name)] {
        if let Some(value) = value {
            body.insert(name.to_owned(), json!(value));
        }
    }
    Value::Object(body)
}
