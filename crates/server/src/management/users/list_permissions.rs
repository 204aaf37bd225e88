//! `GET /api/v2/users/{id}/permissions`.

use serde_json::{Value, json};
use tenantry_identity::users::Source;
use tenantry_identity::{Listed, Refusal};

use super::permission_shown;
use crate::management::paging;
use crate::management::route::{Answer, Call};

/// Answers the call.
pub(super) async fn handle(call: Call) -> Result<Answer, Refusal> {
    let part = paging::part(&call.query, 50)?;
    let Listed { items, total, next } = call.identity.user_permissions(&call.caller, call.param("id"), &part).await?;
    let items = items.iter().map(|held| {
        let mut body = permission_shown(&held.permission);
        let sources = held.sources.iter().map(|source| match source {
            Source::Direct => json!({ "source_id": "", "source_name": "", "source_type": "DIRECT" }),
            Source::Role(id, name) => json!({ "source_id": id, "source_name": name, "source_type": "ROLE" }),
        });
        body.insert("sources".to_owned(), sources.collect());
        Value::Object(body)
    });
    Ok(paging::answer(&part, "permissions", Listed { items: items.collect(), total, next }))
}
