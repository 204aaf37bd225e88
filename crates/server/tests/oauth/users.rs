//! Tokens for users.

use serde_json::{Value, json};
use tenantry_identity::roles::{Level, NewRole};

use crate::site::{Client, ISSUER, PASSWORD, Site, claims, for_users, header, on_each_store};

const API: &str = "https://api.example/";

struct World {
    client: Client,
    acme: String,
    globex: String,
    ada: String,
}

async fn world(site: &Site) -> World {
    let client = site.client(for_users()).await;
    let settings =
        json!({ "enforce_policies": true, "token_dialect": "access_token_authz", "allow_offline_access": true });
    site.api(API, &["read:a", "write:a", "read:b"], settings).await;
    let (acme, globex) = (site.account("acme").await, site.account("globex").await);
    let ada = json!({
        "given_name": "Ada", "email_verified": true, "app_metadata": { "region": "eu", "level": 3 },
        "user_metadata": { "color": "red" },
    });
    let ada = site.user("ada@acme.example", ada).await;
    site.member(&acme, &ada).await;
    let reader = site.role("reader", API, &["read:a", "read:b"]).await;
    let writer = site.role("writer", API, &["write:a"]).await;
    site.hold(&acme, &ada, &reader).await;
    // On the platform, in no organization, she may something else.
    site.manage("POST", &format!("/users/{}/roles", ada.replace('|', "%7C")), json!({ "roles": [writer] })).await;
    World { client, acme, globex, ada }
}

#[tokio::test(flavor = "multi_thread")]
async fn permissions_are_those_of_the_place() {
    on_each_store(async |site| {
        let world = world(site).await;
        let ask = json!({ "audience": API, "organization": world.acme, "scope": "openid read:a write:a email" });
        let answer = site.login(&world.client, "ada@acme.example", ask).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let said = claims(&answer.text("access_token"));
        assert_eq!(said["aud"], json!([API, format!("{ISSUER}userinfo")]));
        assert_eq!(said["sub"], json!(world.ada));
        assert_eq!(said["org_id"], json!(world.acme));
        assert_eq!(said["scope"], "openid read:a email", "what was asked for and is held");
        assert_eq!(said["permissions"], json!(["read:a", "read:b"]), "what is held in the organization");
        let id = claims(&answer.text("id_token"));
        assert_eq!(
            (&id["aud"], &id["sub"], &id["org_id"]),
            (&json!(world.client.id), &json!(world.ada), &json!(world.acme))
        );
        assert_eq!((&id["email"], &id["email_verified"]), (&json!("ada@acme.example"), &json!(true)));
        assert_eq!(id.get("user_metadata"), None);
        let answer = site.login(&world.client, "ada@acme.example", json!({ "audience": API })).await;
        let said = claims(&answer.text("access_token"));
        assert_eq!((&said["permissions"], &said["scope"]), (&json!(["write:a"]), &json!("write:a")));
        assert_eq!((said.get("org_id"), &said["aud"]), (None, &json!(API)));
        let elsewhere = json!({ "audience": API, "organization": world.globex });
        let answer = site.login(&world.client, "ada@acme.example", elsewhere).await;
        assert_eq!(answer.error(), (403, "access_denied"), "no member there");
        // The name of the organization stands there when the platform says so.
        let allow = json!({ "allow_organization_name_in_authentication_api": true });
        site.manage("PATCH", "/tenants/settings", allow).await;
        let ask = json!({ "audience": API, "organization": "acme" });
        let answer = site.login(&world.client, "ada@acme.example", ask).await;
        assert_eq!(claims(&answer.text("access_token"))["org_name"], "acme");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn passwords_that_do_not_fit_and_users_who_may_not() {
    let site = Site::small().await;
    let world = world(&site).await;
    let wrong = site.login(&world.client, "ada@acme.example", json!({ "password": "x" })).await;
    assert_eq!(wrong.error(), (403, "invalid_grant"));
    assert_eq!(wrong.body["error_description"], "Wrong email or password.");
    let nobody = site.login(&world.client, "bob@acme.example", json!({})).await;
    assert_eq!(nobody.body, wrong.body);
    let realm = site.login(&world.client, "ada@acme.example", json!({ "realm": "nowhere" })).await;
    assert_eq!(realm.error(), (403, "access_denied"));
    // `password` needs a default directory.
    let ask = json!({ "grant_type": "password" });
    assert_eq!(site.login(&world.client, "ada@acme.example", ask.clone()).await.error(), (403, "access_denied"));
    let directory = json!({ "default_directory": "Username-Password-Authentication" });
    site.manage("PATCH", "/tenants/settings", directory).await;
    assert_eq!(site.login(&world.client, "ada@acme.example", ask).await.status, 200);
    // No client has these grants from the start.
    let plain = site.client(json!({ "app_type": "regular_web" })).await;
    assert_eq!(site.login(&plain, "ada@acme.example", json!({})).await.error(), (403, "unauthorized_client"));
    let path = format!("/users/{}", world.ada.replace('|', "%7C"));
    site.manage("PATCH", &path, json!({ "blocked": true })).await;
    let blocked = site.login(&world.client, "ada@acme.example", json!({})).await;
    assert_eq!(blocked.error(), (403, "unauthorized_client"), "{blocked:?}");
    let users = site.login(&world.client, "ada@acme.example", json!({ "password": PASSWORD })).await;
    assert_ne!(users.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn users_have_no_tokens_for_the_management_api() {
    let site = Site::small().await;
    let world = world(&site).await;
    let ask = json!({ "audience": format!("{ISSUER}api/v2/"), "scope": "read:users" });
    assert_eq!(site.login(&world.client, "ada@acme.example", ask).await.error(), (403, "access_denied"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_opaque_token_tells_who_the_user_is() {
    on_each_store(async |site| {
        let world = world(site).await;
        let ask = json!({ "scope": "openid profile email" });
        let token = site.login(&world.client, "ada@acme.example", ask).await.text("access_token");
        assert!(!token.contains('.'));
        for method in ["GET", "POST"] {
            let told = site.bearer(method, "/userinfo", &token).await;
            assert_eq!((told.status, &told.body["sub"]), (200, &json!(world.ada)));
            assert_eq!((&told.body["email"], &told.body["given_name"]), (&json!("ada@acme.example"), &json!("Ada")));
            assert_eq!(told.headers["cache-control"], "no-store");
            assert!(told.body.get("app_metadata").is_none());
        }
        assert_eq!(site.form("/userinfo", None, &format!("access_token={token}")).await.status, 200);
        let without = site.login(&world.client, "ada@acme.example", json!({ "scope": "email" })).await;
        let refused = site.bearer("GET", "/userinfo", &without.text("access_token")).await;
        assert_eq!(refused.status, 403);
        // A token for an API alone is not for this.
        let api = site.login(&world.client, "ada@acme.example", json!({ "audience": API, "scope": "read:a" })).await;
        assert_eq!(site.bearer("GET", "/userinfo", &api.text("access_token")).await.error(), (401, "invalid_token"));
        for wrong in ["", "x", "a.b.c"] {
            let refused = site.bearer("GET", "/userinfo", wrong).await;
            assert_eq!(refused.status, 401);
            assert!(refused.headers["www-authenticate"].to_str().unwrap().starts_with("Bearer"));
        }
        let path = format!("/users/{}", world.ada.replace('|', "%7C"));
        site.manage("PATCH", &path, json!({ "blocked": true })).await;
        assert_eq!(site.bearer("GET", "/userinfo", &token).await.status, 401, "blocked since");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn our_contexts_know_account_workspace_and_metadata() {
    on_each_store(async |site| {
        let world = world(site).await;
        let operator = tenantry_identity::Caller::operator("t");
        // A role that the account made for itself is held, and no rule of the file can meet its name.
        let own = NewRole {
            account: Some(world.acme.clone()),
            name: "approver".to_owned(),
            description: None,
            level: Level::Account,
        };
        let own = site.identity.create_role(&operator, own).await.unwrap();
        site.hold(&world.acme, &world.ada, &own.id).await;
        let ask = |context: &str| json!({ "audience": context, "organization": world.acme });
        let answer = site.login(&world.client, "ada@acme.example", ask("app")).await;
        assert_eq!((answer.status, &answer.body["expires_in"]), (200, &json!(300)), "{answer:?}");
        let token = answer.text("access_token");
        assert_eq!((&header(&token)["alg"], &header(&token)["typ"]), (&json!("ES256"), &json!("at+jwt")));
        let said = claims(&token);
        let account = site.identity.account(&operator, &world.acme).await.unwrap();
        assert_eq!(said["account_id"], json!(account.tenant_id));
        assert_eq!((&said["org_id"], &said["org_name"]), (&json!(world.acme), &json!("acme")));
        assert_eq!((&said["context"], &said["principal_id"]), (&json!("app"), &json!(world.ada)));
        assert_eq!(said["roles"], json!(["reader"]));
        assert_eq!(said["metadata"], json!({ "level": 3, "region": "eu" }), "never user_metadata");
        assert!(said["epoch"].as_i64().unwrap() > 0);
        let now = tenantry_policy::Clock::now_micros(site.clock.as_ref());
        let verified = site.identity.issuer().verify(&token, now).unwrap();
        assert_eq!(verified.principal.tenant_id, Some(account.tenant_id));
        assert_eq!(verified.principal.metadata.len(), 2);
        // An account is needed; nobody without a role of the platform enters the portal.
        let without = site.login(&world.client, "ada@acme.example", json!({ "audience": "app" })).await;
        assert_eq!(without.error(), (400, "invalid_request"));
        let portal = site.login(&world.client, "ada@acme.example", json!({ "audience": "portal" })).await;
        assert_eq!(portal.error(), (403, "access_denied"));
        let elsewhere = json!({ "audience": "app", "organization": world.globex });
        assert_eq!(site.login(&world.client, "ada@acme.example", elsewhere).await.error(), (403, "access_denied"));
        let nowhere = json!({ "audience": "app", "organization": world.acme, "workspace": "prod" });
        assert_eq!(site.login(&world.client, "ada@acme.example", nowhere).await.error(), (400, "invalid_request"));
        // A removed membership ends the token at once on this server.
        let body = json!({ "members": [world.ada] });
        site.manage("DELETE", &format!("/organizations/{}/members", world.acme), body).await;
        assert_eq!(site.identity.issuer().verify(&token, now), Err(tenantry_identity::TokenError::Revoked));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn introspection_tells_the_client_that_may_know() {
    on_each_store(async |site| {
        let world = world(site).await;
        let ask = json!({ "audience": API, "organization": world.acme, "scope": "openid read:a offline_access" });
        let answer = site.login(&world.client, "ada@acme.example", ask).await;
        let (token, refresh) = (answer.text("access_token"), answer.text("refresh_token"));
        let about = |client: &Client, token: &str| {
            json!({ "client_id": client.id, "client_secret": client.secret, "token": token })
        };
        let told = site.json("/oauth/introspect", about(&world.client, &token)).await;
        assert_eq!((told.status, &told.body["active"]), (200, &json!(true)), "{told:?}");
        assert_eq!((&told.body["sub"], &told.body["org_id"]), (&json!(world.ada), &json!(world.acme)));
        assert_eq!(told.body["scope"], "openid read:a offline_access");
        let told = site.json("/oauth/introspect", about(&world.client, &refresh)).await;
        assert_eq!((&told.body["active"], &told.body["token_type"]), (&json!(true), &json!("refresh_token")));
        let other = site.client(json!({ "app_type": "non_interactive" })).await;
        for token in [token.as_str(), &refresh, "x", "a.b.c"] {
            let told = site.json("/oauth/introspect", about(&other, token)).await;
            assert_eq!((told.status, told.body), (200, json!({ "active": false })));
        }
        let nobody = json!({ "client_id": world.client.id, "token": token });
        assert_eq!(site.json("/oauth/introspect", nobody).await.error(), (401, "access_denied"));
        // Given back, it is not active any more; another's cannot be given back.
        assert_eq!(site.json("/oauth/revoke", about(&other, &token)).await.error(), (403, "unauthorized_client"));
        let revoked = site.json("/oauth/revoke", about(&world.client, &token)).await;
        assert_eq!((revoked.status, &revoked.body), (200, &Value::Null));
        let told = site.json("/oauth/introspect", about(&world.client, &token)).await;
        assert_eq!(told.body, json!({ "active": false }));
        assert_eq!(site.bearer("GET", "/userinfo", &token).await.status, 401);
        assert_eq!(site.json("/oauth/revoke", about(&world.client, &refresh)).await.status, 200);
        assert_eq!(site.json("/oauth/revoke", about(&world.client, "unknown")).await.status, 200);
        let told = site.json("/oauth/introspect", about(&world.client, &refresh)).await;
        assert_eq!(told.body, json!({ "active": false }));
    })
    .await;
}
