//! I2 for what is not in the table of endpoints: MCP's messages, and the data tools over HTTP. What accounts see of
//! each other's rows through them, `tests/mcp` and the guard's own tests say.

use std::time::Duration;

use serde_json::{Value, json};
use tenantry_identity::Audience;
use tenantry_policy::Tool;
use tenantry_server::management_scopes;

use crate::stage::Tenant;
use crate::world::{Who, on_each_store};

const AN_HOUR: Duration = Duration::from_secs(3_600);

/// Every way in: a path and a body.
fn asked() -> Vec<(String, String)> {
    let tools = || Tool::ALL.into_iter().map(Tool::name).chain(["describe_schema", "no_such_tool"]);
    let message = |method: &str, params: Value| {
        json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string()
    };
    let mut all: Vec<(String, String)> =
        ["initialize", "ping", "server/discover", "tools/list", "prompts/list", "notifications/initialized"]
            .map(|method| ("/mcp".to_owned(), message(method, json!({}))))
            .into();
    all.extend(tools().map(|tool| {
        ("/mcp".to_owned(), message("tools/call", json!({ "name": tool, "arguments": { "model": "customers" } })))
    }));
    all.push(("/mcp".to_owned(), "{".to_owned()));
    all.extend(tools().map(|tool| (format!("/app/v1/tools/{tool}"), r#"{"model":"customers"}"#.to_owned())));
    all.push(("/app/v1/approvals/apr_1/approve".to_owned(), "{}".to_owned()));
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn i2_messages_of_wrong_callers_reach_nothing() {
    on_each_store(async |world| {
        let ours = Tenant::new(world, "ours").await;
        let who = Who { account: Some(&ours.id), roles: &["nobody-knows-this-role"], ..Who::default() };
        let expired = world.token_for(Audience::App, &who, Duration::from_secs(1));
        world.clock.advance(Duration::from_secs(2));
        let good = world.token(Audience::App, &who);
        let platform = world.token(Audience::Portal, &Who { account: None, ..who.clone() });
        let (head, _) = good.rsplit_once('.').unwrap();
        let wrong: [(&str, Option<String>); 8] = [
            ("no token", None),
            ("malformed", Some("abc".to_owned())),
            ("malformed", Some("a.b.c".to_owned())),
            ("unsigned", Some(format!("{head}."))),
            ("expired", Some(expired)),
            ("wrong audience", Some(world.token(Audience::Dashboard, &who))),
            ("wrong audience", Some(platform)),
            ("wrong audience", world.identity.issuer().issue_management("test", &management_scopes(), AN_HOUR).ok()),
        ];
        let before = world.rows().await;
        let asked = asked();
        for (path, body) in &asked {
            for (kind, token) in &wrong {
                let (status, text) = world.raw(token.as_deref(), "POST", path, Some(body.clone())).await;
                assert_eq!(status, 401, "{kind}: {path} {body}: {text}");
            }
        }
        // A good token whose roles grant nothing: told of no tool, and each is refused.
        let list = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" });
        let (status, listed) = world.call(&good, "POST", "/mcp", Some(list)).await;
        let names: Vec<&str> =
            listed["result"]["tools"].as_array().unwrap().iter().map(|tool| tool["name"].as_str().unwrap()).collect();
        assert_eq!((status, names), (200, vec!["describe_schema"]));
        for tool in Tool::ALL {
            let params = json!({ "name": tool.name(), "arguments": { "model": "customers" } });
            let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
            let (status, answer) = world.call(&good, "POST", "/mcp", Some(call)).await;
            assert_eq!((status, answer["error"]["code"].as_i64()), (200, Some(-32602)), "{answer}");
        }
        assert_eq!(world.rows().await, before, "wrong callers changed something");
        eprintln!("{} wrong messages of {} ways in", asked.len() * wrong.len() + Tool::ALL.len(), asked.len());
    })
    .await;
}
