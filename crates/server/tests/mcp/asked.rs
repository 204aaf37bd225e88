//! The protocol: both revisions, and headers that must say what the body says.

use serde_json::json;

use crate::world::{Sent, World};

#[tokio::test(flavor = "multi_thread")]
async fn both_revisions_are_spoken() {
    let world = World::sqlite().await;
    let reader = world.reader();
    let discovered = world.send(Some(&reader), &Sent::new("server/discover", json!({}))).await.json();
    assert_eq!(discovered["result"]["supportedVersions"], json!(["2026-07-28", "2025-11-25"]));
    assert_eq!(discovered["result"]["capabilities"], json!({ "tools": {} }));
    assert_eq!(discovered["result"]["_meta"]["io.modelcontextprotocol/serverInfo"]["name"], "tenantry");
    for asked in ["2025-11-25", "2025-06-18", "1999-01-01"] {
        let params =
            json!({ "protocolVersion": asked, "capabilities": {}, "clientInfo": { "name": "t", "version": "1" } });
        let body = json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params });
        let answer = world.send(Some(&reader), &Sent::plain(body.to_string())).await;
        assert_eq!((answer.status, answer.header("mcp-session-id")), (200, None));
        assert_eq!(answer.json()["result"]["protocolVersion"], "2025-11-25");
    }
    let begun = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }).to_string();
    let answer = world.send(Some(&reader), &Sent::plain(begun).with("mcp-protocol-version", "2025-11-25")).await;
    assert_eq!((answer.status, answer.bytes.len()), (202, 0));
    let ping = json!({ "jsonrpc": "2.0", "id": 5, "method": "ping" }).to_string();
    assert_eq!(world.send(Some(&reader), &Sent::plain(ping)).await.text(), r#"{"jsonrpc":"2.0","id":5,"result":{}}"#);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_no_method() {
    let world = World::sqlite().await;
    let reader = world.reader();
    for method in [
        "initialize",
        "ping",
        "prompts/list",
        "prompts/get",
        "resources/list",
        "resources/read",
        "resources/templates/list",
        "resources/subscribe",
        "completion/complete",
        "logging/setLevel",
        "subscriptions/listen",
        "tasks/get",
        "approvals",
        "Tools/List",
        "",
    ] {
        let mut sent = Sent::new(method, json!({}));
        if method.is_empty() {
            sent = sent.without("mcp-method").with("mcp-method", "");
        }
        let answer = world.send(Some(&reader), &sent).await;
        assert_eq!((answer.status, answer.code()), (404, Some(-32601)), "{method}: {answer:?}");
    }
    let older = json!({ "jsonrpc": "2.0", "id": 1, "method": "prompts/list" }).to_string();
    let answer = world.send(Some(&reader), &Sent::plain(older)).await;
    assert_eq!((answer.status, answer.code()), (200, Some(-32601)));
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_that_say_something_else_than_the_body_are_refused() {
    let world = World::sqlite().await;
    let writer = world.writer();
    let delete = Sent::call("delete", json!({ "model": "tickets", "id": 11, "reason": "r" }));
    for (name, value) in [
        ("mcp-name", "query"),
        ("mcp-name", "DELETE"),
        ("mcp-method", "tools/list"),
        ("mcp-protocol-version", "2025-11-25"),
        ("mcp-protocol-version", "v999.0.0"),
    ] {
        let answer = world.send(Some(&writer), &delete.clone().with(name, value)).await;
        assert_eq!((answer.status, answer.code()), (400, Some(-32020)), "{name}: {value}: {answer:?}");
        assert_eq!(answer.json()["id"], 1);
    }
    for name in ["mcp-name", "mcp-method", "mcp-protocol-version"] {
        let answer = world.send(Some(&writer), &delete.clone().without(name)).await;
        assert_eq!((answer.status, answer.code()), (400, Some(-32020)), "{name}: {answer:?}");
    }
    // A header alone opens nothing: the body counts, and it says `tools/list`.
    let list = Sent::new("tools/list", json!({})).with("mcp-name", "delete");
    assert_eq!(world.send(Some(&writer), &list).await.code(), Some(-32020));
    let still = world.send(Some(&writer), &Sent::call("get", json!({ "model": "tickets", "id": 11 }))).await;
    assert_eq!(still.told()["found"], true);
    let mut without_meta = Sent::new("tools/list", json!({}));
    without_meta.body = json!({ "jsonrpc": "2.0", "id": 3, "method": "tools/list" }).to_string().into_bytes();
    let answer = world.send(Some(&writer), &without_meta).await;
    assert_eq!((answer.status, answer.code()), (400, Some(-32602)));
    let mut unknown = Sent::new("tools/list", json!({})).with("mcp-protocol-version", "2099-01-01");
    unknown.body = String::from_utf8(unknown.body).unwrap().replace("2026-07-28", "2099-01-01").into_bytes();
    let answer = world.send(Some(&writer), &unknown).await;
    assert_eq!((answer.status, answer.code()), (400, Some(-32022)));
    assert_eq!(answer.json()["error"]["data"]["requested"], "2099-01-01");
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_of_tools_are_results_and_tools_that_nobody_has_are_none() {
    let world = World::sqlite().await;
    let reader = world.reader();
    let refused = world.send(Some(&reader), &Sent::call("query", json!({ "model": "bills" }))).await.json();
    assert_eq!(refused["result"]["isError"], true);
    assert_eq!(refused["result"]["structuredContent"]["error"]["code"], "MODEL_NOT_ALLOWED");
    // There is a `delete`, but not for this role: as if there were none.
    let of = async |tool: &str| {
        let answer =
            world.send(Some(&reader), &Sent::call(tool, json!({ "model": "tickets", "id": 11, "reason": "r" }))).await;
        (answer.status, answer.code(), answer.text().replace(tool, "…"))
    };
    assert_eq!(of("delete").await, of("no_such").await);
    assert_eq!(of("delete").await.1, Some(-32602));
    // Nobody approves through MCP: those are no tools.
    for tool in ["approve", "deny", "approvals"] {
        assert_eq!(of(tool).await.1, Some(-32602), "{tool}");
    }
    let waiting = Sent::call("update", json!({ "model": "bills", "id": 31, "data": { "note": "x" } }));
    let waiting = world.send(Some(&world.writer()), &waiting).await.json();
    assert_eq!(waiting["result"]["structuredContent"]["error"]["code"], "WRITE_APPROVAL_REQUIRED");
    // A call without arguments is a call.
    let mut bare = Sent::new("tools/call", json!({ "name": "describe_schema" }));
    bare = bare.with("mcp-name", "=?base64?ZGVzY3JpYmVfc2NoZW1h?=");
    let described = world.send(Some(&reader), &bare).await.json();
    assert_eq!(described["result"]["structuredContent"]["success"], true, "{described}");
}
