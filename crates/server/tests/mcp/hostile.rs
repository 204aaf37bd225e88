//! What is sent to break something.

use serde_json::{Value, json};

use crate::support::database::Database;
use crate::world::{INJECTED, Sent, World};

#[tokio::test(flavor = "multi_thread")]
async fn hostile_documents_are_refused_and_the_next_is_answered() {
    let world = World::sqlite().await;
    let reader = world.reader();
    let around = |arguments: &str| {
        format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"query","arguments":{arguments}}}}}"#
        )
    };
    let deep = |count: usize| format!("{}{}", "[".repeat(count), "]".repeat(count));
    let twice =
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"query","name":"delete","arguments":{}}}"#;
    let methods = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","method":"tools/call","params":{}}"#;
    let batch = format!("[{},{}]", around(r#"{"model":"tickets"}"#), around(r#"{"model":"tickets"}"#));
    for (what, body, status, code) in [
        ("nothing", String::new(), 400, -32700),
        ("no JSON", "{".to_owned(), 400, -32700),
        ("a name twice", twice.to_owned(), 400, -32700),
        ("a method twice", methods.to_owned(), 400, -32700),
        ("an argument twice", around(r#"{"model":"tickets","model":"people"}"#), 400, -32700),
        ("an escaped argument twice", around(r#"{"model":"tickets","mod\u0065l":"people"}"#), 400, -32700),
        ("depth", around(&format!(r#"{{"model":"tickets","where":{}}}"#, deep(40))), 400, -32700),
        ("much depth", around(&deep(200_000)), 400, -32700),
        ("a long number", around(&format!(r#"{{"model":"tickets","take":{}}}"#, "9".repeat(100))), 400, -32700),
        ("NUL", around(r#"{"model":"tick\u0000ets"}"#), 400, -32700),
        ("a batch", batch, 400, -32600),
        ("an answer", r#"{"jsonrpc":"2.0","id":1,"result":{}}"#.to_owned(), 400, -32600),
        ("arguments that are none", around("[1]"), 200, -32602),
        ("no tool", r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{}}"#.to_owned(), 200, -32602),
        (
            "a cursor",
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"cursor":"x"}}"#.to_owned(),
            200,
            -32602,
        ),
    ] {
        let answer = world.send(Some(&reader), &Sent::plain(body)).await;
        assert_eq!((answer.status, answer.code()), (status, Some(code)), "{what}: {answer:?}");
    }
    let bytes = world.send(Some(&reader), &Sent::plain(b"{\"jsonrpc\":\"2.0\",\"id\":\"\xff\"}".to_vec())).await;
    assert_eq!(bytes.code(), Some(-32700));
    // Too large: said so before it is read, and not read when it is not said.
    let large = Sent::plain(around(&format!(r#"{{"model":"{}"}}"#, "x".repeat(1 << 20))));
    assert_eq!(world.send(Some(&reader), &large).await.status, 413);
    assert_eq!(world.send(Some(&reader), &Sent::plain("{}").with("content-type", "text/plain")).await.status, 415);
    let only_events = Sent::new("tools/list", json!({})).with("accept", "text/event-stream");
    assert_eq!(world.send(Some(&reader), &only_events).await.status, 406);
    assert_eq!(world.names(&reader).await.len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn text_in_rows_stays_data() {
    let world = World::sqlite().await;
    let ask = Sent::call("get", json!({ "model": "tickets", "id": 12 }));
    let answer = world.send(Some(&world.writer()), &ask).await;
    let result = &answer.json()["result"];
    // The structure is ours, whatever a row says.
    let members: Vec<&String> = result.as_object().unwrap().keys().collect();
    assert_eq!(members, ["content", "structuredContent", "isError", "resultType", "_meta"]);
    assert_eq!(
        (result["isError"].as_bool(), result["_meta"]["tenantry/untrusted"].as_bool()),
        (Some(false), Some(true))
    );
    assert_eq!(result["structuredContent"]["data"]["subject"], INJECTED);
    let content = result["content"].as_array().unwrap();
    assert_eq!(content.len(), 2);
    // Before the data stands what it is; the data itself is one text.
    assert!(content[0]["text"].as_str().unwrap().contains("untrusted"), "{content:?}");
    assert_eq!(content[1]["_meta"]["tenantry/untrusted"], true);
    let told: Value = serde_json::from_str(content[1]["text"].as_str().unwrap()).unwrap();
    assert_eq!(told, result["structuredContent"]);
    assert!(!content[0]["text"].as_str().unwrap().contains("Ignore"));
    // What it asks for was not done, and what a tool is was not changed by it.
    let rows = world.send(Some(&world.writer()), &Sent::call("query", json!({ "model": "tickets" }))).await;
    assert_eq!(rows.told()["data"].as_array().unwrap().len(), 2);
    let list = world.send(Some(&world.writer()), &Sent::new("tools/list", json!({}))).await;
    assert!(!list.text().contains("Ignore"));
}

/// Numbers go both ways with every digit.
#[tokio::test(flavor = "multi_thread")]
async fn digits_are_kept() {
    let Some(database) = Database::postgres().await else { return };
    let world = World::over(database).await;
    let client = world.database.client().await;
    client.execute("UPDATE tickets SET price = 1234567890.10 WHERE id = 11", &[]).await.unwrap();
    let mut ask = Sent::call("query", json!({ "model": "tickets", "select": ["id", "price"] }));
    let body = String::from_utf8(ask.body.clone()).unwrap();
    let filter = r#""where":{"field":"price","op":"eq","value":1234567890.10},"model""#;
    ask.body = body.replacen(r#""model""#, filter, 1).into_bytes();
    let answer = world.send(Some(&world.reader()), &ask).await;
    let text = answer.text();
    assert_eq!(text.matches("1234567890.10").count(), 2, "{text}");
    assert!(text.contains(r#""structuredContent":{"success":true,"data":[{"id":11,"price":1234567890.10}]"#), "{text}");
}
