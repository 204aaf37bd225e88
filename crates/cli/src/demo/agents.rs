//! The demo's agents over MCP: a list of tools that differs by role, and calls that go through the same door.

use serde_json::{Value, json};

use crate::demo::trials::{Caller, Expect, Fact, Step, Trial};

/// Where MCP's messages go.
const MCP: &str = "/mcp";

fn message(method: &str, params: Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params })
}

fn listed(names: &[&str]) -> Expect {
    Expect::Bare(vec![Fact::Column("/result/tools", "name", names.iter().map(|name| json!(name)).collect())])
}

/// What an agent, a manager and an administrator of one organization are told of; and a row that is somebody else's.
pub fn trials(foreign_customer: i64) -> Vec<Trial> {
    let of = |user| Caller::User { account: "northwind", user };
    let step = |body: Value, expect: Expect| Step { tool: MCP, body, headers: &[], expect };
    let list = || message("tools/list", json!({}));
    vec![
        Trial {
            name: "mcp-tools-of-agent",
            role: "an agent of Northwind, over MCP",
            caller: of("ana@northwind.example"),
            steps: vec![
                step(list(), listed(&["describe_schema", "query", "get", "aggregate", "update"])),
                step(
                    message(
                        "tools/call",
                        json!({ "name": "get", "arguments": { "model": "customers", "id": foreign_customer } }),
                    ),
                    Expect::Bare(vec![
                        Fact::Is("/result/structuredContent/found", json!(false)),
                        Fact::Is("/result/_meta/tenantry~1untrusted", json!(true)),
                    ]),
                ),
            ],
            sees: "five tools; and of another organization's customer what it would see of none".to_owned(),
            why: "the role `agent` grants these tools, and every call is decided anew, whatever a list said",
        },
        Trial {
            name: "mcp-tools-of-manager",
            role: "a manager of Northwind, over MCP",
            caller: of("max@northwind.example"),
            steps: vec![step(list(), listed(&["describe_schema", "query", "get"]))],
            sees: "three tools: a manager only reads".to_owned(),
            why: "the role `manager` grants `orders.query` and `orders.get`",
        },
    ]
}
