//! Who may ask: the token, its audience, the name and the origin; and until when.

use std::time::Duration;

use serde_json::{Value, json};
use tenantry_identity::{Audience, Subject};
use tenantry_store::{Filter, Subject as Affected};

use crate::support::database::Database;
use crate::world::{Sent, World};

fn list() -> Sent {
    Sent::new("tools/list", json!({}))
}

const CHALLENGE: &str = "Bearer resource_metadata=\"https://tenantry.example/.well-known/oauth-protected-resource/mcp\", \
    scope=\"tools:read tools:write\"";

#[tokio::test(flavor = "multi_thread")]
async fn nobody_asks_without_a_token_for_this_place() {
    let world = World::sqlite().await;
    let none = world.send(None, &list()).await;
    assert_eq!((none.status, none.header("www-authenticate")), (401, Some(CHALLENGE)));
    let reader = world.reader();
    let subject = World::subject("a", "rea", "reader");
    let invalid = format!("{CHALLENGE}, error=\"invalid_token\"");
    let forged = [&reader[..reader.len() - 4], "AAAA"].concat();
    let management = world.issuer.issue_management("operator", &["read:users"], Duration::from_secs(60)).unwrap();
    for (what, token) in [
        ("dashboard", world.token_for(&subject, Audience::Dashboard)),
        ("portal", world.token_for(&Subject { account: None, platform: true, ..subject.clone() }, Audience::Portal)),
        ("management", management),
        ("forged", forged),
        ("no token", "x".to_owned()),
    ] {
        let answer = world.send(Some(&token), &list()).await;
        assert_eq!((answer.status, answer.header("www-authenticate")), (401, Some(invalid.as_str())), "{what}");
        assert!(!answer.text().contains("tickets"), "{what}");
    }
    // Two tokens are none, and one in the address is none.
    let two = list().with("authorization", &format!("Bearer {reader}"));
    assert_eq!(world.send(Some(&world.writer()), &two).await.status, 401);
    for path in [format!("/mcp?access_token={reader}"), format!("/mcp?token={reader}")] {
        assert_eq!(world.request("POST", &path, None, &list()).await.status, 401);
    }
    world.clock.advance(Duration::from_secs(7_200));
    assert_eq!(world.send(Some(&reader), &list()).await.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_this_resource_is_stands_where_clients_look() {
    let world = World::sqlite().await;
    let path = "/.well-known/oauth-protected-resource/mcp";
    let told = world.request("GET", path, None, &Sent::plain("")).await;
    assert_eq!(told.status, 200);
    let told = told.json();
    assert_eq!(told["resource"], "https://tenantry.example/mcp");
    assert_eq!(told["authorization_servers"], json!(["https://tenantry.example/"]));
    assert_eq!(told["scopes_supported"], json!(["tools:read", "tools:write"]));
    assert_eq!(told["bearer_methods_supported"], json!(["header"]));
    let root = world.request("GET", "/.well-known/oauth-protected-resource", None, &Sent::plain("")).await;
    assert_eq!(root.json(), told);
}

#[tokio::test(flavor = "multi_thread")]
async fn other_names_and_other_peoples_pages_are_refused() {
    let world = World::sqlite().await;
    let reader = world.reader();
    for (name, value) in [
        ("host", "evil.example"),
        ("host", "127.0.0.1"),
        ("host", "localhost:8443"),
        ("origin", "https://evil.example"),
        ("origin", "http://tenantry.example"),
        ("origin", "null"),
    ] {
        let answer = world.send(Some(&reader), &list().with(name, value)).await;
        assert_eq!(answer.status, 403, "{name}: {value}");
        assert!(!answer.text().contains("tickets"), "{name}: {value}");
        let before = world.request("OPTIONS", "/mcp", None, &Sent::plain("").with(name, value)).await;
        assert_eq!((before.status, before.header("access-control-allow-origin")), (403, None), "{name}: {value}");
    }
    let own = list().with("origin", "https://tenantry.example").with("host", "tenantry.example:443");
    let answer = world.send(Some(&reader), &own).await;
    assert_eq!(
        (answer.status, answer.header("access-control-allow-origin"), answer.header("vary")),
        (200, Some("https://tenantry.example"), Some("Origin"))
    );
    for method in ["GET", "DELETE", "PUT"] {
        let answer = world.request(method, "/mcp", Some(&reader), &Sent::plain("")).await;
        assert_eq!((answer.status, answer.header("allow")), (405, Some("POST")), "{method}");
    }
}

/// A connection that is kept open is no way around a revocation: neither are remembered tokens.
#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_ends_it_between_two_messages() {
    let world = World::sqlite().await;
    let (reader, other) = (world.reader(), world.writer());
    let ask = Sent::call("query", json!({ "model": "tickets" }));
    assert_eq!(world.send(Some(&reader), &ask).await.status, 200);
    let mut batch = world.store.batch();
    batch.affects(Affected::User("rea".to_owned()));
    world.store.commit(batch).await.unwrap();
    let answer = world.send(Some(&reader), &ask).await;
    assert_eq!(answer.status, 401, "{answer:?}");
    assert!(answer.header("www-authenticate").unwrap().contains("invalid_token"));
    assert_eq!(world.send(Some(&reader), &list()).await.status, 401);
    assert_eq!(world.send(Some(&other), &ask).await.status, 200);
}

/// Rows that were asked for before a revocation, and are there after it, are not shown.
#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_ends_it_in_the_middle_of_a_call() {
    let Some(database) = Database::postgres().await else { return };
    let world = std::sync::Arc::new(World::over(database).await);
    let reader = world.reader();
    let ask = Sent::call("query", json!({ "model": "tickets" }));
    assert_eq!(world.send(Some(&reader), &ask).await.status, 200);
    let client = world.database.client().await;
    client.batch_execute("BEGIN; LOCK TABLE tickets IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let asking = {
        let (world, reader, ask) = (std::sync::Arc::clone(&world), reader.clone(), ask.clone());
        tokio::spawn(async move { world.send(Some(&reader), &ask).await })
    };
    // The call waits for the lock: then its rows are still to come.
    let waits = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'tickets'::regclass";
    while client.query_one(waits, &[]).await.unwrap().get::<_, i64>(0) == 0 {}
    let mut batch = world.store.batch();
    batch.affects(Affected::User("rea".to_owned()));
    world.store.commit(batch).await.unwrap();
    client.batch_execute("COMMIT").await.unwrap();
    let answer = asking.await.unwrap();
    assert_eq!(answer.status, 401, "{answer:?}");
    assert!(!answer.text().contains("Printer"), "{answer:?}");
}

/// The same calls over MCP and over HTTP leave the same record.
#[tokio::test(flavor = "multi_thread")]
async fn calls_are_on_record_as_every_other() {
    let world = World::sqlite().await;
    let reader = world.reader();
    let calls = [
        ("query", json!({ "model": "tickets", "where": { "field": "id", "op": "eq", "value": 11 } })),
        ("get", json!({ "model": "bills", "id": 31 })),
        ("delete", json!({ "model": "tickets", "id": 11, "reason": "r" })),
        ("no_such_tool", json!({})),
        ("describe_schema", json!({})),
    ];
    for (tool, arguments) in &calls {
        world.send(Some(&reader), &Sent::call(tool, arguments.clone())).await;
        let direct = Sent::plain(arguments.to_string());
        world.request("POST", &format!("/app/v1/tools/{tool}"), Some(&reader), &direct).await;
    }
    let filter = Filter { account: "a".to_owned(), ..Filter::default() };
    let mut entries = world.store.list(&filter).await.unwrap();
    entries.sort_by_key(|one| one.seq);
    let seen: Vec<Value> = entries
        .into_iter()
        .map(|one| {
            let entry = one.entry;
            json!([entry.phase.name(), entry.tool, entry.model, entry.error, entry.inputs])
        })
        .collect();
    for call in &calls {
        let entries: Vec<&Value> = seen.iter().filter(|one| one[1] == call.0).collect();
        assert!(!entries.is_empty() && entries.len().is_multiple_of(2), "{call:?}: {entries:?}");
        let (mcp, http) = entries.split_at(entries.len() / 2);
        assert_eq!(mcp, http, "{call:?}");
    }
}
