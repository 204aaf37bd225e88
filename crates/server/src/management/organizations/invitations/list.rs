//! `GET /api/v2/organizations/{id}/invitations`.

use serde_json::{Value, json};
use tenantry_identity::{Part, Refusal};

use super::shown_as_asked;
use crate::management::paging;
use crate::management::route::{Answer, Call};

/// Answers the call. The envelope has no total, and its limit is how many items it holds.
pub(in super::super) async fn handle(call: Call) -> Result<Answer, Refusal> {
    let part = match paging::part(&call.query, 50)? {
        Part::Page { offset, limit, .. } => Part::Page { offset, limit, total: false },
        from => from,
    };
    let newest_first = call.query.text("sort") == Some("created_at:-1");
    let listed = call.identity.invitations(&call.caller, call.param("id"), newest_first, &part).await?;
    let items: Vec<Value> = listed.items.iter().map(|item| shown_as_asked(item, &call.query)).collect();
    match part {
        Part::Page { offset, .. } if call.query.flag("include_totals") == Some(true) => {
            Ok(Answer::ok(json!({ "start": offset, "limit": items.len(), "invitations": items })))
        }
        _ => Ok(Answer::ok(Value::Array(items))),
    }
}
