//! The ways of asking for one row that is somebody else's, and for one that is not there.

use serde_json::{Value, json};

use crate::client::Ask;
use crate::world::{COUNT, FIRST, World, owner};

/// A way of asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Get,
    GetThroughHop,
    GetByTwoColumns,
    GetWithInclude,
    QueryById,
    QueryByIds,
    QueryThroughHop,
    Count,
    Sum,
    Groups,
    IncludedTarget,
    IncludeFilter,
    Update,
    UpdateThroughHop,
    BulkUpdate,
    BulkUpdateWithOwn,
    BulkUpdateWhere,
    Delete,
    CreateReference,
    UpdateReference,
    Cursor,
    Approval,
}

impl Kind {
    pub const ALL: [Kind; 22] = [
        Kind::Get,
        Kind::GetThroughHop,
        Kind::GetByTwoColumns,
        Kind::GetWithInclude,
        Kind::QueryById,
        Kind::QueryByIds,
        Kind::QueryThroughHop,
        Kind::Count,
        Kind::Sum,
        Kind::Groups,
        Kind::IncludedTarget,
        Kind::IncludeFilter,
        Kind::Update,
        Kind::UpdateThroughHop,
        Kind::BulkUpdate,
        Kind::BulkUpdateWithOwn,
        Kind::BulkUpdateWhere,
        Kind::Delete,
        Kind::CreateReference,
        Kind::UpdateReference,
        Kind::Cursor,
        Kind::Approval,
    ];
}

/// Two requests that must be answered alike.
pub struct Pair {
    pub kind: Kind,
    pub foreign: Ask,
    pub absent: Ask,
}

/// The ids of a round: somebody else's, and its neighbour that is not there.
fn ids(round: usize) -> (i64, i64) {
    let step = i64::try_from(round).expect("few rounds") * 52 % COUNT;
    let foreign = FIRST + step + 2;
    assert_eq!((owner(foreign), owner(foreign + 1)), (Some("b"), None));
    (foreign, foreign + 1)
}

pub fn pair(world: &World, kind: Kind, round: usize) -> Pair {
    let (foreign, absent) = ids(round);
    match kind {
        Kind::Approval => {
            let own = &world.approvals[round % world.approvals.len()];
            // Another id of the same form: its digits the other way round.
            let other: String =
                own.chars().take(4).chain(own.chars().skip(4).collect::<Vec<_>>().into_iter().rev()).collect();
            let verb = if round % 4 < 2 { "approve" } else { "deny" };
            let ask = |id: &str| Ask {
                path: format!("/app/v1/approvals/{id}/{verb}"),
                body: None,
                token: world.manager.clone(),
                headers: Vec::new(),
            };
            Pair { kind, foreign: ask(own), absent: ask(&other) }
        }
        Kind::Cursor => {
            // One that nobody was ever given: a character in the middle is another one.
            let middle = world.cursor.len() / 2;
            let change = |(at, c): (usize, char)| if at == middle { if c == 'A' { 'B' } else { 'A' } } else { c };
            let other: String = world.cursor.chars().enumerate().map(change).collect();
            let ask = |cursor: &str| {
                Ask::tool("query", json!({ "model": "customers", "take": 1, "cursor": cursor }), &world.attacker)
            };
            Pair { kind, foreign: ask(&world.cursor), absent: ask(&other) }
        }
        _ => {
            let ask = |id: i64| {
                let (tool, body) = call(kind, id, foreign);
                Ask::tool(tool, body, &world.attacker)
            };
            Pair { kind, foreign: ask(foreign), absent: ask(absent) }
        }
    }
}

/// The call about an id. `near` is the foreign id of the round: own ids are found from it.
fn call(kind: Kind, id: i64, near: i64) -> (&'static str, Value) {
    let own = near - 1;
    assert_eq!(owner(own), Some("a"));
    let is = |op: &str, value: Value| json!({ "field": "id", "op": op, "value": value });
    match kind {
        Kind::Get => ("get", json!({ "model": "customers", "id": id })),
        Kind::GetThroughHop => ("get", json!({ "model": "lines", "id": id })),
        Kind::GetByTwoColumns => {
            ("get", json!({ "model": "members", "id": { "tenant_id": "b", "user_id": format!("u{id}") } }))
        }
        Kind::GetWithInclude => (
            "get",
            json!({ "model": "orders", "id": id, "include": [{ "relation": "customer" }, { "relation": "lines" }] }),
        ),
        Kind::QueryById => ("query", json!({ "model": "customers", "where": is("eq", json!(id)) })),
        Kind::QueryByIds => (
            "query",
            json!({ "model": "customers", "where": is("in", json!([own, id])), "order_by": [{ "field": "score" }] }),
        ),
        Kind::QueryThroughHop => {
            ("query", json!({ "model": "lines", "where": { "field": "order_id", "op": "eq", "value": id } }))
        }
        Kind::Count => {
            ("aggregate", json!({ "model": "customers", "operation": "count", "where": is("eq", json!(id)) }))
        }
        Kind::Sum => (
            "aggregate",
            json!({ "model": "orders", "operation": "sum", "field": "total", "where": is("in", json!([own, id])) }),
        ),
        Kind::Groups => (
            "aggregate",
            json!({ "model": "lines", "operation": "max", "field": "order_id", "group_by": ["qty"], "where": is("eq", json!(id)) }),
        ),
        Kind::IncludedTarget => {
            // Of the attacker's own orders, one that points at a foreign customer and one that points at
            // none. The customer of order `n` is `n`, `n + 1` or `n + 2`, in turn.
            let wanted = if id == near { 1 } else { 2 };
            let order = (0..3).map(|step| own + step * 4).find(|order| order / 4 % 3 == wanted).expect("one in three");
            (
                "get",
                json!({ "model": "orders", "id": order, "select": ["status"], "include": [{ "relation": "customer" }] }),
            )
        }
        Kind::IncludeFilter => (
            "get",
            json!({ "model": "customers", "id": own, "include": [{ "relation": "orders", "where": is("eq", json!(id)) }] }),
        ),
        Kind::Update => ("update", json!({ "model": "customers", "id": id, "data": { "name": "x" } })),
        Kind::UpdateThroughHop => ("update", json!({ "model": "lines", "id": id, "data": { "qty": 7 } })),
        Kind::BulkUpdate => ("bulk_update", json!({ "model": "customers", "ids": [id], "data": { "name": "x" } })),
        Kind::BulkUpdateWithOwn => {
            ("bulk_update", json!({ "model": "customers", "ids": [own, id], "data": { "name": "x" } }))
        }
        Kind::BulkUpdateWhere => {
            ("bulk_update", json!({ "model": "lines", "where": is("eq", json!(id)), "data": { "qty": 7 } }))
        }
        Kind::Delete => ("delete", json!({ "model": "customers", "id": id })),
        Kind::CreateReference => {
            ("create", json!({ "model": "lines", "data": { "id": 900_000, "order_id": id, "qty": 1 } }))
        }
        Kind::UpdateReference => ("update", json!({ "model": "orders", "id": own, "data": { "customer_id": id } })),
        Kind::Cursor | Kind::Approval => unreachable!("made elsewhere"),
    }
}
