//! Foreign ids: in every tool that takes one they answer as an absent one; among own ones too.

use serde_json::{Value, json};
use tenantry_policy::{Code, Table, Tool};

use super::values::{absent_id, id};
use super::{Plan, ask, ask_write, writes};
use crate::sample::Row;

/// Foreign rows that are tried, per table.
const ROWS: usize = 2;

pub(super) fn add(plan: &mut Plan<'_>, table: &Table) {
    partial(plan, table);
    let own = plan.owns(table).first();
    for (at, row) in plan.victims(table).iter().take(ROWS).enumerate() {
        let n = u32::try_from(at).unwrap_or(0);
        let (Some(foreign), Some(absent)) = (id(table, row), absent_id(table, row, n)) else { continue };
        let what = format!("foreign id ({at})");
        let get = |id: &Value| ask(table, [("id", id.clone())]);
        plan.alike(&what, table, Tool::Get, get(&foreign), get(&absent));
        for relation in &table.relations {
            let get = |id: &Value| {
                let include = json!([{ "relation": relation.name.as_ref() }]);
                ask(table, [("id", id.clone()), ("include", include)])
            };
            plan.alike(&format!("{what} with {}", relation.name), table, Tool::Get, get(&foreign), get(&absent));
        }
        for dry_run in [true, false] {
            let delete = |id: &Value| ask_write(table, dry_run, [("id", id.clone())]);
            plan.alike(&what, table, Tool::Delete, delete(&foreign), delete(&absent));
        }
        // Data of an own row, or what the victim's row holds already.
        let Some(data) = own.and_then(|own| writes::change(table, own)).or_else(|| writes::change(table, row)) else {
            continue;
        };
        for dry_run in [true, false] {
            let update = |id: &Value| ask_write(table, dry_run, [("id", id.clone()), ("data", data.clone().into())]);
            plan.alike(&what, table, Tool::Update, update(&foreign), update(&absent));
            let many = |ids: Value| ask_write(table, dry_run, [("ids", ids), ("data", data.clone().into())]);
            plan.alike(&what, table, Tool::BulkUpdate, many(json!([foreign])), many(json!([absent])));
            if let Some(own) = own.and_then(|own| id(table, own)) {
                let mixed = format!("{what} after an own one");
                let (a, b) = (many(json!([own, foreign])), many(json!([own, absent])));
                plan.alike(&mixed, table, Tool::BulkUpdate, a, b);
                let mixed = format!("{what} before an own one");
                let (a, b) = (many(json!([foreign, own])), many(json!([absent, own])));
                plan.alike(&mixed, table, Tool::BulkUpdate, a, b);
            }
        }
    }
}

/// Ids that name no row, or would name several: nothing at all, and a composite key with a part left out. A reader that takes
/// what is left as the whole key would change a tenant's rows at once.
fn partial(plan: &mut Plan<'_>, table: &Table) {
    let Some(theirs) = plan.victims(table).first().and_then(|row| id(table, row)) else { return };
    let mut odd = vec![
        ("no id", None),
        ("a null id", Some(Value::Null)),
        ("an id that is a list", Some(json!([theirs]))),
        ("an empty object as id", Some(json!({}))),
        ("an id that is a filter", Some(json!({ "gte": 0 }))),
    ];
    if let Some(parts) = theirs.as_object() {
        for part in parts.keys() {
            let mut less = parts.clone();
            less.remove(part);
            odd.push(("an id without one of its parts", Some(less.into())));
            let mut more = parts.clone();
            more.insert(part.clone(), json!([parts.get(part)]));
            odd.push(("an id with a list as a part", Some(more.into())));
        }
        odd.push(("one part as the whole id", parts.values().next().cloned()));
        odd.push(("another part as the whole id", parts.values().next_back().cloned()));
    }
    let data = writes::change(table, plan.owns(table).first().unwrap_or(&Row::new())).unwrap_or_default();
    for (what, odd) in odd {
        for tool in [Tool::Get, Tool::Update, Tool::Delete] {
            let mut arguments = match tool {
                Tool::Get => ask(table, []),
                Tool::Update => ask_write(table, false, [("data", data.clone().into())]),
                _ => ask_write(table, false, []),
            };
            if let (Some(members), Some(odd)) = (arguments.as_object_mut(), &odd) {
                members.insert("id".to_owned(), odd.clone());
            }
            plan.refused(what, table, tool, arguments, &[Code::ValidationError, Code::WriteDisabled]);
        }
    }
}
