//! Values that only the victim's rows have: no filter, order, group or calculation tells of them.

use serde_json::{Map, Value, json};
use tenantry_policy::table::Column;
use tenantry_policy::{ColumnId, Table, Tool, Type};

use super::{Plan, ask};
use crate::sample::Row;

/// Rows whose values are tried, per table.
const ROWS: usize = 2;

/// A value of the type that no row has; every `n` another one. `None` where there are too few values.
pub(super) fn absent(ty: Type, n: u32) -> Option<Value> {
    Some(match ty {
        // Fits a 32-bit column too.
        Type::Int => json!(1_987_000_000 + i64::from(n)),
        Type::Text => json!(format!("no-such-thing-{n}")),
        Type::Decimal => json!(987_654 + i64::from(n)),
        Type::Uuid => json!(format!("00000000-0000-4000-8000-{n:012}")),
        Type::Timestamp => json!(format!("1999-01-01T00:{:02}:{:02}Z", n / 60 % 60, n % 60)),
        Type::Date => json!(format!("1999-01-{:02}", n % 28 + 1)),
        Type::Float => json!(-98_765.5 - f64::from(n)),
        Type::Bool | Type::Json | Type::Bytes => return None,
    })
}

/// The name and column of a position.
pub(super) fn column(table: &Table, id: ColumnId) -> Option<(&str, &Column)> {
    table.column(id).map(|column| (column.facts.name.as_str(), column))
}

/// A row's id, as tools take it.
pub(crate) fn id(table: &Table, row: &Row) -> Option<Value> {
    let part = |id: &ColumnId| {
        let (name, _) = column(table, *id)?;
        Some((name.to_owned(), row.get(name)?.clone()))
    };
    let mut parts: Map<String, Value> = table.key.iter().map(part).collect::<Option<_>>()?;
    match table.key.len() {
        0 => None,
        1 => parts.values_mut().next().map(Value::take),
        _ => Some(Value::Object(parts)),
    }
}

/// The id of no row: that row's, but for the last part, which nobody has, and what the row lacks.
pub(crate) fn absent_id(table: &Table, row: &Row, n: u32) -> Option<Value> {
    let mut row = row.clone();
    for (at, part) in table.key.iter().enumerate() {
        let (name, column) = column(table, *part)?;
        if at + 1 == table.key.len() || !row.contains_key(name) {
            row.insert(name.to_owned(), absent(column.facts.ty?, n)?);
        }
    }
    id(table, &row)
}

/// Fields that callers may find rows by, with their types.
pub(crate) fn findable(table: &Table) -> impl Iterator<Item = (&str, Type)> {
    table.columns.iter().filter(|column| column.field.filterable()).filter_map(|column| {
        let ty = column.facts.ty.filter(|ty| ty.filterable())?;
        Some((column.facts.name.as_str(), ty))
    })
}

fn leaf(field: &str, op: &str, value: &Value) -> Value {
    json!({ "field": field, "op": op, "value": value })
}

/// Filters that find rows with this value, and only those. The same for the foreign and the absent one.
fn filters(field: &str, ty: Type, value: &Value) -> Vec<(&'static str, Value)> {
    let mut list = vec![
        ("eq", leaf(field, "eq", value)),
        ("in", leaf(field, "in", &json!([value]))),
        ("not ne", json!({ "not": leaf(field, "ne", value) })),
        ("not not_in", json!({ "not": leaf(field, "not_in", &json!([value])) })),
    ];
    if !matches!(ty, Type::Bool | Type::Uuid) {
        list.push(("between", leaf(field, "between", &json!([value, value]))));
        list.push(("gte and lte", json!({ "and": [leaf(field, "gte", value), leaf(field, "lte", value)] })));
        list.push(("not lt or gt", json!({ "not": { "or": [leaf(field, "lt", value), leaf(field, "gt", value)] } })));
    }
    if ty == Type::Text && value != "" {
        for op in ["startswith", "endswith", "contains"] {
            // All three with the whole text: a part of it may well stand in an own row.
            list.push((op, leaf(field, op, value)));
        }
    }
    list
}

pub(super) fn add(plan: &mut Plan<'_>, table: &Table) {
    for (at, row) in plan.victims(table).iter().take(ROWS).enumerate() {
        for (field, ty) in findable(table) {
            let Some(value) = row.get(field).filter(|value| !value.is_null()) else { continue };
            let n = u32::try_from(at).unwrap_or(0);
            let Some(nobodys) = absent(ty, 500 + n) else { continue };
            // What both have, the attacker may find.
            if plan.own.has(&table.name, field, value) {
                continue;
            }
            for ((op, foreign), (_, absent)) in filters(field, ty, value).into_iter().zip(filters(field, ty, &nobodys))
            {
                probe(plan, table, &format!("where {field} {op} ({at})"), &foreign, &absent);
            }
        }
    }
    everything(plan, table);
}

/// One filter in every tool that takes one.
fn probe(plan: &mut Plan<'_>, table: &Table, what: &str, foreign: &Value, absent: &Value) {
    let pair = |make: &dyn Fn(&Value) -> Value| (make(foreign), make(absent));
    let (a, b) = pair(&|filter| ask(table, [("where", filter.clone())]));
    plan.alike(what, table, Tool::Query, a, b);
    let (a, b) = pair(&|filter| ask(table, [("operation", json!("count")), ("where", filter.clone())]));
    plan.alike(what, table, Tool::Aggregate, a, b);
    let own = plan.owns(table).first();
    for (relation, other) in super::references::into(plan, table) {
        if let Some(id) = plan.owns(other).first().and_then(|row| id(other, row)) {
            let (a, b) = pair(&|filter| {
                let include = json!([{ "relation": relation, "where": filter }]);
                ask(other, [("id", id.clone()), ("include", include)])
            });
            plan.alike(&format!("include {relation} {what}"), other, Tool::Get, a, b);
        }
    }
    let Some(data) = own.and_then(|own| super::writes::change(table, own)) else { return };
    let (a, b) =
        pair(&|filter| super::ask_write(table, false, [("where", filter.clone()), ("data", data.clone().into())]));
    plan.alike(what, table, Tool::BulkUpdate, a, b);
}

/// Calculations over the victim's rows, picked by their keys, and over all rows.
fn everything(plan: &mut Plan<'_>, table: &Table) {
    let all: Vec<(&str, Type)> = findable(table).collect();
    for (field, _) in &all {
        for (direction, op) in [("asc", "min"), ("desc", "max")] {
            let order = json!([{ "field": field, "direction": direction }]);
            let take = table.budget.max_rows;
            plan.look(
                &format!("all by {field} {direction}"),
                table,
                Tool::Query,
                ask(table, [("order_by", order), ("take", json!(take))]),
            );
            plan.look(
                &format!("{op} {field} of all"),
                table,
                Tool::Aggregate,
                ask(table, [("operation", json!(op)), ("field", json!(field))]),
            );
        }
        plan.look(
            &format!("groups by {field}"),
            table,
            Tool::Aggregate,
            ask(table, [("operation", json!("count")), ("group_by", json!([field]))]),
        );
    }
    // One column picks the rows: the key, or of a composite one its last part where it tells them apart.
    let Some((key, ty)) = table
        .key
        .iter()
        .rev()
        .filter_map(|id| column(table, *id))
        .filter_map(|(name, column)| Some((name, column.facts.ty.filter(|_| column.field.filterable())?)))
        .find(|(name, _)| {
            plan.victims(table)
                .iter()
                .filter_map(|row| row.get(*name))
                .all(|value| !plan.own.has(&table.name, name, value))
        })
    else {
        return;
    };
    let keys: Vec<&Value> = plan.victims(table).iter().filter_map(|row| row.get(key)).take(20).collect();
    let absent: Option<Vec<Value>> = (900..).take(keys.len()).map(|n| absent(ty, n)).collect();
    let (Some(absent), false) = (absent, keys.is_empty()) else { return };
    let (foreign, absent) = (leaf(key, "in", &json!(keys)), leaf(key, "in", &json!(absent)));
    for (field, ty) in &all {
        for op in ["count", "min", "max", "sum", "avg"] {
            if op != "count" && !ty.summable() {
                continue;
            }
            for by in [None, Some(field)] {
                for distinct in [false, true] {
                    let of = |filter: &Value| {
                        let group = by.map_or_else(|| json!([]), |by| json!([by]));
                        ask(
                            table,
                            [
                                ("operation", json!(op)),
                                ("field", json!(field)),
                                ("where", filter.clone()),
                                ("group_by", group),
                                ("distinct", json!(distinct)),
                            ],
                        )
                    };
                    let what = format!("{op} {field} by {by:?} distinct {distinct} of foreign rows");
                    plan.alike(&what, table, Tool::Aggregate, of(&foreign), of(&absent));
                }
            }
        }
    }
    let having = |filter: &Value| {
        ask(
            table,
            [
                ("operation", json!("count")),
                ("where", filter.clone()),
                ("group_by", json!([key])),
                ("having", json!({ "op": "gte", "value": 1 })),
            ],
        )
    };
    plan.alike("having over foreign rows", table, Tool::Aggregate, having(&foreign), having(&absent));
}
