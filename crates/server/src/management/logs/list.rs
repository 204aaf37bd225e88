//! `GET /api/v2/logs`.

use serde_json::{Value, json};
use tenantry_identity::logs::LogList;
use tenantry_identity::{Listed, Refusal};

use super::wanted;
use crate::management::query::Query;
use crate::management::route::{Answer, Call};

/// Answers the call.
pub(super) async fn handle(call: Call) -> Result<Answer, Refusal> {
    let list = wanted(&call.query)?;
    let listed = call.identity.logs(&call.caller, &list).await?;
    Ok(answer(&call.query, &list, listed))
}

/// Events in the form that was asked for, with the fields that were.
pub(super) fn answer(query: &Query, list: &LogList, listed: Listed<Value>) -> Answer {
    let fields: Vec<&str> = query.text("fields").map(|fields| fields.split(',').collect()).unwrap_or_default();
    let wanted = query.flag("include_fields").unwrap_or(true);
    let items: Vec<Value> = listed
        .items
        .into_iter()
        .map(|mut item| {
            if let (Some(item), false) = (item.as_object_mut(), fields.is_empty()) {
                item.retain(|name, _| fields.contains(&name.as_str()) == wanted);
            }
            item
        })
        .collect();
    match list {
        LogList::Page { offset, limit, total: true, .. } => Answer::ok(json!({
            "start": offset,
            "limit": limit,
            "length": items.len(),
            "total": listed.total,
            "logs": items,
        })),
        _ => Answer::ok(Value::Array(items)),
    }
}
