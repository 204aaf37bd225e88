//! `tools/list`: by role, with exact schemas that name nothing else.

use std::sync::Arc;

use serde_json::{Value, json};
use tenantry_guard::limits::Limiter;
use tenantry_policy::limits::{AccountLimits, LimitLaw, Limits, Rate};

use crate::world::{Answer, Sent, World};

async fn list(world: &World, token: &str) -> Answer {
    world.send(Some(token), &Sent::new("tools/list", json!({}))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_differs_by_role() {
    let world = World::sqlite().await;
    let names = async |role: &str| world.names(&world.token("a", "u", role)).await;
    assert_eq!(names("reader").await, ["describe_schema", "query", "get", "aggregate"]);
    assert_eq!(
        names("writer").await,
        ["describe_schema", "query", "get", "aggregate", "create", "bulk_create", "update", "bulk_update", "delete"]
    );
    assert_eq!(names("manager").await, ["describe_schema", "query"]);
    assert_eq!(names("guest").await, ["describe_schema"]);
    assert_eq!(names("nobody").await, ["describe_schema"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_count_as_calls_do() {
    let world = World::sqlite().await;
    let own = Limits { requests: Rate::parse("3/hour"), ..Limits::default() };
    let limited = AccountLimits { own, ..AccountLimits::default() };
    let law = LimitLaw { accounts: [("a".into(), limited)].into(), ..LimitLaw::default() };
    world.guard.limit(Arc::new(Limiter::new(law, Arc::clone(&world.store), world.clock.clone())));
    let (reader, other) = (world.reader(), world.token("b", "rea", "reader"));
    let query = Sent::call("query", json!({ "model": "tickets", "take": 1 }));
    assert_eq!(world.send(Some(&reader), &query).await.status, 200);
    for _ in 0..2 {
        assert_eq!(list(&world, &reader).await.status, 200);
    }
    for refused in [list(&world, &reader).await, world.send(Some(&reader), &query).await] {
        assert_eq!(
            (refused.status, refused.json()["error"]["code"].as_str()),
            (429, Some("RATE_LIMITED")),
            "{refused:?}"
        );
        let header =
            |name: &str| refused.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        assert_eq!(
            (header("x-ratelimit-remaining"), header("retry-after").is_some()),
            (Some("0"), true),
            "{refused:?}"
        );
    }
    // What costs nothing is not counted, and another account has its own.
    assert_eq!(list(&world, &other).await.status, 200);
    assert_eq!(world.send(Some(&reader), &Sent::new("server/discover", json!({}))).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn schemas_name_what_the_caller_may_use_and_nothing_else() {
    let world = World::sqlite().await;
    for role in ["reader", "writer", "manager", "guest"] {
        let text = list(&world, &world.token("a", "u", role)).await.text();
        for hidden in ["password", "internal", "canary", "tenant_id"] {
            assert!(!text.contains(hidden), "{role}: {hidden} in {text}");
        }
        assert_eq!(text.contains("bills"), role != "reader" && role != "guest", "{role}: {text}");
        assert_eq!(text.contains("tickets"), role == "reader" || role == "writer", "{role}: {text}");
    }
    let listed = list(&world, &world.reader()).await.json();
    let query = &listed["result"]["tools"][1];
    assert_eq!(query["name"], "query");
    let schema = &query["inputSchema"];
    assert_eq!((schema["type"].as_str(), schema["additionalProperties"].as_bool()), (Some("object"), Some(false)));
    assert_eq!(schema["properties"]["model"]["enum"], json!(["people", "tickets"]));
    // What providers of models refuse at the top of a schema does not stand there.
    assert!(["oneOf", "anyOf", "allOf", "not", "enum"].iter().all(|word| schema.get(*word).is_none()), "{schema}");
    let text = schema.to_string();
    // Masked: shown, and not to be searched by.
    assert!(text.contains("card (shown masked)") && text.contains("subject: The first line"), "{text}");
    let filter = &schema["$defs"]["filter_people"];
    assert!(filter.to_string().contains("\"name\"") && !filter.to_string().contains("card"), "{filter}");
    assert!(text.contains("#/$defs/include_tickets") && text.contains("#/$defs/filter_tickets"), "{text}");
    assert_eq!(query["annotations"]["readOnlyHint"], true);
}

/// What the door takes fits the schema, and what it refuses for its names does not. By a validator that knows
/// the few words that the schemas use.
#[tokio::test(flavor = "multi_thread")]
async fn the_schema_and_the_door_agree() {
    let world = World::sqlite().await;
    let writer = world.writer();
    let listed = list(&world, &writer).await.json();
    let schema = |tool: &str| {
        let tools = listed["result"]["tools"].as_array().unwrap();
        tools.iter().find(|one| one["name"] == tool).unwrap()["inputSchema"].clone()
    };
    let cases = [
        ("query", json!({ "model": "tickets" }), true),
        ("query", json!({ "model": "people", "select": ["name", "card"], "take": 2 }), true),
        ("query", json!({ "model": "people", "select": ["password"] }), false),
        ("query", json!({ "model": "tickets", "select": ["internal"] }), false),
        ("query", json!({ "model": "people", "where": { "field": "card", "op": "eq", "value": "x" } }), false),
        ("query", json!({ "model": "people", "where": { "field": "name", "op": "contains", "value": "x" } }), true),
        ("query", json!({ "model": "people", "where": { "field": "id", "op": "contains", "value": "x" } }), false),
        (
            "query",
            json!({ "model": "tickets", "where": [{ "or": [{ "field": "id", "op": "in", "value": [1, 2] }, { "not": { "field": "subject", "op": "is_null" } }] }] }),
            true,
        ),
        ("query", json!({ "model": "tickets", "order_by": [{ "field": "id", "direction": "desc" }] }), true),
        ("query", json!({ "model": "tickets", "order_by": [{ "field": "internal" }] }), false),
        (
            "query",
            json!({ "model": "tickets", "include": [{ "relation": "author", "select": ["name"], "include": [{ "relation": "tickets", "take": 1 }] }] }),
            true,
        ),
        ("query", json!({ "model": "tickets", "include": [{ "relation": "author", "take": 1 }] }), false),
        ("query", json!({ "model": "tickets", "include": [{ "relation": "bills" }] }), false),
        ("query", json!({ "model": "tickets", "limit": 1 }), false),
        ("query", json!({ "model": "nothing" }), false),
        ("get", json!({ "model": "tickets", "id": 11 }), true),
        ("get", json!({ "model": "tickets", "id": "11" }), false),
        (
            "aggregate",
            json!({ "model": "tickets", "operation": "sum", "field": "price", "group_by": ["person_id"] }),
            true,
        ),
        ("aggregate", json!({ "model": "tickets", "operation": "median" }), false),
        (
            "create",
            json!({ "model": "tickets", "reason": "r", "dry_run": true, "data": { "id": 99, "person_id": 1, "subject": null, "price": "1.20" } }),
            true,
        ),
        (
            "create",
            json!({ "model": "tickets", "reason": "r", "dry_run": true, "data": { "id": 99, "tenant_id": "b" } }),
            false,
        ),
        ("create", json!({ "model": "tickets", "dry_run": true, "data": { "id": 99 } }), false),
        (
            "update",
            json!({ "model": "tickets", "reason": "r", "dry_run": true, "id": 11, "data": { "subject": "x" } }),
            true,
        ),
        (
            "update",
            json!({ "model": "tickets", "reason": "r", "dry_run": true, "id": 11, "data": { "person_id": 1 } }),
            false,
        ),
        ("delete", json!({ "model": "tickets", "reason": "r", "dry_run": true, "id": 11 }), true),
        ("delete", json!({ "model": "people", "reason": "r", "dry_run": true, "id": 1 }), false),
    ];
    for (tool, arguments, fits) in cases {
        let schema = schema(tool);
        assert_eq!(valid(&schema, &schema, &arguments), fits, "the schema of {tool}: {arguments}\n{schema}");
        let told = world.send(Some(&writer), &Sent::call(tool, arguments.clone())).await.told();
        assert_eq!(told["success"].as_bool(), Some(fits), "the door: {tool} {arguments}: {told}");
    }
}

/// Does a value fit a schema?
fn valid(root: &Value, schema: &Value, value: &Value) -> bool {
    let Some(schema) = schema.as_object() else { return true };
    schema.iter().all(|(word, said)| match word.as_str() {
        "$ref" => {
            let name = said.as_str().unwrap().strip_prefix("#/$defs/").unwrap();
            valid(root, &root["$defs"][name], value)
        }
        "type" => {
            let is = |name: &str| match name {
                "object" => value.is_object(),
                "array" => value.is_array(),
                "string" => value.is_string(),
                "integer" => value.is_i64(),
                "number" => value.is_number(),
                "boolean" => value.is_boolean(),
                "null" => value.is_null(),
                other => panic!("{other}"),
            };
            match said {
                Value::String(name) => is(name),
                several => several.as_array().unwrap().iter().any(|name| is(name.as_str().unwrap())),
            }
        }
        "enum" => said.as_array().unwrap().contains(value),
        "const" => said == value,
        "properties" => value.as_object().is_none_or(|members| {
            members.iter().all(|(name, member)| said.get(name).is_none_or(|form| valid(root, form, member)))
        }),
        "required" => value.as_object().is_none_or(|members| {
            said.as_array().unwrap().iter().all(|name| members.contains_key(name.as_str().unwrap()))
        }),
        "additionalProperties" => {
            assert_eq!(said, false);
            value.as_object().is_none_or(|members| members.keys().all(|name| schema["properties"].get(name).is_some()))
        }
        "items" => value.as_array().is_none_or(|items| items.iter().all(|item| valid(root, said, item))),
        "minItems" => value.as_array().is_none_or(|items| items.len() as u64 >= said.as_u64().unwrap()),
        "maxItems" => value.as_array().is_none_or(|items| items.len() as u64 <= said.as_u64().unwrap()),
        "minProperties" => value.as_object().is_none_or(|members| members.len() as u64 >= said.as_u64().unwrap()),
        "minimum" => value.as_i64().is_none_or(|number| number >= said.as_i64().unwrap()),
        "maximum" => value.as_i64().is_none_or(|number| number <= said.as_i64().unwrap()),
        "anyOf" => said.as_array().unwrap().iter().any(|form| valid(root, form, value)),
        "if" => {
            let branch = if valid(root, said, value) { "then" } else { "else" };
            schema.get(branch).is_none_or(|form| valid(root, form, value))
        }
        "then" | "else" | "$defs" | "description" | "default" | "format" => true,
        other => panic!("a word that this validator does not know: {other}"),
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_for_the_caller_alone() {
    let world = World::sqlite().await;
    let answer = list(&world, &world.reader()).await;
    let result = &answer.json()["result"];
    assert_eq!(result["cacheScope"], "private");
    assert!(result["ttlMs"].is_u64() && result["resultType"] == "complete", "{result}");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    // The older revision knows none of these.
    let body = json!({ "jsonrpc": "2.0", "id": "x", "method": "tools/list" }).to_string();
    let older = world.send(Some(&world.reader()), &Sent::plain(body)).await.json();
    assert_eq!((older["id"].as_str(), older["result"].get("resultType")), (Some("x"), None));
    assert_eq!(older["result"]["tools"], result["tools"]);
}
