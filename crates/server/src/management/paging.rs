//! The three styles of lists: a bare array, `{start, limit, total, KEY}`, and `{KEY, next}`.

use serde_json::{Map, Value, json};
use tenantry_identity::{Listed, Part, Refusal};

use crate::management::query::Query;
use crate::management::route::Answer;

/// No list by page numbers reaches further than this.
const FURTHEST: i64 = 1_000;

/// Which part of a list a query asks for. `take` or `from` win over pages, which some clients send along.
///
/// # Errors
/// `invalid_paging` past the thousandth item.
pub(crate) fn part(query: &Query, usual: i64) -> Result<Part, Refusal> {
    if query.text("from").is_some() || query.int("take").is_some() {
        return Ok(Part::From { from: query.text("from").map(str::to_owned), take: query.int("take").unwrap_or(50) });
    }
    let limit = query.int("per_page").unwrap_or(usual);
    let offset = query.int("page").unwrap_or(0).saturating_mul(limit);
    if offset.saturating_add(limit) > FURTHEST && offset > 0 {
        return Err(Refusal::Invalid {
            code: "invalid_paging",
            message: format!(
                "You can only page through the first {FURTHEST} records. See the checkpoint pagination (from and take)."
            ),
        });
    }
    Ok(Part::Page { offset, limit, total: query.flag("include_totals").unwrap_or(false) })
}

/// Which part of a list that is answered from one part to the next alone.
pub(crate) fn checkpoint(query: &Query) -> Part {
    Part::From { from: query.text("from").map(str::to_owned), take: query.int("take").unwrap_or(50) }
}

/// The answer for a part of a list whose items stand under `key`.
pub(crate) fn answer(part: &Part, key: &str, listed: Listed<Value>) -> Answer {
    match part {
        Part::From { .. } => {
            let mut body = Map::new();
            body.insert(key.to_owned(), Value::Array(listed.items));
            if let Some(total) = listed.total {
                body.insert("total".to_owned(), json!(total));
            }
            if let Some(next) = listed.next {
                body.insert("next".to_owned(), Value::String(next));
            }
            Answer::ok(body)
        }
        Part::Page { offset, limit, total: true } => {
            let length = i64::try_from(listed.items.len()).unwrap_or(i64::MAX);
            let mut body = Map::new();
            body.insert("start".to_owned(), json!(offset));
            body.insert("limit".to_owned(), json!(limit));
            body.insert("length".to_owned(), json!(length));
            body.insert("total".to_owned(), json!(listed.total.unwrap_or(offset + length)));
            body.insert(key.to_owned(), Value::Array(listed.items));
            Answer::ok(body)
        }
        Part::Page { .. } => Answer::ok(Value::Array(listed.items)),
    }
}
