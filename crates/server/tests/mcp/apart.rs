//! Two accounts through MCP: what is somebody else's and what is absent answer alike, byte for byte.

use serde_json::{Value, json};

use crate::support::database::Database;
use crate::world::{Answer, Sent, World};

/// An answer without what differs between any two calls.
fn bare(answer: &Answer) -> (u16, Vec<(String, String)>, String) {
    let mut text = answer.text();
    let json: Value = answer.json();
    for place in ["/result/_meta/tenantry~1request_id", "/result/structuredContent/error/details/approval_id"] {
        if let Some(id) = json.pointer(place).and_then(Value::as_str) {
            text = text.replace(id, "…");
        }
    }
    let headers = answer.headers.iter().filter(|(name, _)| name != "content-length").cloned().collect();
    (answer.status, headers, text)
}

async fn alike(world: &World) {
    // Of the caller's account are the tickets 11 and 12 and the person 1; of the other one the ticket 22 and the
    // person 2; there is no 99.
    let writer = world.writer();
    let pairs = |id: i64| {
        [
            ("get", json!({ "model": "tickets", "id": id })),
            ("get", json!({ "model": "tickets", "id": id, "include": [{ "relation": "author" }] })),
            ("query", json!({ "model": "tickets", "where": { "field": "id", "op": "in", "value": [11, id] } })),
            ("query", json!({ "model": "people", "where": { "field": "id", "op": "eq", "value": id } })),
            (
                "aggregate",
                json!({ "model": "tickets", "operation": "count", "where": { "field": "id", "op": "eq", "value": id } }),
            ),
            ("update", json!({ "model": "tickets", "id": id, "reason": "r", "data": { "subject": "x" } })),
            ("bulk_update", json!({ "model": "tickets", "ids": [11, id], "reason": "r", "data": { "subject": "x" } })),
            ("delete", json!({ "model": "tickets", "id": id, "reason": "r" })),
            ("create", json!({ "model": "tickets", "reason": "r", "data": { "id": 77, "person_id": id } })),
        ]
    };
    for (foreign, absent) in
        [pairs(22).into_iter().zip(pairs(99)), pairs(2).into_iter().zip(pairs(98))].into_iter().flatten()
    {
        let theirs = world.send(Some(&writer), &Sent::call(foreign.0, foreign.1.clone())).await;
        let nobodys = world.send(Some(&writer), &Sent::call(absent.0, absent.1.clone())).await;
        let same = |answer: &Answer| {
            let (status, headers, text) = bare(answer);
            // The id that was asked for may be told again.
            let text = ["22", "99", "98"].iter().fold(text, |text, id| text.replace(&format!(":{id}"), ":?"));
            (status, headers, text)
        };
        assert_eq!(same(&theirs), same(&nobodys), "{foreign:?}");
        assert!(!theirs.text().contains("of b"), "{theirs:?}");
    }
    // Whatever is asked, only the caller's own comes.
    for ask in [
        json!({ "model": "tickets" }),
        json!({ "model": "tickets", "where": { "or": [{ "field": "id", "op": "gt", "value": 0 }, { "not": { "field": "id", "op": "eq", "value": 0 } }] } }),
        json!({ "model": "people", "select": ["id", "name", "card"] }),
    ] {
        let answer = world.send(Some(&writer), &Sent::call("query", ask)).await;
        let text = answer.text();
        assert!(answer.status == 200 && !text.contains("of b") && !text.contains("canary"), "{text}");
        assert!(!answer.told()["data"].as_array().unwrap().is_empty(), "{text}");
    }
    // A cursor of the other account's is nobody's.
    let theirs = world.token("b", "wri", "writer");
    let first = world.send(Some(&theirs), &Sent::call("query", json!({ "model": "tickets", "take": 1 }))).await;
    assert_eq!(first.told()["data"][0]["subject"], "Secret of b");
    let mine = world.send(Some(&writer), &Sent::call("query", json!({ "model": "tickets", "take": 1 }))).await;
    let cursor = mine.told()["next_cursor"].as_str().unwrap().to_owned();
    let stolen = Sent::call("query", json!({ "model": "tickets", "take": 1, "cursor": cursor }));
    let answer = world.send(Some(&theirs), &stolen).await;
    assert_eq!(answer.told()["success"], false, "{answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn absent_and_foreign_answer_alike_sqlite() {
    alike(&World::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn absent_and_foreign_answer_alike_postgres() {
    let Some(database) = Database::postgres().await else { return };
    alike(&World::over(database).await).await;
}

/// Nothing but the token says whose rows they are.
#[tokio::test(flavor = "multi_thread")]
async fn the_tenant_comes_from_the_token_alone() {
    let world = World::sqlite().await;
    let ask = Sent::call("query", json!({ "model": "people" }));
    let plain = bare(&world.send(Some(&world.writer()), &ask).await);
    for (name, value) in [
        ("x-tenant-id", "b"),
        ("x-account", "b"),
        ("mcp-session-id", "b"),
        ("x-forwarded-host", "b.example"),
        ("cookie", "tenant=b"),
        ("mcp-param-tenant", "b"),
    ] {
        assert_eq!(bare(&world.send(Some(&world.writer()), &ask.clone().with(name, value)).await), plain, "{name}");
    }
    let mut body: Value = serde_json::from_slice(&ask.body).unwrap();
    body["params"]["_meta"]["tenant_id"] = json!("b");
    let meta = Sent { body: body.to_string().into_bytes(), ..ask.clone() };
    assert_eq!(bare(&world.send(Some(&world.writer()), &meta).await), plain);
    let argument = Sent::call("query", json!({ "model": "people", "tenant_id": "b" }));
    assert_eq!(world.send(Some(&world.writer()), &argument).await.told()["error"]["code"], "VALIDATION_ERROR");
}
