//! A call's arguments as the audit keeps them: values of fields that are not shown in clear never
//! enter it.

use tenantry_policy::table::{Field, Table};
use tenantry_policy::{Bound, Policy};

use crate::json::Json;

/// What stands for a hidden value.
const HIDDEN: &str = "[redacted]";

/// The arguments with every value of a masked, hashed, denied or unknown field replaced.
pub(crate) fn arguments(bound: &Bound, arguments: &Json) -> Json {
    let Json::Object(members) = arguments else { return Json::Null };
    let policy = bound.policy.as_ref();
    let table = members.iter().find(|(name, _)| name == "model").and_then(|(_, value)| match value {
        Json::Text(name) => policy.find(name),
        _ => None,
    });
    Json::Object(members.iter().map(|(name, value)| (clip(name), member(policy, table, name, value))).collect())
}

fn member(policy: &Policy, table: Option<&Table>, name: &str, value: &Json) -> Json {
    match name {
        "where" => filter(table, value),
        "data" => row(table, value),
        "rows" | "ids" => match value {
            Json::List(items) => Json::List(items.iter().map(|item| row_or_key(table, name, item)).collect()),
            _ => hidden(),
        },
        "id" => row_or_key(table, "ids", value),
        "include" => includes(policy, table, value),
        "cursor" => Json::Text("[cursor]".to_owned()),
        "model" | "select" | "order_by" | "take" | "operation" | "field" | "group_by" | "distinct" | "reason"
        | "dry_run" | "return_fields" | "relation" => bounded(value),
        _ => hidden(),
    }
}

fn row_or_key(table: Option<&Table>, name: &str, value: &Json) -> Json {
    match (name, value) {
        ("ids", Json::Object(_)) | ("rows", _) => row(table, value),
        ("ids", Json::Text(_) | Json::Number(_)) => {
            let key = table.and_then(|table| match table.key.as_slice() {
                [key] => table.column(*key).map(|column| column.facts.name.as_str()),
                _ => None,
            });
            match key {
                Some(key) if clear(table, key) => bounded(value),
                _ => hidden(),
            }
        }
        _ => hidden(),
    }
}

fn row(table: Option<&Table>, value: &Json) -> Json {
    let Json::Object(members) = value else { return hidden() };
    Json::Object(
        members
            .iter()
            .map(|(name, value)| (clip(name), if clear(table, name) { bounded(value) } else { hidden() }))
            .collect(),
    )
}

fn filter(table: Option<&Table>, value: &Json) -> Json {
    match value {
        Json::List(items) => Json::List(items.iter().map(|item| filter(table, item)).collect()),
        Json::Object(members) => {
            let field = members.iter().find(|(name, _)| name == "field").and_then(|(_, value)| match value {
                Json::Text(name) => Some(name.as_str()),
                _ => None,
            });
            Json::Object(
                members
                    .iter()
                    .map(|(name, value)| {
                        let kept = match name.as_str() {
                            "and" | "or" | "not" => filter(table, value),
                            "field" | "op" => bounded(value),
                            "value" if field.is_some_and(|field| clear(table, field)) => bounded(value),
                            _ => hidden(),
                        };
                        (clip(name), kept)
                    })
                    .collect(),
            )
        }
        _ => hidden(),
    }
}

fn includes(policy: &Policy, table: Option<&Table>, value: &Json) -> Json {
    let Json::List(items) = value else { return hidden() };
    Json::List(
        items
            .iter()
            .map(|item| {
                let Json::Object(members) = item else { return hidden() };
                let related = members.iter().find(|(name, _)| name == "relation").and_then(|(_, value)| match value {
                    Json::Text(name) => table?.find_relation(name).and_then(|(_, relation)| policy.table(relation.to)),
                    _ => None,
                });
                Json::Object(
                    members.iter().map(|(name, value)| (clip(name), member(policy, related, name, value))).collect(),
                )
            })
            .collect(),
    )
}

/// Is the field one that this table shows in clear?
fn clear(table: Option<&Table>, name: &str) -> bool {
    table
        .and_then(|table| table.find_column(name).and_then(|id| table.column(id)))
        .is_some_and(|column| column.field == Field::Allow)
}

fn hidden() -> Json {
    Json::Text(HIDDEN.to_owned())
}

/// Long texts are cut: the request's digest still identifies the whole.
fn bounded(value: &Json) -> Json {
    const LONGEST: usize = 200;
    match value {
        Json::Text(text) if text.chars().nth(LONGEST).is_some() => {
            Json::Text(text.chars().take(LONGEST).chain(['…']).collect())
        }
        Json::List(items) => Json::List(items.iter().map(bounded).collect()),
        Json::Object(members) => {
            Json::Object(members.iter().map(|(name, value)| (clip(name), bounded(value))).collect())
        }
        other => other.clone(),
    }
}

fn clip(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(64).collect()
}
