//! Models and tools that are not granted, or not there: both answer alike.

use serde_json::json;
use tenantry_policy::{Code, Tool};

use super::{Plan, name};
use crate::attack::{Invariant, Step};

/// The name of no model, unlike any.
const UNKNOWN: &str = "qzxvj";

/// What a database knows by a name, and what somebody might hope to reach by one.
const NAMES: [&str; 26] = [
    "",
    "*",
    "main.orders",
    "public.orders",
    "orders; DROP TABLE orders",
    "orders\" --",
    "orders/*",
    "ORDERS",
    "sqlite_master",
    "sqlite_schema",
    "sqlite_sequence",
    "sqlite_stat1",
    "dbstat",
    "pragma_table_info",
    "pragma_database_list",
    "json_each",
    "pg_catalog.pg_stats",
    "pg_stats",
    "pg_class",
    "pg_authid",
    "pg_stat_activity",
    "pg_largeobject",
    "pg_sequences",
    "information_schema.tables",
    "tenantry_audit",
    "generate_series",
];

pub(super) fn add(plan: &mut Plan<'_>) {
    let hidden: Vec<&str> = plan
        .policy
        .tables
        .iter()
        .filter(|table| plan.bound.tools(table.id).is_empty())
        .map(|table| table.name.as_ref())
        .collect();
    let known = |name: &str| plan.policy.find(name).is_some();
    let names: Vec<&str> = NAMES.into_iter().filter(|name| !known(name)).chain(hidden.iter().copied()).collect();
    let tools: Vec<&str> = Tool::ALL.iter().map(|tool| tool.name()).collect();
    for model in names {
        for tool in &tools {
            let arguments = |model: &str| match *tool {
                "query" => json!({ "model": model }),
                "get" | "delete" => json!({ "model": model, "id": 1 }),
                "aggregate" => json!({ "model": model, "operation": "count" }),
                "create" => json!({ "model": model, "data": { "id": 1 } }),
                "bulk_create" => json!({ "model": model, "rows": [{ "id": 1 }] }),
                "update" => json!({ "model": model, "id": 1, "data": { "id": 1 } }),
                _ => json!({ "model": model, "ids": [1], "data": { "id": 1 } }),
            };
            let mut invariants = vec![Invariant::Refused(vec![Code::ModelNotAllowed]), Invariant::NoForeignRow];
            if hidden.contains(&model) {
                invariants.push(Invariant::SameAsAbsent {
                    twin: vec![Step::new(tool, arguments(UNKNOWN))],
                    hiding: vec![(model.to_owned(), UNKNOWN.to_owned())],
                });
            }
            plan.push(format!("{tool} of the model `{model}`"), vec![Step::new(tool, arguments(model))], invariants);
        }
        let mut invariants = vec![Invariant::Refused(vec![Code::ModelNotAllowed])];
        if hidden.contains(&model) {
            invariants.push(Invariant::SameAsAbsent {
                twin: vec![Step::new("describe_schema", json!({ "model": UNKNOWN }))],
                hiding: vec![(model.to_owned(), UNKNOWN.to_owned())],
            });
        }
        let steps = vec![Step::new("describe_schema", json!({ "model": model }))];
        plan.push(format!("describe_schema of `{model}`"), steps, invariants);
    }
    for tool in ["sql", "exec", "QUERY", "query ", "../audit", "", "describe", "approve", "delete_all", "\u{202e}yreuq"]
    {
        let steps = vec![Step::new(tool, json!({ "model": "orders" }))];
        plan.push(format!("the tool `{tool}`"), steps, vec![Invariant::Refused(vec![Code::ToolNotAllowed])]);
    }
    for table in &plan.policy.tables {
        for tool in Tool::ALL {
            if plan.granted(table, tool) {
                continue;
            }
            let what = name(table, tool, "without a grant");
            let body = match tool {
                Tool::Query => json!({ "model": table.name.as_ref() }),
                Tool::Get | Tool::Delete => json!({ "model": table.name.as_ref(), "id": 1, }),
                Tool::Aggregate => json!({ "model": table.name.as_ref(), "operation": "count" }),
                Tool::Create => json!({ "model": table.name.as_ref(), "data": {} }),
                Tool::BulkCreate => json!({ "model": table.name.as_ref(), "rows": [{}] }),
                Tool::Update => json!({ "model": table.name.as_ref(), "id": 1, "data": {} }),
                Tool::BulkUpdate => json!({ "model": table.name.as_ref(), "ids": [1], "data": {} }),
            };
            let codes = vec![Code::ModelNotAllowed, Code::ToolNotAllowed];
            let invariants = vec![Invariant::Refused(codes), Invariant::NoForeignRow];
            plan.push(what, vec![Step::new(tool.name(), body)], invariants);
        }
    }
}
