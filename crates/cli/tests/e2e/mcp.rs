//! `tenantry mcp`: the bridge for clients that start programs, and what clients want in their files.

use std::collections::BTreeMap;
use std::net::TcpListener;

use serde_json::{Value, json};

use crate::support::{Home, secured};

/// The bridge's answers by the ids of their messages. Standard output holds nothing else.
fn bridged(home: &Home, args: &[&str], messages: &[Value]) -> (BTreeMap<String, Value>, String) {
    let input: String = messages.iter().map(|message| format!("{message}\n")).collect();
    let ran = home.run_with(&[&["mcp"], args].concat(), input.as_bytes());
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    let answers = ran.out.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let answers: BTreeMap<String, Value> = answers.map(|answer| (answer["id"].to_string(), answer)).collect();
    (answers, ran.err)
}

fn asked(id: u32, method: &str, params: Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })
}

fn names(answer: &Value) -> Vec<&str> {
    let tools = answer["result"]["tools"].as_array().unwrap_or_else(|| panic!("no list: {answer}"));
    tools.iter().map(|tool| tool["name"].as_str().unwrap()).collect()
}

#[test]
fn the_bridge_carries_messages_and_nothing_else() {
    let home = Home::desk();
    // The issuer's address is where the bridge goes, so the port is chosen first.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (_running, _) = secured(&home, &["--listen", &format!("127.0.0.1:{port}")]);
    let hello =
        json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "t", "version": "1" } });
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {},
    });
    let delete = json!({ "name": "delete", "arguments": { "model": "orders", "id": 1, "reason": "r" }, "_meta": meta });
    let messages = [
        asked(1, "initialize", hello),
        json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }),
        asked(2, "tools/list", json!({})),
        asked(3, "tools/call", json!({ "name": "query", "arguments": { "model": "tickets", "take": 1 } })),
        asked(4, "server/discover", json!({ "_meta": meta })),
        asked(5, "prompts/list", json!({})),
        asked(6, "tools/call", delete),
        json!("no message"),
    ];
    let (answers, said) = bridged(&home, &["northwind/ana@northwind.example"], &messages);
    assert_eq!(answers.keys().map(String::as_str).collect::<Vec<_>>(), ["1", "2", "3", "4", "5", "6", "null"]);
    assert_eq!(answers["1"]["result"]["protocolVersion"], "2025-11-25");
    assert_eq!(names(&answers["2"]), ["describe_schema", "query", "get", "aggregate", "update"]);
    assert_eq!(answers["3"]["result"]["structuredContent"]["data"][0]["assigned_to"], "ana@northwind.example");
    assert_eq!(answers["4"]["result"]["supportedVersions"], json!(["2026-07-28", "2025-11-25"]));
    assert_eq!(answers["5"]["error"]["code"], -32601);
    assert_eq!(answers["6"]["error"]["code"], -32602);
    assert_eq!(answers["null"]["error"]["code"], -32600);
    assert!(said.contains("Carries messages to https://localhost:"), "{said}");
    // Somebody else's tools, and fewer of the same person's.
    let list = [asked(1, "tools/list", json!({}))];
    let (answers, _) = bridged(&home, &["northwind/max@northwind.example"], &list);
    assert_eq!(names(&answers["1"]), ["describe_schema", "query", "get"]);
    let (answers, _) = bridged(&home, &["northwind/ana@northwind.example", "--read-only"], &list);
    assert_eq!(names(&answers["1"]), ["describe_schema", "query", "get", "aggregate"]);
    // A token from elsewhere; one that is not good is an error of each message, and never told.
    let token = home.token("northwind", "ana@northwind.example");
    home.write("token", format!("{token}\n"));
    let (answers, _) = bridged(&home, &["--token", "file:token"], &list);
    assert_eq!(names(&answers["1"]).len(), 5);
    home.write("token", "canary-of-a-token");
    let (answers, said) = bridged(&home, &["--token", "file:token"], &list);
    assert_eq!(answers["1"]["error"]["code"], -32001, "{answers:?}");
    assert!(!answers["1"].to_string().contains("canary") && !said.contains("canary"), "{answers:?} {said}");
}

#[test]
fn a_credential_that_cannot_be_had_is_told_before_anything_is_read() {
    let home = Home::desk();
    for (args, code) in [
        (vec!["mcp"], "SECRET_MISSING"),
        (vec!["mcp", "--token", "env:NOT_THERE"], "SECRET_MISSING"),
        (vec!["mcp", "northwind/nobody@northwind.example"], "UNKNOWN_PRINCIPAL"),
        (vec!["mcp", "--server", "http://tenantry.example", "northwind/ana@northwind.example"], "BAD_TARGET"),
        (vec!["mcp", "--token", "eyJhbGciOiJFUzI1NiJ9"], "USAGE"),
    ] {
        let ran = home.run(&[args.as_slice(), &["--json"]].concat());
        assert_eq!(ran.code, 3, "{args:?}: {}{}", ran.out, ran.err);
        assert!(ran.out.contains(code), "{args:?}: {}", ran.out);
    }
    // A server that is not there: an error for what asks, and the bridge goes on.
    let nowhere = ["--server", "http://127.0.0.1:1", "northwind/ana@northwind.example"];
    let messages = [asked(7, "tools/list", json!({})), json!({ "jsonrpc": "2.0", "method": "notifications/x" })];
    let (answers, said) = bridged(&home, &nowhere, &messages);
    assert_eq!((answers.len(), answers["7"]["error"]["code"].as_i64()), (1, Some(-32000)));
    assert!(said.contains("did not answer"), "{said}");
}

#[test]
fn configurations_of_clients_hold_no_secret() {
    let mut home = Home::desk();
    let token = home.token("northwind", "ana@northwind.example");
    home.set("TENANTRY_TOKEN", &token);
    let all: Value =
        serde_json::from_str(&home.good(&["mcp", "config", "northwind/ana@northwind.example", "--json"])).unwrap();
    assert!(!all.to_string().contains("eyJ"), "{all}");
    let of = |client: &str| all["data"][client]["configuration"].clone();
    let url = of("claude-code")["mcpServers"]["tenantry"]["url"].clone();
    assert!(url.as_str().unwrap().ends_with("/mcp"), "{all}");
    let started = &of("claude-desktop")["mcpServers"]["tenantry"];
    assert_eq!(started["args"][1], "northwind/ana@northwind.example");
    // What it says is what the program takes, from any folder.
    let args: Vec<String> = serde_json::from_value(started["args"].clone()).unwrap();
    let args: Vec<&str> = args.iter().map(String::as_str).chain(["--server", "http://127.0.0.1:1"]).collect();
    let elsewhere = Home::empty();
    let ran = elsewhere.run_with(&args, b"");
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    let one = home.good(&["mcp", "config", "--client", "vscode"]);
    let one: Value = serde_json::from_str(&one).unwrap();
    assert_eq!(one["inputs"][0]["password"], true);
}
