//! Hidden fields: a denied field answers as one that does not exist, wherever it is named; one that is
//! shown redacted finds, orders and groups nothing.

use serde_json::{Value, json};
use tenantry_policy::table::Field;
use tenantry_policy::{Code, Table, Tool, Type};

use super::values::{absent, absent_id, id};
use super::{Plan, ask, ask_write, references};
use crate::attack::{Invariant, Step};
use crate::sample::Row;

/// The name of no field, unlike any.
const UNKNOWN: &str = "qzxvj";

/// Where a field's name can stand.
struct Position {
    tool: Tool,
    what: String,
    /// The table that the call is about.
    model: usize,
    arguments: Value,
    /// Does the value, or the order of values, of the field decide something there?
    oracle: bool,
}

pub(super) fn add(plan: &mut Plan<'_>, table: &Table) {
    for column in &table.columns {
        let field = column.facts.name.as_str();
        let ty = column.facts.ty.unwrap_or(Type::Text);
        let theirs = plan.victims(table).iter().filter_map(|row| row.get(field)).find(|value| !value.is_null());
        let value = theirs.cloned().or_else(|| absent(ty, 1)).unwrap_or_else(|| json!(true));
        if column.field == Field::Denied {
            let unknown = positions(plan, table, UNKNOWN, &value);
            for (denied, unknown) in positions(plan, table, field, &value).into_iter().zip(unknown) {
                let Some(model) = plan.policy.tables.get(denied.model) else { continue };
                let what = format!("denied {field} in {}", denied.what);
                plan.refused(&what, model, denied.tool, denied.arguments.clone(), &[Code::FieldNotAllowed]);
                let hiding = vec![(field.to_owned(), UNKNOWN.to_owned())];
                plan.alike_but(&what, model, denied.tool, denied.arguments, unknown.arguments, hiding);
            }
            // A filter on a calculation names no field at all.
            let having = json!({ "field": field, "op": "gte", "value": value });
            let arguments = ask(table, [("operation", json!("count")), ("having", having)]);
            plan.push(
                super::name(table, Tool::Aggregate, &format!("denied {field} in having")),
                vec![Step::new(Tool::Aggregate.name(), arguments)],
                vec![Invariant::Refused(vec![Code::ValidationError]), Invariant::NoForeignRow],
            );
        } else if !column.field.filterable() || !ty.filterable() {
            for position in positions(plan, table, field, &value).into_iter().filter(|position| position.oracle) {
                let Some(model) = plan.policy.tables.get(position.model) else { continue };
                let what = format!("redacted {field} in {}", position.what);
                plan.refused(&what, model, position.tool, position.arguments, &[Code::FieldNotAllowed]);
            }
        }
    }
    // Text that means something to a database, where names belong.
    for name in [
        "id\" OR 1=1 --",
        "id' --",
        "*",
        "rowid",
        "ctid",
        "xmin",
        "tableoid",
        "oid",
        "_rowid_",
        "1",
        "",
        "t.id",
        "id, name",
    ] {
        if table.find_column(name).is_some() {
            continue;
        }
        // Names are all read by one reader: one position of each kind will do.
        let mut tried: Vec<(usize, Tool, String)> = Vec::new();
        for position in positions(plan, table, name, &json!(1)) {
            let kind = position.what.split(' ').next().unwrap_or_default().to_owned();
            let kind = (position.model, position.tool, kind);
            if tried.contains(&kind) {
                continue;
            }
            tried.push(kind);
            let Some(model) = plan.policy.tables.get(position.model) else { continue };
            let what = format!("`{name}` as a field in {}", position.what);
            plan.refused(&what, model, position.tool, position.arguments, &[Code::FieldNotAllowed]);
        }
    }
}

fn positions(plan: &Plan<'_>, table: &Table, field: &str, value: &Value) -> Vec<Position> {
    let mut list = Vec::new();
    let mut add = |table: &Table, tool, what: String, oracle, arguments| {
        list.push(Position { tool, what, model: table.id.index(), arguments, oracle });
    };
    let own = plan.owns(table).first();
    let nobody = || absent_id(table, &Row::new(), 9);
    let own_id = own.and_then(|row| id(table, row)).or_else(nobody).unwrap_or_else(|| json!(1));
    add(table, Tool::Query, "select".to_owned(), false, ask(table, [("select", json!([field]))]));
    add(table, Tool::Get, "select".to_owned(), false, ask(table, [("id", own_id.clone()), ("select", json!([field]))]));
    let order = json!([{ "field": field, "direction": "desc" }]);
    add(table, Tool::Query, "order_by".to_owned(), true, ask(table, [("order_by", order.clone())]));
    let filters = filters(field, value);
    for (what, filter) in &filters {
        add(table, Tool::Query, format!("where {what}"), true, ask(table, [("where", filter.clone())]));
    }
    for (what, filter) in filters.iter().take(2) {
        let count = ask(table, [("operation", json!("count")), ("where", filter.clone())]);
        add(table, Tool::Aggregate, format!("where {what}"), true, count);
    }
    for operation in ["count", "sum", "avg", "min", "max"] {
        for distinct in [false, true] {
            let arguments =
                ask(table, [("operation", json!(operation)), ("field", json!(field)), ("distinct", json!(distinct))]);
            let what = format!("{operation} distinct {distinct}");
            // How many are not NULL is no secret of a field that is shown.
            add(table, Tool::Aggregate, what, operation != "count" || distinct, arguments);
        }
    }
    let group = ask(table, [("operation", json!("count")), ("group_by", json!([field]))]);
    add(table, Tool::Aggregate, "group_by".to_owned(), true, group);
    for (relation, other) in references::into(plan, table) {
        let include = |part: &str, value: Value| {
            let mut include = json!({ "relation": relation });
            if let Some(members) = include.as_object_mut() {
                members.insert(part.to_owned(), value);
            }
            ask(other, [("include", json!([include]))])
        };
        let what = |part| format!("include {relation} {part}");
        add(other, Tool::Query, what("select"), false, include("select", json!([field])));
        add(
            other,
            Tool::Query,
            what("where"),
            true,
            include("where", json!({ "field": field, "op": "eq", "value": value })),
        );
        if other.find_relation(relation).is_some_and(|(_, relation)| !relation.to_one) {
            add(other, Tool::Query, what("order_by"), true, include("order_by", order.clone()));
        }
    }
    // Writes: the field beside, and instead of, what may be written.
    let data = json!({ field: value });
    add(table, Tool::Create, "data".to_owned(), false, ask_write(table, false, [("data", data.clone())]));
    let rows = json!([data]);
    add(table, Tool::BulkCreate, "rows".to_owned(), false, ask_write(table, false, [("rows", rows)]));
    let update = ask_write(table, false, [("id", own_id.clone()), ("data", data.clone())]);
    add(table, Tool::Update, "data".to_owned(), false, update);
    let many = ask_write(table, false, [("ids", json!([own_id])), ("data", data)]);
    add(table, Tool::BulkUpdate, "data".to_owned(), false, many);
    if let Some(change) = own.and_then(|row| super::writes::change(table, row)) {
        for (what, filter) in filters.iter().take(2) {
            let members = [("where", filter.clone()), ("data", change.clone().into())];
            add(table, Tool::BulkUpdate, format!("where {what}"), true, ask_write(table, false, members));
        }
    }
    if let Some(row) = super::writes::create(table, own, 70) {
        let members = [("data", row.into()), ("return_fields", json!([field]))];
        add(table, Tool::Create, "return_fields".to_owned(), false, ask_write(table, false, members));
    }
    list
}

fn filters(field: &str, value: &Value) -> Vec<(&'static str, Value)> {
    let leaf = |op: &str, value: Value| json!({ "field": field, "op": op, "value": value });
    let text = value.as_str().unwrap_or("x");
    let first: String = text.chars().take(1).collect();
    vec![
        ("eq", leaf("eq", value.clone())),
        ("startswith", leaf("startswith", json!(first))),
        ("ne", leaf("ne", value.clone())),
        ("lt", leaf("lt", value.clone())),
        ("gte", leaf("gte", value.clone())),
        ("in", leaf("in", json!([value]))),
        ("not_in", leaf("not_in", json!([value]))),
        ("is_null", leaf("is_null", json!(true))),
        ("contains", leaf("contains", json!(first))),
        ("endswith", leaf("endswith", json!(first))),
        ("between", leaf("between", json!([value, value]))),
        ("not eq", json!({ "not": leaf("eq", value.clone()) })),
        ("or eq", json!({ "or": [leaf("eq", value.clone()), leaf("is_null", json!(false))] })),
        ("and or eq", json!({ "and": [{ "or": [leaf("eq", value.clone())] }] })),
    ]
}
