//! API keys in place of tokens.

use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};
use tenantry_identity::api_keys::{KeyPermission, NewApiKey};
use tenantry_identity::{Caller, Kind, Reach, Refusal};

use crate::desk::{API, Desk, echo, model};
use crate::site::on_each_store;

fn may(name: &str) -> Vec<KeyPermission> {
    vec![KeyPermission { api: API.to_owned(), name: name.to_owned() }]
}

fn new(name: &str) -> NewApiKey {
    NewApiKey { name: name.to_owned(), permissions: may("use:small"), ..NewApiKey::default() }
}

async fn desk() -> Desk {
    Desk::with(vec![
        model("small", "use:small", vec![echo()]),
        model("small-too", "use:small", vec![echo()]),
        model("large", "use:large", vec![echo()]),
    ])
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_calls_what_it_is_limited_to_until_it_ends() {
    let desk = desk().await;
    let operator = Caller::operator("test");
    let identity = &desk.site.identity;
    let limited = NewApiKey { models: Some(vec!["small".to_owned()]), lifetime: 3600, ..new("program") };
    let (made, key) = identity.create_api_key(&operator, &desk.acme, limited).await.unwrap();
    assert!(key.starts_with(&made.prefix) && key.len() == 52 && made.prefix.len() == 11);
    for (model, status) in [("small", 200), ("small-too", 404), ("large", 404)] {
        assert_eq!(desk.chat(&key, model, "x").await.status, status, "{model}");
    }
    // As Anthropic's clients send it.
    let body = json!({ "model": "small", "max_tokens": 9, "messages": [{ "role": "user", "content": "x" }] });
    let request = Request::post("/v1/messages").header("content-type", "application/json").header("x-api-key", &key);
    let said = desk.say(request.body(Body::from(body.to_string())).unwrap()).await;
    assert_eq!((said.status, &said.json()["content"][0]["text"]), (200, &json!("echo: x")));
    let rows = desk.usage(&desk.acme).await;
    assert!(rows.iter().all(|row| row.key.as_deref() == Some(&*made.id)) && rows.len() == 2, "{rows:?}");
    // What is kept is no key.
    let row = format!("{:?}", desk.site.store.api_key(&desk.acme, &made.id).await.unwrap());
    assert!(!row.contains(&key[11..]) && row.contains("last_used_micros: Some"), "{row}");
    // One letter off, and cut.
    for wrong in [format!("{}x", &key[..51]), key[..51].to_owned(), "tk_".to_owned(), "tk_".repeat(100)] {
        assert_eq!(desk.chat(&wrong, "small", "x").await.status, 401);
    }
    desk.site.clock.forward(3601);
    desk.site.store.look_for_changes().await.unwrap();
    let said = desk.chat(&key, "small", "x").await;
    assert_eq!((said.status, &said.json()["error"]["message"]), (401, &json!("The token has expired.")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_ends_with_what_it_rests_on() {
    let desk = desk().await;
    let operator = Caller::operator("test");
    let identity = &desk.site.identity;
    let make = async |user: Option<&String>| {
        let new = NewApiKey { user_id: user.cloned(), ..new("program") };
        identity.create_api_key(&operator, &desk.acme, new).await.unwrap()
    };
    // Removed, and out of force.
    let (made, key) = make(None).await;
    assert_eq!(desk.chat(&key, "small", "x").await.status, 200);
    identity.update_api_key(&operator, &desk.acme, &made.id, None, Some(false)).await.unwrap();
    assert_eq!(desk.chat(&key, "small", "x").await.status, 401);
    identity.update_api_key(&operator, &desk.acme, &made.id, None, Some(true)).await.unwrap();
    assert_eq!(desk.chat(&key, "small", "x").await.status, 200);
    identity.delete_api_key(&operator, &desk.acme, &made.id).await.unwrap();
    assert_eq!(desk.chat(&key, "small", "x").await.status, 401);
    // In a user's name it may what the user may.
    let (_, of_bob) = make(Some(&desk.bob)).await;
    assert_eq!(desk.chat(&of_bob, "small", "x").await.status, 404, "bob may nothing");
    let (_, of_ada) = make(Some(&desk.ada)).await;
    assert_eq!(desk.chat(&of_ada, "small", "x").await.status, 200);
    let permissions = json!({ "permissions": [{ "resource_server_identifier": API, "permission_name": "use:small" }] });
    desk.site.manage("DELETE", &format!("/roles/{}/permissions", desk.role), permissions).await;
    assert_eq!(desk.chat(&of_ada, "small", "x").await.status, 404);
    desk.site
        .manage("DELETE", &format!("/organizations/{}/members", desk.acme), json!({ "members": [desk.ada] }))
        .await;
    assert_eq!(desk.chat(&of_ada, "small", "x").await.status, 401);
    // The account's own goes on, until the account does not.
    let (_, key) = make(None).await;
    assert_eq!(desk.chat(&key, "small", "x").await.status, 200);
    let change = [("status".to_owned(), json!("suspended"))].into_iter().collect();
    identity.update_account(&operator, &desk.acme, change).await.unwrap();
    assert_eq!(desk.chat(&key, "small", "x").await.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_the_account_never_outlives_its_makers_rights() {
    let permissions = json!({ "permissions": [{ "resource_server_identifier": API, "permission_name": "use:small" }] });
    for lost in ["permission", "role", "membership", "block"] {
        let desk = desk().await;
        let ada = Caller {
            user: Some(desk.ada.clone()),
            reach: Reach::Account {
                account: desk.acme.clone(),
                workspace: None,
                permissions: vec!["create:api_keys".to_owned()],
            },
            ..Caller::operator("test")
        };
        let (made, key) = desk.site.identity.create_api_key(&ada, &desk.acme, new("program")).await.unwrap();
        assert_eq!((made.user_id, &made.created_by), (None, &desk.ada), "the account's, and not in her name");
        let of_operator = Caller::operator("test");
        let (_, other) = desk.site.identity.create_api_key(&of_operator, &desk.acme, new("other")).await.unwrap();
        assert_eq!(desk.chat(&key, "small", "x").await.status, 200);
        let (site, members) = (&desk.site, format!("/organizations/{}/members", desk.acme));
        let status = match lost {
            "permission" => {
                site.manage("DELETE", &format!("/roles/{}/permissions", desk.role), permissions.clone()).await;
                404
            }
            "role" => {
                let path = format!("{members}/{}/roles", desk.ada.replace('|', "%7C"));
                site.manage("DELETE", &path, json!({ "roles": [desk.role] })).await;
                404
            }
            "membership" => {
                site.manage("DELETE", &members, json!({ "members": [desk.ada] })).await;
                401
            }
            _ => {
                let path = format!("/users/{}", desk.ada.replace('|', "%7C"));
                site.manage("PATCH", &path, json!({ "blocked": true })).await;
                401
            }
        };
        assert_eq!(desk.chat(&key, "small", "x").await.status, status, "{lost}");
        // What the platform gave the account does not hang on one of its members.
        assert_eq!(desk.chat(&other, "small", "x").await.status, 200, "{lost}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_makes_a_key_that_may_more_than_themselves() {
    let desk = desk().await;
    let identity = &desk.site.identity;
    let of = |user: &str| Caller {
        user: Some(user.to_owned()),
        reach: Reach::Account {
            account: desk.acme.clone(),
            workspace: None,
            permissions: ["create:api_keys", "read:api_keys"].map(str::to_owned).to_vec(),
        },
        ..Caller::operator("test")
    };
    let (ada, bob) = (of(&desk.ada), of(&desk.bob));
    let no = Err(Refusal::Forbidden { any_of: &[] });
    let tried = async |caller: &Caller, account: &str, new: NewApiKey| {
        identity.create_api_key(caller, account, new).await.map(|_| ())
    };
    assert_eq!(tried(&ada, &desk.acme, new("mine")).await, Ok(()));
    assert_eq!(tried(&bob, &desk.acme, new("mine")).await, no);
    let wider = NewApiKey { permissions: may("use:large"), ..new("wide") };
    assert_eq!(tried(&ada, &desk.acme, wider).await, no);
    let other = NewApiKey { user_id: Some(desk.bob.clone()), ..new("his") };
    assert_eq!(tried(&ada, &desk.acme, other).await, no);
    let own = NewApiKey { user_id: Some(desk.ada.clone()), ..new("mine") };
    assert_eq!(tried(&ada, &desk.acme, own).await, Ok(()));
    assert_eq!(tried(&ada, &desk.globex, new("theirs")).await, Err(Refusal::Hidden));
    let operator = Caller::operator("test");
    for (wrong, kind) in [
        (NewApiKey { user_id: Some(desk.gus.clone()), ..new("x") }, Kind::Member),
        (NewApiKey { workspace_id: Some("nowhere".to_owned()), ..new("x") }, Kind::Workspace),
        (NewApiKey { permissions: may("use:nothing"), ..new("x") }, Kind::Permission),
        (
            NewApiKey {
                permissions: vec![KeyPermission { api: "dashboard".to_owned(), name: "read:audit".to_owned() }],
                ..new("x")
            },
            Kind::Api,
        ),
    ] {
        assert_eq!(tried(&operator, &desk.acme, wrong).await, Err(Refusal::Missing(kind)));
    }
    for wrong in [
        NewApiKey { permissions: Vec::new(), ..new("x") },
        NewApiKey { lifetime: 0, ..new("x") },
        NewApiKey { lifetime: 366 * 86_400, ..new("x") },
        new(""),
    ] {
        assert!(matches!(tried(&operator, &desk.acme, wrong).await, Err(Refusal::Invalid { .. })));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_kept_on_each_store() {
    on_each_store(async |site| {
        let operator = Caller::operator("test");
        site.api(API, &["use:small"], json!({})).await;
        let account = site.account("acme").await;
        let (made, _) = site.identity.create_api_key(&operator, &account, new("one")).await.unwrap();
        let (other, _) = site.identity.create_api_key(&operator, &account, new("two")).await.unwrap();
        let part = tenantry_identity::Part::From { from: None, take: 10 };
        let listed = site.identity.api_keys(&operator, &account, &part).await.unwrap();
        assert_eq!(listed.items, [made.clone(), other.clone()]);
        let changed = site.identity.update_api_key(&operator, &account, &made.id, Some("uno"), None).await.unwrap();
        assert_eq!((changed.name.as_str(), changed.enabled), ("uno", true));
        site.identity.delete_api_key(&operator, &account, &made.id).await.unwrap();
        let gone = site.identity.api_key(&operator, &account, &made.id).await;
        assert_eq!(gone, Err(Refusal::Missing(Kind::ApiKey)));
        // The same row of usage counts once.
        let row = tenantry_store::usage::UsageRow {
            request_id: "req_1".to_owned(),
            time_micros: 5,
            account: "acme".to_owned(),
            workspace: None,
            user: None,
            client: None,
            key: Some(other.id.clone()),
            model: "small".to_owned(),
            surface: "models.chat".to_owned(),
            upstream: "0:x".to_owned(),
            ended: "completed".to_owned(),
            input_tokens: 1,
            cached_tokens: 0,
            output_tokens: 2,
            estimated: true,
            cost_micros: 3,
            duration_micros: 4,
        };
        site.store.note_usage(&[row.clone(), row.clone()]).await.unwrap();
        site.store.note_usage(std::slice::from_ref(&row)).await.unwrap();
        assert_eq!(site.store.usage_of("acme", 0, 10).await.unwrap(), [row]);
        // Removing an account removes its keys.
        site.manage("DELETE", &format!("/organizations/{account}"), Value::Null).await;
        assert_eq!(site.store.api_keys(&account, &part_of()).await.unwrap(), []);
    })
    .await;
}

fn part_of() -> tenantry_store::identity::Stretch {
    tenantry_store::identity::Stretch { after: (i64::MIN, String::new()), offset: 0, limit: 10 }
}
