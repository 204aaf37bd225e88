//! Forged tenants: in data, in filters, and in arguments that do not exist. The tenant is the token's.

use serde_json::{Value, json};
use tenantry_policy::condition::{Cmp, ColumnRef, Cond, Term};
use tenantry_policy::{Code, ColumnId, Op, RuleKind, Table, Tool};

use super::values::{absent, column, findable, id};
use super::{Plan, ask, ask_write, writes};
use crate::attack::{Invariant, Step};
use crate::sample::Row;

/// Arguments that a hopeful caller invents.
const INVENTED: [&str; 16] = [
    "tenant",
    "tenant_id",
    "tenantId",
    "account",
    "account_id",
    "principal",
    "as",
    "on_behalf_of",
    "user_id",
    "roles",
    "scope",
    "bypass",
    "unscoped",
    "sql",
    "raw",
    "filter",
];

/// The own columns that say whose a row is.
pub(super) fn scope_columns(table: &Table) -> Vec<ColumnId> {
    fn walk(cond: &Cond, found: &mut Vec<ColumnId>) {
        match cond {
            Cond::And(parts) => parts.iter().for_each(|part| walk(part, found)),
            Cond::Compare { left: Term::Column(ColumnRef::Own(id)), cmp: Cmp::Eq, .. }
            | Cond::Compare { right: Term::Column(ColumnRef::Own(id)), cmp: Cmp::Eq, .. } => found.push(*id),
            _ => {}
        }
    }
    let mut found = Vec::new();
    for rule in table.rules.iter().filter(|rule| rule.kind == RuleKind::Scope) {
        walk(&rule.when, &mut found);
    }
    found
}

pub(super) fn add(plan: &mut Plan<'_>, table: &Table) {
    let own = plan.owns(table).first();
    for id in scope_columns(table) {
        let Some((field, facts)) = column(table, id) else { continue };
        let theirs = plan.victims(table).iter().filter_map(|row| row.get(field));
        let mut theirs = theirs.filter(|value| !plan.own.has(&table.name, field, value));
        let Some(theirs) = theirs.next() else { continue };
        let mut forged = vec![theirs.clone(), json!(""), Value::Null];
        // One that looks like the own one.
        if let Some(text) = own.and_then(|own| own.get(field)).and_then(Value::as_str) {
            forged.extend([json!(text.to_uppercase() + " "), json!([text, theirs]), json!({ "eq": theirs })]);
        }
        for value in &forged {
            forge(plan, table, own, field, value);
        }
        let nobodys = facts.facts.ty.and_then(|ty| absent(ty, 3));
        let findable = findable(table).any(|(name, _)| name == field);
        let (Some(nobodys), true) = (nobodys, findable) else { continue };
        let all = |value: &Value| {
            let or = json!({ "or": [{ "field": field, "op": "eq", "value": value },
                { "not": { "field": field, "op": "is_null", "value": true } }] });
            ask(table, [("where", or)])
        };
        plan.alike(&format!("where {field} or anything"), table, Tool::Query, all(theirs), all(&nobodys));
        let group = |value: &Value| {
            let filter = json!({ "field": field, "op": "in", "value": [value] });
            ask(table, [("operation", json!("count")), ("where", filter), ("group_by", json!([field]))])
        };
        plan.alike(&format!("groups of a foreign {field}"), table, Tool::Aggregate, group(theirs), group(&nobodys));
    }
    invented(plan, table, own);
}

/// One forged value in every write.
fn forge(plan: &mut Plan<'_>, table: &Table, own: Option<&Row>, field: &str, value: &Value) {
    let codes = [Code::ValidationError, Code::WriteDisabled, Code::FieldNotAllowed];
    let what = format!("with {field} = {value}");
    if let Some(mut data) = writes::create(table, own, 20) {
        data.insert(field.to_owned(), value.clone());
        for dry_run in [true, false] {
            let one = ask_write(table, dry_run, [("data", data.clone().into())]);
            plan.refused(&what, table, Tool::Create, one, &codes);
            let many = ask_write(table, dry_run, [("rows", json!([data]))]);
            plan.refused(&what, table, Tool::BulkCreate, many, &codes);
        }
    }
    let Some(own) = own else { return };
    let Some(own_id) = id(table, own) else { return };
    let mut changes = vec![Row::from_iter([(field.to_owned(), value.clone())])];
    if let Some(mut change) = writes::change(table, own) {
        change.insert(field.to_owned(), value.clone());
        changes.push(change);
    }
    for data in changes {
        let update = ask_write(table, false, [("id", own_id.clone()), ("data", data.clone().into())]);
        plan.refused(&what, table, Tool::Update, update, &codes);
        let many = ask_write(table, false, [("ids", json!([own_id])), ("data", data.into())]);
        plan.refused(&what, table, Tool::BulkUpdate, many, &codes);
    }
}

/// Arguments that no tool has.
fn invented(plan: &mut Plan<'_>, table: &Table, own: Option<&Row>) {
    let theirs = plan.victims(table).iter().flat_map(|row| row.values()).find(|value| value.is_string());
    let theirs = theirs.cloned().unwrap_or_else(|| json!("somebody"));
    let own_id = own.and_then(|own| id(table, own)).unwrap_or_else(|| json!(1));
    let change = own.and_then(|own| writes::change(table, own)).unwrap_or_default();
    let data = writes::create(table, own, 30).unwrap_or_default();
    let calls = [
        (Tool::Query, ask(table, [])),
        (Tool::Get, ask(table, [("id", own_id.clone())])),
        (Tool::Aggregate, ask(table, [("operation", json!("count"))])),
        (Tool::Create, ask_write(table, false, [("data", data.clone().into())])),
        (Tool::BulkCreate, ask_write(table, false, [("rows", json!([data]))])),
        (Tool::Update, ask_write(table, false, [("id", own_id.clone()), ("data", change.clone().into())])),
        (Tool::BulkUpdate, ask_write(table, false, [("ids", json!([own_id])), ("data", change.into())])),
        (Tool::Delete, ask_write(table, false, [("id", own_id)])),
    ];
    for (tool, arguments) in calls {
        if !plan.granted(table, tool) {
            continue;
        }
        for name in INVENTED {
            let mut arguments = arguments.clone();
            if let Some(members) = arguments.as_object_mut() {
                members.insert(name.to_owned(), theirs.clone());
            }
            // Arguments are read before anything is decided.
            let mut invariants = vec![Invariant::Refused(vec![Code::ValidationError]), Invariant::NoForeignRow];
            if tool.op() != Op::Read {
                invariants.push(Invariant::NothingChanged);
            }
            let what = super::name(table, tool, &format!("with an argument `{name}`"));
            plan.push(what, vec![Step::new(tool.name(), arguments)], invariants);
        }
    }
}
