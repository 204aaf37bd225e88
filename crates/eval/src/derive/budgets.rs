//! Budgets and what a write must say: each limit of a table, passed by one.

use serde_json::{Value, json};
use tenantry_policy::{Code, Op, Table, Tool};

use super::values::{findable, id};
use super::{Plan, ask, ask_write, writes};

/// A list of so many values.
fn many(count: u32, value: &Value) -> Vec<Value> {
    vec![value.clone(); usize::try_from(count).unwrap_or(0)]
}

/// Limits above this are not tried by one more: the call itself would be refused for its size.
const LARGEST: u32 = 20_000;

pub(super) fn add(plan: &mut Plan<'_>, table: &Table) {
    let over = [Code::QueryBudgetExceeded, Code::ValidationError];
    let budget = &table.budget;
    let next = |limit: u32| (limit < LARGEST).then(|| limit.saturating_add(1));
    if let Some(count) = next(budget.max_rows) {
        plan.refused("a row too many", table, Tool::Query, ask(table, [("take", json!(count))]), &over);
    }
    if let Some((field, _)) = findable(table).next() {
        let leaf = json!({ "field": field, "op": "is_null", "value": false });
        if let Some(count) = next(budget.max_filters) {
            let filters = many(count, &leaf);
            plan.refused("a filter too many", table, Tool::Query, ask(table, [("where", json!(filters))]), &over);
            let nested = json!({ "not": { "or": filters } });
            let count = ask(table, [("operation", json!("count")), ("where", nested)]);
            plan.refused("a nested filter too many", table, Tool::Aggregate, count, &over);
        }
        unfiltered(plan, table, field);
    }
    if let (Some(count), Some(own)) = (next(budget.max_in), plan.owns(table).first())
        && let Some((field, value)) = findable(table).find_map(|(field, _)| Some((field, own.get(field)?)))
        && !value.is_null()
    {
        let long = json!({ "field": field, "op": "in", "value": many(count, value) });
        plan.refused("a value too many", table, Tool::Query, ask(table, [("where", long.clone())]), &over);
        let not_in = json!({ "not": { "field": field, "op": "not_in", "value": many(count, value) } });
        plan.refused("a value too many, inside out", table, Tool::Query, ask(table, [("where", not_in)]), &over);
    }
    includes(plan, table);
    writes(plan, table);
}

/// Where a filter is required, one that lets everything through is none.
fn unfiltered(plan: &mut Plan<'_>, table: &Table, field: &str) {
    if table.budget.require_filter.is_empty() {
        return;
    }
    let anything = json!({ "or": [
        { "field": field, "op": "is_null", "value": true },
        { "not": { "field": field, "op": "is_null", "value": true } },
    ] });
    for (what, filter) in [("no filter", json!([])), ("a filter that lets everything through", anything)] {
        let query = ask(table, [("where", filter.clone())]);
        plan.refused(what, table, Tool::Query, query, &[Code::QueryTooBroad]);
        let count = ask(table, [("operation", json!("count")), ("where", filter)]);
        plan.refused(what, table, Tool::Aggregate, count, &[Code::QueryTooBroad]);
    }
}

/// Deeper, and more, than a call may include.
fn includes(plan: &mut Plan<'_>, table: &Table) {
    let there = |relation: &&tenantry_policy::table::Relation| {
        plan.policy.table(relation.to).is_some_and(|to| plan.usable(to, Tool::Query) || plan.usable(to, Tool::Get))
    };
    let Some(relation) = table.relations.iter().find(there) else { return };
    let Some(other) = plan.policy.table(relation.to) else { return };
    let back = other.relations.iter().find(|back| back.to == table.id);
    let codes = [Code::QueryBudgetExceeded, Code::ValidationError];
    if let (Some(back), true) = (back, table.budget.max_depth < 30) {
        let mut nested = Value::Null;
        for level in (0..=table.budget.max_depth).rev() {
            let name = if level % 2 == 0 { relation.name.as_ref() } else { back.name.as_ref() };
            let mut include = json!({ "relation": name });
            if let (Some(members), false) = (include.as_object_mut(), nested.is_null()) {
                members.insert("include".to_owned(), json!([nested]));
            }
            nested = include;
        }
        let query = ask(table, [("include", json!([nested])), ("take", json!(1))]);
        plan.refused("an include too deep", table, Tool::Query, query, &codes);
    }
    if !relation.to_one && other.budget.max_rows < LARGEST {
        let wide = json!([{ "relation": relation.name.as_ref(), "take": other.budget.max_rows.saturating_add(1) }]);
        let query = ask(table, [("include", wide), ("take", json!(1))]);
        plan.refused("an included row too many", table, Tool::Query, query, &codes);
    }
    let twice = json!([{ "relation": relation.name.as_ref() }, { "relation": relation.name.as_ref() }]);
    plan.refused("one include twice", table, Tool::Query, ask(table, [("include", twice)]), &codes);
}

/// More rows than a write may touch, writes without a reason, and those that wait for somebody.
fn writes(plan: &mut Plan<'_>, table: &Table) {
    let limit = table.writes.max_rows;
    let own = plan.owns(table).first();
    let codes = [Code::MaxAffectedRowsExceeded, Code::QueryBudgetExceeded, Code::ValidationError];
    if let Some(row) = writes::create(table, own, 90).filter(|_| limit < LARGEST) {
        let rows = many(limit.saturating_add(1), &row.clone().into());
        let call = ask_write(table, false, [("rows", json!(rows))]);
        plan.refused("a row too many", table, Tool::BulkCreate, call, &codes);
        reasons(plan, table, Tool::Create, &[("data", row.into())]);
    }
    let Some(own_id) = own.and_then(|own| id(table, own)) else { return };
    if let Some(data) = own.and_then(|own| writes::change(table, own)) {
        let count = usize::try_from(limit).unwrap_or(usize::MAX);
        let ids: Vec<Value> =
            plan.owns(table).iter().filter_map(|row| id(table, row)).take(count.saturating_add(1)).collect();
        if ids.len() > count {
            let call = ask_write(table, true, [("ids", json!(ids)), ("data", data.clone().into())]);
            plan.refused("a row too many", table, Tool::BulkUpdate, call, &codes);
        }
        for (what, filter) in
            [("an empty filter", json!([])), ("an empty or", json!({ "or": [] })), ("null as filter", Value::Null)]
        {
            let call = ask_write(table, false, [("where", filter), ("data", data.clone().into())]);
            let codes = [Code::ValidationError, Code::QueryTooBroad, Code::MaxAffectedRowsExceeded];
            plan.refused(what, table, Tool::BulkUpdate, call, &codes);
        }
        reasons(plan, table, Tool::Update, &[("id", own_id.clone()), ("data", data.into())]);
    }
    reasons(plan, table, Tool::Delete, &[("id", own_id)]);
}

/// Where a reason is required, blanks are none.
fn reasons(plan: &mut Plan<'_>, table: &Table, tool: Tool, members: &[(&str, Value)]) {
    if !table.writes.require_reason || tool.op() == Op::Read {
        return;
    }
    for (what, reason) in
        [("without a reason", None), ("with an empty reason", Some("")), ("with blanks as a reason", Some(" \t"))]
    {
        let mut call = ask(table, []);
        if let Some(arguments) = call.as_object_mut() {
            arguments.extend(members.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
            arguments.extend(reason.map(|reason| ("reason".to_owned(), json!(reason))));
        }
        plan.refused(what, table, tool, call, &[Code::ReasonRequired, Code::WriteDisabled, Code::ValidationError]);
    }
}
