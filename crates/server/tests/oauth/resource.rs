//! Tokens for `/mcp`: asked for by where they are shown (RFC 8707), and with scopes that only take away.

use serde_json::{Value, json};

use crate::site::{Client, EXCHANGE, Site, claims, for_users, on_each_store};

const MCP: &str = "https://tenantry.example/mcp";
const API: &str = "https://api.example/";

async fn world(site: &Site) -> (Client, String) {
    let client = site.client(for_users()).await;
    site.api(API, &["read:a"], json!({})).await;
    let acme = site.account("acme").await;
    let ada = site.user("ada@acme.example", json!({})).await;
    site.member(&acme, &ada).await;
    (client, acme)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resource_stands_for_an_audience() {
    let site = Site::small().await;
    let (client, acme) = world(&site).await;
    let with = async |more: Value| {
        let mut ask = json!({ "organization": acme });
        ask.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        site.login(&client, "ada@acme.example", ask).await
    };
    for resource in [MCP, "https://tenantry.example/mcp/"] {
        let answer = with(json!({ "resource": resource })).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let said = claims(&answer.text("access_token"));
        assert_eq!((&said["aud"], &said["context"], &said["org_id"]), (&json!("app"), &json!("app"), &json!(acme)));
        assert_eq!(said.get("scope"), None);
    }
    let both = with(json!({ "resource": MCP, "audience": "app" })).await;
    assert_eq!(both.status, 200, "{both:?}");
    let api = with(json!({ "resource": API, "scope": "read:a" })).await;
    assert_eq!(claims(&api.text("access_token"))["aud"], API);
    for more in [
        json!({ "resource": MCP, "audience": API }),
        json!({ "resource": MCP, "audience": "dashboard" }),
        json!({ "resource": format!("{MCP}#x") }),
        json!({ "resource": "mcp" }),
        json!({ "resource": "https://tenantry.example/ mcp" }),
    ] {
        assert_eq!(with(more.clone()).await.error(), (400, "invalid_target"), "{more}");
    }
    // What is like it is another API, and there is none.
    for resource in ["https://tenantry.example/mcp/x", "https://evil.example/mcp", "https://tenantry.example.evil/mcp"]
    {
        assert_eq!(with(json!({ "resource": resource })).await.error(), (403, "access_denied"), "{resource}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_made_from_a_token_that_reaches_less_reaches_no_more() {
    on_each_store(async |site| {
        let (client, acme) = world(site).await;
        let agent = site.client(json!({ "grant_types": [EXCHANGE], "app_type": "non_interactive" })).await;
        let usage = json!({ "organization_usage": "allow", "allow_any_organization": true });
        site.grant(&agent, "app", &[], usage.clone()).await;
        site.grant(&agent, API, &["read:a"], usage).await;
        let ask = json!({ "organization": acme, "resource": MCP, "scope": "openid tools:read" });
        let narrow = site.login(&client, "ada@acme.example", ask).await.text("access_token");
        assert_eq!(claims(&narrow)["scope"], "openid tools:read");
        let exchanged = async |token: &str, audience: &str, scope: Option<&str>| {
            let mut body = json!({
                "grant_type": EXCHANGE, "client_id": agent.id, "client_secret": agent.secret, "audience": audience,
                "subject_token": token, "subject_token_type": "urn:ietf:params:oauth:token-type:access_token",
            });
            if let Some(scope) = scope {
                body["scope"] = json!(scope);
            }
            site.token(body).await
        };
        for scope in [None, Some("tools:read"), Some("tools:read tools:write")] {
            let answer = exchanged(&narrow, "app", scope).await;
            assert_eq!(answer.status, 200, "{answer:?}");
            assert_eq!(claims(&answer.text("access_token"))["scope"], "tools:read", "{scope:?}");
        }
        assert_eq!(exchanged(&narrow, "app", Some("tools:write")).await.error(), (400, "invalid_scope"));
        // By a way round, either.
        let elsewhere = exchanged(&narrow, API, None).await.text("access_token");
        let back = exchanged(&elsewhere, "app", None).await;
        assert_eq!(claims(&back.text("access_token"))["scope"], "tools:read", "{back:?}");
        // A whole one may be given on as less.
        let ask = json!({ "organization": acme, "audience": "app" });
        let whole = site.login(&client, "ada@acme.example", ask).await.text("access_token");
        let less = exchanged(&whole, "app", Some("tools:read")).await;
        assert_eq!(claims(&less.text("access_token"))["scope"], "tools:read");
    })
    .await;
}
