//! Bodies that are too deep, too large, or not what they seem.

use serde_json::{Value, json};
use tenantry_policy::{Code, Op, Table, Tool};

use super::values::findable;
use super::{Plan, ask, raw};
use crate::attack::{Invariant, Step};

/// Levels of the deep ones.
const DEEP: usize = 1_000;

pub(super) fn add(plan: &mut Plan<'_>) {
    let Some(table) = plan.policy.tables.iter().find(|table| plan.usable(table, Tool::Query)) else { return };
    let model = table.name.as_ref();
    let Some((field, _)) = findable(table).next() else { return };
    let leaf = format!("{{\"field\":\"{field}\",\"op\":\"is_null\",\"value\":false}}");
    let query = |rest: &str| format!("{{\"model\":\"{model}\"{rest}}}").into_bytes();
    let bodies: Vec<(&str, Vec<u8>)> = vec![
        ("a thousand nots", query(&format!(",\"where\":{}{leaf}{}", "{\"not\":".repeat(DEEP), "}".repeat(DEEP)))),
        ("a thousand ands", query(&format!(",\"where\":{}{leaf}{}", "{\"and\":[".repeat(DEEP), "]}".repeat(DEEP)))),
        ("a thousand lists", query(&format!(",\"where\":{}{}", "[".repeat(DEEP), "]".repeat(DEEP)))),
        ("a million brackets", "[".repeat(900_000).into_bytes()),
        ("a million objects", "{\"a\":".repeat(180_000).into_bytes()),
        ("ten megabytes of text", query(&format!(",\"cursor\":\"{}\"", "x".repeat(10 << 20)))),
        ("ten megabytes of spaces", [query(""), vec![b' '; 10 << 20]].concat()),
        ("a thousand filters", query(&format!(",\"where\":[{}]", vec![leaf.as_str(); 1_000].join(",")))),
        ("a NUL in a text", query(",\"cursor\":\"a\\u0000b\"")),
        ("a NUL in a key", query(",\"a\\u0000\":1")),
        ("a raw NUL", query(",\"cursor\":\"a\0b\"")),
        ("broken UTF-8", [query(",\"cursor\":\"").as_slice(), &[0xc3, 0x28, 0xff, b'"', b'}']].concat()),
        ("an overlong slash", [b"{\"model\":\"".as_slice(), &[0xc0, 0xaf], b"\"}"].concat()),
        ("half a surrogate", query(",\"cursor\":\"\\ud800\"")),
        ("a key twice", format!("{{\"model\":\"{model}\",\"model\":\"{model}\"}}").into_bytes()),
        (
            "a nested key twice",
            query(&format!(",\"where\":{{\"field\":\"{field}\",\"field\":\"{field}\",\"op\":\"is_null\"}}")),
        ),
        ("a key twice by escapes", format!("{{\"model\":\"{model}\",\"mod\\u0065l\":\"{model}\"}}").into_bytes()),
        ("a huge number", query(",\"take\":99999999999999999999999999999999")),
        ("a number of a thousand digits", query(&format!(",\"take\":{}", "9".repeat(1_000)))),
        ("an infinite number", query(",\"take\":1e999")),
        ("a negative take", query(",\"take\":-1")),
        ("half a take", query(",\"take\":1.5")),
        ("a text as take", query(",\"take\":\"10\"")),
        ("no take", query(",\"take\":0")),
        ("NaN", query(",\"take\":NaN")),
        ("a comment", query("/* */")),
        ("a byte order mark", [&[0xef, 0xbb, 0xbf], query("").as_slice()].concat()),
        ("two documents", [query(""), query("")].concat()),
        ("nothing", Vec::new()),
        ("a list", b"[]".to_vec()),
        ("a number", b"7".to_vec()),
        ("null", b"null".to_vec()),
        ("half a document", format!("{{\"model\":\"{model}\"").into_bytes()),
    ];
    // Also: what a tool takes as no row named at all.
    let codes = vec![Code::ValidationError, Code::QueryBudgetExceeded, Code::QueryTooBroad];
    for (what, body) in bodies {
        for tool in Tool::ALL {
            // The large ones once: it is the same reader for all.
            if body.len() > 1 << 20 && tool != Tool::Query {
                continue;
            }
            let mut invariants = vec![Invariant::Refused(codes.clone()), Invariant::NoForeignRow];
            if tool.op() != Op::Read {
                invariants.push(Invariant::NothingChanged);
            }
            plan.push(format!("{model}.{tool} with {what}"), vec![raw(tool.name(), body.clone())], invariants);
        }
    }
    for (what, arguments) in broad(table, field) {
        plan.push(
            format!("{model}.query with {what}"),
            vec![Step::new(Tool::Query.name(), arguments)],
            vec![Invariant::Refused(codes.clone()), Invariant::NoForeignRow],
        );
    }
}

/// Questions that are well formed but ask for too much.
fn broad(table: &Table, field: &str) -> Vec<(&'static str, Value)> {
    let leaf = |op: &str, value: Value| json!({ "field": field, "op": op, "value": value });
    let long: Vec<u32> = (0..100_000).collect();
    vec![
        ("a hundred thousand values", ask(table, [("where", leaf("in", json!(long)))])),
        ("a hundred thousand fields", ask(table, [("select", json!(vec![field; 50_000]))])),
        ("a thousand orders", ask(table, [("order_by", json!(vec![json!({ "field": field }); 1_000]))])),
        ("more rows than allowed", ask(table, [("take", json!(table.budget.max_rows + 1))])),
        ("all the rows there can be", ask(table, [("take", json!(u32::MAX))])),
        ("an empty and", ask(table, [("where", json!({ "and": [] }))])),
        ("a filter without a value", ask(table, [("where", json!({ "field": field, "op": "eq" }))])),
        ("an unknown operator", ask(table, [("where", leaf("regex", json!(".*")))])),
        ("an operator that is SQL", ask(table, [("where", leaf("= 1 OR 1 =", json!(1)))])),
        ("two filters in one", ask(table, [("where", json!({ "and": [], "or": [] }))])),
        ("a direction that is SQL", ask(table, [("order_by", json!([{ "field": field, "direction": "asc; --" }]))])),
        ("a list where one value belongs", ask(table, [("where", leaf("eq", json!([1, 2])))])),
        ("an object where one value belongs", ask(table, [("where", leaf("eq", json!({ "gt": "" })))])),
        ("null as a value", ask(table, [("where", leaf("eq", Value::Null))])),
    ]
}
