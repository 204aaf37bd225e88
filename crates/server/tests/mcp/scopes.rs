//! A token's scope leaves less than its roles grant: over MCP and over HTTP alike.

use serde_json::json;
use tenantry_identity::{Audience, Subject};

use crate::world::{Sent, World};

#[tokio::test(flavor = "multi_thread")]
async fn a_scope_takes_tools_away_wherever_they_are_called() {
    let world = World::sqlite().await;
    let scoped = |scope: &str| {
        let subject = Subject { scope: Some(scope.to_owned()), ..World::subject("a", "wri", "writer") };
        world.token_for(&subject, Audience::App)
    };
    let (reads, writes, whole) = (scoped("tools:read"), scoped("openid tools:write"), scoped("openid"));
    assert_eq!(world.names(&reads).await, ["describe_schema", "query", "get", "aggregate"]);
    assert_eq!(
        world.names(&writes).await,
        ["describe_schema", "create", "bulk_create", "update", "bulk_update", "delete"]
    );
    assert_eq!(world.names(&whole).await.len(), 9);
    let delete = json!({ "model": "tickets", "id": 11, "reason": "r" });
    let answer = world.send(Some(&reads), &Sent::call("delete", delete.clone())).await;
    assert_eq!(answer.status, 403);
    let challenge = answer.header("www-authenticate").unwrap();
    assert!(
        challenge.contains("error=\"insufficient_scope\"") && challenge.contains("scope=\"tools:read tools:write\"")
    );
    assert!(challenge.contains("resource_metadata=\"https://tenantry.example/"), "{challenge}");
    let direct = world.request("POST", "/app/v1/tools/delete", Some(&reads), &Sent::plain(delete.to_string())).await;
    assert_eq!(direct.status, 403, "{direct:?}");
    let read = Sent::call("get", json!({ "model": "tickets", "id": 11 }));
    assert_eq!(world.send(Some(&writes), &read).await.status, 403);
    assert_eq!(world.send(Some(&reads), &read).await.told()["found"], true);
    // What a role does not grant, no scope does.
    let reader = Subject { scope: Some("tools:write".to_owned()), ..World::subject("a", "rea", "reader") };
    let reader = world.token_for(&reader, Audience::App);
    assert_eq!(world.names(&reader).await, ["describe_schema"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_acts_with_less_does_not_decide_for_others() {
    let world = World::sqlite().await;
    let waiting = Sent::call("update", json!({ "model": "bills", "id": 31, "data": { "note": "x" } }));
    let waiting = world.send(Some(&world.writer()), &waiting).await.told();
    let id = waiting["error"]["details"]["approval_id"].as_str().unwrap().to_owned();
    let path = format!("/app/v1/approvals/{id}/approve");
    let narrow = Subject { scope: Some("tools:read".to_owned()), ..World::subject("a", "mo", "manager") };
    let narrow = world.token_for(&narrow, Audience::App);
    assert_eq!(world.request("POST", &path, Some(&narrow), &Sent::plain("")).await.status, 404);
    let manager = world.token("a", "mo", "manager");
    assert_eq!(world.request("POST", &path, Some(&manager), &Sent::plain("")).await.status, 200);
}
