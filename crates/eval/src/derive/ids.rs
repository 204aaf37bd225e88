//! Foreign ids: in every tool that takes one they answer as an absent one; among own ones too.

use serde_json::{Value, json};
use tenantry_policy::{Table, Tool};

use super::values::{absent_id, id};
use super::{Plan, ask, ask_write, writes};

/// Foreign rows that are tried, per table.
const ROWS: usize = 2;

pub(super) fn add(plan: &mut Plan<'_>, table: &Table) {
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
