//! Writes to the attacker's own rows: that they work, so that the attacks of the same form mean
//! something. Unique keys: somebody else's value answers as any value that a table does not take.

use serde_json::{Value, json};
use tenantry_policy::{Code, ColumnId, Table, Tool};

use super::values::{absent, column, id};
use super::{Plan, ask, ask_write};
use crate::attack::{Invariant, Step};
use crate::sample::Row;

/// The data of a create that should work, like an own row but with fresh keys; `None` without one.
pub(super) fn create(table: &Table, own: Option<&Row>, n: u32) -> Option<Row> {
    let own = own?;
    let mut data = Row::new();
    for id in table.writes.create.as_ref()? {
        let (name, column) = column(table, *id)?;
        let server = table.writes.auto_set.iter().any(|(set, _)| set == id);
        if server || !column.field.visible() {
            continue;
        }
        let key = table.key.contains(id) || table.unique.iter().any(|key| key.contains(id));
        let reference =
            table.relations.iter().any(|relation| relation.to_one && relation.pairs.iter().any(|(own, _)| own == id));
        let value = match column.facts.ty.filter(|_| key && !reference) {
            Some(ty) => absent(ty, 100 + n)?,
            None => own.get(name)?.clone(),
        };
        data.insert(name.to_owned(), value);
    }
    Some(data)
}

/// The data of an update that changes nothing: an own row's value of a column that may be written.
pub(super) fn change(table: &Table, own: &Row) -> Option<Row> {
    let plain =
        |id: &&ColumnId| !table.relations.iter().any(|relation| relation.pairs.iter().any(|(own, _)| own == *id));
    let id = table.writes.update.iter().find(plain).or_else(|| table.writes.update.first())?;
    let (name, _) = column(table, *id)?;
    Some(Row::from_iter([(name.to_owned(), own.get(name)?.clone())]))
}

pub(super) fn add(plan: &mut Plan<'_>, table: &Table) {
    let own = plan.owns(table).first();
    let read = [(Tool::Query, ask(table, [])), (Tool::Aggregate, ask(table, [("operation", json!("count"))]))];
    for (tool, arguments) in read {
        if plan.usable(table, tool) && table.budget.require_filter.is_empty() {
            plan.control("all", table, tool, arguments);
        }
    }
    let Some(own) = own else { return };
    let Some(own_id) = id(table, own) else { return };
    if plan.usable(table, Tool::Get) {
        plan.control("an own row", table, Tool::Get, ask(table, [("id", own_id.clone())]));
    }
    if let Some(data) = change(table, own) {
        let update = ask_write(table, true, [("id", own_id.clone()), ("data", data.clone().into())]);
        let many = ask_write(table, true, [("ids", json!([own_id])), ("data", data.into())]);
        for (tool, arguments) in [(Tool::Update, update), (Tool::BulkUpdate, many)] {
            if plan.usable(table, tool) {
                plan.control("an own row", table, tool, arguments);
            }
        }
    }
    if let Some(data) = create(table, Some(own), 1) {
        let one = ask_write(table, true, [("data", data.clone().into())]);
        let many = ask_write(table, true, [("rows", json!([data]))]);
        for (tool, arguments) in [(Tool::Create, one), (Tool::BulkCreate, many)] {
            if plan.usable(table, tool) {
                plan.control("a row", table, tool, arguments);
            }
        }
    }
    // A write that fails leaves nothing behind that the next call would stumble over.
    if plan.usable(table, Tool::Get)
        && let Some(data) = change(table, own)
        && plan.usable(table, Tool::Update)
    {
        let wrong: Row = data.keys().map(|name| (name.clone(), json!({ "not": "a value" }))).collect();
        let failing =
            Step::new(Tool::Update.name(), ask_write(table, false, [("id", own_id.clone()), ("data", wrong.into())]));
        let next = Step::new(Tool::Get.name(), ask(table, [("id", own_id.clone())]));
        let name = super::name(table, Tool::Get, "control: an own row after a write that failed");
        plan.push(name, vec![failing, next], vec![Invariant::Done, Invariant::NoForeignRow]);
    }
}

/// Fields that are shown but not written, with the value they have.
pub(super) fn closed(plan: &mut Plan<'_>, table: &Table) {
    let Some(own) = plan.owns(table).first() else { return };
    let Some(own_id) = &id(table, own) else { return };
    for (at, shown) in table.columns.iter().enumerate().filter(|(_, column)| column.field.visible()) {
        let Ok(id) = u16::try_from(at).map(ColumnId) else { continue };
        let field = shown.facts.name.as_str();
        let Some(value) = own.get(field) else { continue };
        let what = format!("a {field} that is not written");
        if !table.writes.update.contains(&id) {
            let data = json!({ field: value });
            let update = ask_write(table, false, [("id", own_id.clone()), ("data", data.clone())]);
            plan.refused(&what, table, Tool::Update, update, &[Code::WriteDisabled]);
            let many = ask_write(table, false, [("ids", json!([own_id])), ("data", data)]);
            plan.refused(&what, table, Tool::BulkUpdate, many, &[Code::WriteDisabled]);
        }
        let server = super::tenants::scope_columns(table).contains(&id)
            || table.writes.auto_set.iter().any(|(set, _)| *set == id);
        if table.writes.create.as_ref().is_some_and(|create| !create.contains(&id)) && !server {
            let Some(mut data) = create(table, Some(own), 80) else { continue };
            data.insert(field.to_owned(), value.clone());
            let one = ask_write(table, false, [("data", data.clone().into())]);
            plan.refused(&what, table, Tool::Create, one, &[Code::WriteDisabled]);
            let many = ask_write(table, false, [("rows", json!([data]))]);
            plan.refused(&what, table, Tool::BulkCreate, many, &[Code::WriteDisabled]);
        }
    }
}

/// Values of the victim's unique keys.
pub(super) fn unique(plan: &mut Plan<'_>, table: &Table) {
    let Some(own) = plan.owns(table).first() else { return };
    let Some(own_id) = &id(table, own) else { return };
    let keys: Vec<&Vec<ColumnId>> =
        std::iter::once(&table.key).chain(&table.unique).filter(|key| !key.is_empty()).collect();
    for (at, theirs) in plan.victims(table).iter().take(2).enumerate() {
        for key in &keys {
            let names: Vec<&str> = key.iter().filter_map(|id| column(table, *id)).map(|(name, _)| name).collect();
            let what = format!("unique {} ({at})", names.join(", "));
            let creatable = table.writes.create.as_deref().unwrap_or_default();
            let n = u32::try_from(at).unwrap_or(0);
            if let Some(mut data) =
                create(table, Some(own), 40 + n).filter(|_| key.iter().all(|id| creatable.contains(id)))
            {
                for name in &names {
                    data.insert((*name).to_owned(), theirs.get(*name).cloned().unwrap_or(Value::Null));
                }
                for dry_run in [true, false] {
                    let one = ask_write(table, dry_run, [("data", data.clone().into())]);
                    plan.refused(&what, table, Tool::Create, one, &[Code::ValidationError]);
                    let many = ask_write(table, dry_run, [("rows", json!([data]))]);
                    plan.refused(&what, table, Tool::BulkCreate, many, &[Code::ValidationError]);
                }
            } else if let Some(mut data) = create(table, Some(own), 50 + n) {
                // The server sets a part of the key: the value is free in the attacker's own account.
                let part: Vec<&str> = names.iter().copied().filter(|name| data.contains_key(*name)).collect();
                for name in part {
                    data.insert(name.to_owned(), theirs.get(name).cloned().unwrap_or(Value::Null));
                }
                plan.look(&what, table, Tool::Create, ask_write(table, true, [("data", data.into())]));
            }
            if key.iter().all(|id| table.writes.update.contains(id)) {
                let data: Row = names
                    .iter()
                    .map(|name| ((*name).to_owned(), theirs.get(*name).cloned().unwrap_or(Value::Null)))
                    .collect();
                let update = ask_write(table, false, [("id", own_id.clone()), ("data", data.into())]);
                plan.refused(&what, table, Tool::Update, update, &[Code::ValidationError]);
            }
        }
    }
}
