//! Tokens on behalf of users (RFC 8693).

use serde_json::{Value, json};

use crate::site::{Client, EXCHANGE, Site, claims, for_users, on_each_store};

const API: &str = "https://api.example/";
const BACK: &str = "https://back.example/";
const ACCESS: &str = "urn:ietf:params:oauth:token-type:access_token";

struct World {
    front: Client,
    agent: Client,
    ada: String,
    acme: String,
}

async fn world(site: &Site) -> World {
    let front = site.client(for_users()).await;
    let agent = site.client(json!({ "grant_types": [EXCHANGE], "app_type": "non_interactive" })).await;
    site.api(API, &["read:a"], json!({})).await;
    let policy = json!({ "enforce_policies": true, "token_dialect": "access_token_authz" });
    site.api(BACK, &["read:x", "write:x", "read:y"], policy).await;
    let acme = site.account("acme").await;
    let ada = site.user("ada@acme.example", json!({})).await;
    site.member(&acme, &ada).await;
    let role = site.role("worker", BACK, &["read:x", "write:x"]).await;
    site.hold(&acme, &ada, &role).await;
    let usage = json!({ "organization_usage": "allow", "allow_any_organization": true });
    site.grant(&agent, BACK, &["read:x", "read:y"], usage).await;
    World { front, agent, ada, acme }
}

fn ask(client: &Client, token: &str, audience: &str) -> Value {
    json!({
        "grant_type": EXCHANGE, "client_id": client.id, "client_secret": client.secret, "audience": audience,
        "subject_token": token, "subject_token_type": ACCESS,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn decisions_rest_on_the_user_and_the_grant() {
    on_each_store(async |site| {
        let world = world(site).await;
        let login = json!({ "audience": API, "organization": world.acme, "scope": "read:a" });
        let token = site.login(&world.front, "ada@acme.example", login).await.text("access_token");
        let answer = site.token(ask(&world.agent, &token, BACK)).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.body["issued_token_type"], ACCESS);
        assert!(answer.body.get("refresh_token").is_none() && answer.body.get("id_token").is_none());
        let said = claims(&answer.text("access_token"));
        assert_eq!((&said["sub"], &said["org_id"]), (&json!(world.ada), &json!(world.acme)));
        assert_eq!(said["azp"], json!(world.agent.id));
        assert_eq!(said["act"], json!({ "sub": format!("{}@clients", world.agent.id) }));
        assert_eq!(said["scope"], "read:x", "held by the user and granted to the client");
        assert!(said["exp"].as_i64() <= claims(&token)["exp"].as_i64());
        // Once more, by another: both are named.
        let second = site.client(json!({ "grant_types": [EXCHANGE] })).await;
        let usage = json!({ "organization_usage": "allow", "allow_any_organization": true });
        site.grant(&second, BACK, &["read:x", "write:x"], usage).await;
        let again = site.token(ask(&second, &answer.text("access_token"), BACK)).await;
        let said = claims(&again.text("access_token"));
        let first = json!({ "sub": format!("{}@clients", world.agent.id) });
        assert_eq!(said["act"], json!({ "sub": format!("{}@clients", second.id), "act": first }));
        assert_eq!(said["scope"], "read:x", "no more than the token that was shown");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_exchanged() {
    let site = Site::small().await;
    let world = world(&site).await;
    let login = json!({ "audience": API, "organization": world.acme, "scope": "openid read:a" });
    let answer = site.login(&world.front, "ada@acme.example", login).await;
    let token = answer.text("access_token");
    let with = |name: &str, value: Value| {
        let mut body = ask(&world.agent, &token, BACK);
        body[name] = value;
        body
    };
    let cases = [
        (with("audience", json!(API)), (403, "access_denied")),
        (with("audience", json!(format!("{}userinfo", crate::site::ISSUER))), (403, "access_denied")),
        (with("subject_token", json!("x")), (403, "invalid_grant")),
        (with("subject_token", json!(answer.text("id_token"))), (403, "invalid_grant")),
        (with("subject_token_type", json!("urn:ietf:params:oauth:token-type:saml2")), (400, "invalid_request")),
        (with("subject_token_type", Value::Null), (400, "invalid_request")),
        (with("actor_token", json!("x")), (400, "invalid_request")),
        (with("organization", json!("globex")), (403, "access_denied")),
        (with("client_secret", Value::Null), (401, "access_denied")),
        (ask(&world.front, &token, BACK), (403, "unauthorized_client")),
    ];
    for (body, expected) in cases {
        assert_eq!(site.token(body.clone()).await.error(), expected, "{body}");
    }
    // A client's own token is nobody's.
    site.grant(&world.front, API, &["read:a"], json!({})).await;
    let own = json!({
        "grant_type": "client_credentials", "client_id": world.front.id, "client_secret": world.front.secret,
        "audience": API,
    });
    let own = site.token(own).await.text("access_token");
    assert_eq!(site.token(ask(&world.agent, &own, BACK)).await.error(), (403, "invalid_grant"));
    // Who is no member any more has nothing exchanged.
    site.manage("DELETE", &format!("/organizations/{}/members", world.acme), json!({ "members": [world.ada] })).await;
    assert_eq!(site.token(ask(&world.agent, &token, BACK)).await.error(), (403, "invalid_grant"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_enters_the_app_for_its_user() {
    let site = Site::small().await;
    let world = world(&site).await;
    let usage = json!({ "organization_usage": "allow", "allow_any_organization": true });
    site.grant(&world.agent, "app", &[], usage).await;
    let login = json!({ "audience": "app", "organization": world.acme });
    let token = site.login(&world.front, "ada@acme.example", login).await.text("access_token");
    let answer = site.token(ask(&world.agent, &token, "app")).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let now = tenantry_policy::Clock::now_micros(site.clock.as_ref());
    let verified = site.identity.issuer().verify(&answer.text("access_token"), now).unwrap();
    assert_eq!(verified.principal.user_id, Some(world.ada.clone()));
    assert_eq!(verified.principal.delegate, Some(format!("{}@clients", world.agent.id)));
    // Without the agent, or the user, no token.
    site.manage("DELETE", &format!("/clients/{}", world.agent.id), Value::Null).await;
    let refused = site.identity.issuer().verify(&answer.text("access_token"), now);
    assert_eq!(refused, Err(tenantry_identity::TokenError::Revoked));
}

/// A client that was granted something for one account does not act for users in another.
#[tokio::test(flavor = "multi_thread")]
async fn a_grant_for_one_account_is_not_exchanged_in_another() {
    on_each_store(async |site| {
        let world = world(site).await;
        let globex = site.account("globex").await;
        let bound = site.client(json!({ "grant_types": [EXCHANGE], "app_type": "non_interactive" })).await;
        let usage = json!({ "organization_usage": "allow", "allow_any_organization": false });
        let grant = json!({ "grant_id": site.grant(&bound, BACK, &["read:x"], usage).await });
        let allow = async |account: &str| {
            site.manage("POST", &format!("/organizations/{account}/client-grants"), grant.clone()).await
        };
        allow(&globex).await;
        let login = json!({ "audience": API, "organization": world.acme, "scope": "read:a" });
        let token = site.login(&world.front, "ada@acme.example", login).await.text("access_token");
        assert_eq!(site.token(ask(&bound, &token, BACK)).await.error(), (403, "access_denied"));
        allow(&world.acme).await;
        assert_eq!(site.token(ask(&bound, &token, BACK)).await.status, 200);
    })
    .await;
}
