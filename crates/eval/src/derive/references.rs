//! Relations: what hangs on a row is read under its own table's rules, and what a row is made to point
//! at must be visible.

use serde_json::{Value, json};
use tenantry_policy::table::Relation;
use tenantry_policy::{Code, Table, Tool};

use super::values::{absent, column, id};
use super::{Plan, ask, ask_write, writes};
use crate::sample::Row;

/// Foreign rows that are pointed at, per relation.
const ROWS: usize = 2;

/// The relations that lead to a table, by name, with the tables they come from; of those that the
/// attacker can include.
pub(super) fn into<'a>(plan: &Plan<'a>, table: &Table) -> Vec<(&'a str, &'a Table)> {
    let from = plan.policy.tables.iter().filter(|from| !plan.bound.tools(from.id).is_empty());
    from.flat_map(|from| from.relations.iter().map(move |relation| (relation, from)))
        .filter(|(relation, _)| relation.to == table.id)
        .filter(|_| plan.usable(table, Tool::Query) || plan.usable(table, Tool::Get))
        .map(|(relation, from)| (relation.name.as_ref(), from))
        .collect()
}

pub(super) fn add(plan: &mut Plan<'_>, table: &Table) {
    for relation in &table.relations {
        let Some(other) = plan.policy.table(relation.to) else { continue };
        includes(plan, table, relation, other);
        if relation.to_one {
            pointers(plan, table, relation, other);
        }
    }
    for name in ["", "id", "tenant_id", "*", "x\" JOIN customers --", "qzxvj"] {
        if table.find_relation(name).is_some() {
            continue;
        }
        let include = json!([{ "relation": name }]);
        let query = ask(table, [("include", include.clone())]);
        plan.refused(&format!("include of `{name}`"), table, Tool::Query, query, &[Code::RelationNotAllowed]);
        if let Some(own) = plan.owns(table).first().and_then(|row| id(table, row)) {
            let get = ask(table, [("id", own), ("include", include)]);
            plan.refused(&format!("include of `{name}`"), table, Tool::Get, get, &[Code::RelationNotAllowed]);
        }
    }
}

fn includes(plan: &mut Plan<'_>, table: &Table, relation: &Relation, other: &Table) {
    let name = relation.name.as_ref();
    let mut include = json!({ "relation": name });
    if let Some(members) = include.as_object_mut().filter(|_| !relation.to_one) {
        members.insert("take".to_owned(), json!(other.budget.max_rows.min(50)));
    }
    plan.look(
        &format!("include {name}"),
        table,
        Tool::Query,
        ask(table, [("include", json!([include])), ("take", json!(50))]),
    );
    // Back and forth again: no way round comes out elsewhere.
    for next in &other.relations {
        let nested = json!([{ "relation": name, "include": [{ "relation": next.name.as_ref() }] }]);
        plan.look(
            &format!("include {name} include {}", next.name),
            table,
            Tool::Query,
            ask(table, [("include", nested), ("take", json!(10))]),
        );
    }
}

/// A written row that points at a foreign row, beside one that points nowhere.
fn pointers(plan: &mut Plan<'_>, table: &Table, relation: &Relation, other: &Table) {
    let Some(own) = plan.owns(table).first() else { return };
    let Some(own_id) = id(table, own) else { return };
    for (at, theirs) in plan.victims(other).iter().take(ROWS).enumerate() {
        let n = u32::try_from(at).unwrap_or(0);
        let (mut foreign, mut nowhere) = (Row::new(), Row::new());
        for (ours, its) in &relation.pairs {
            let (Some((ours, facts)), Some((its, _))) = (column(table, *ours), column(other, *its)) else { continue };
            let (Some(value), Some(ty)) = (theirs.get(its), facts.facts.ty) else { continue };
            let Some(absent) = absent(ty, 700 + n) else { continue };
            foreign.insert(ours.to_owned(), value.clone());
            nowhere.insert(ours.to_owned(), absent);
        }
        if foreign.is_empty() {
            continue;
        }
        let what = format!("{} that is foreign ({at})", relation.name);
        for dry_run in [true, false] {
            if let Some(data) = writes::create(table, Some(own), 60 + n) {
                let with = |row: &Row| -> Value { merged(&data, row).into() };
                let one = |row: &Row| ask_write(table, dry_run, [("data", with(row))]);
                plan.alike(&what, table, Tool::Create, one(&foreign), one(&nowhere));
                let codes = [Code::ValidationError, Code::WriteDisabled, Code::FieldNotAllowed];
                plan.refused(&what, table, Tool::Create, one(&foreign), &codes);
                let many = |row: &Row| ask_write(table, dry_run, [("rows", json!([with(row)]))]);
                plan.alike(&what, table, Tool::BulkCreate, many(&foreign), many(&nowhere));
            }
            let update = |row: &Row| ask_write(table, dry_run, [("id", own_id.clone()), ("data", row.clone().into())]);
            plan.alike(&what, table, Tool::Update, update(&foreign), update(&nowhere));
            let codes = [Code::ValidationError, Code::WriteDisabled, Code::FieldNotAllowed];
            plan.refused(&what, table, Tool::Update, update(&foreign), &codes);
            let many = |row: &Row| ask_write(table, dry_run, [("ids", json!([own_id])), ("data", row.clone().into())]);
            plan.alike(&what, table, Tool::BulkUpdate, many(&foreign), many(&nowhere));
        }
    }
}

fn merged(data: &Row, more: &Row) -> Row {
    let mut all = data.clone();
    all.extend(more.clone());
    all
}
