//! The portal's families.

use serde_json::json;
use tenantry_identity::Audience;

use crate::world::{Who, on_each_store};

#[tokio::test(flavor = "multi_thread")]
async fn accounts_are_made_ordered_in_a_tree_suspended_and_closed() {
    on_each_store(async |world| {
        let owner = world.owner();
        let top = world.account("top").await;
        let (status, made) = world
            .call(
                &owner,
                "POST",
                "/portal/v1/accounts",
                Some(json!({"name": "below", "parent_id": top, "metadata": {"a": 1}})),
            )
            .await;
        assert_eq!((status, &made["data"]["parent_id"]), (201, &json!(top)), "{made}");
        let below = made["data"]["id"].as_str().unwrap().to_owned();
        let (_, tree) = world.call(&owner, "GET", &format!("/portal/v1/accounts/{top}/tree"), None).await;
        let ids: Vec<_> = tree["data"].as_array().unwrap().iter().map(|account| account["id"].clone()).collect();
        assert_eq!(ids, [json!(top), json!(below)]);
        let circle = Some(json!({"parent_id": below}));
        let (status, refused) = world.call(&owner, "PATCH", &format!("/portal/v1/accounts/{top}"), circle).await;
        assert_eq!(
            (status, &refused["error"]["message"]),
            (400, &json!("parent_id names the account itself or one that lies below it"))
        );
        let (status, refused) = world.call(&owner, "POST", "/portal/v1/accounts", Some(json!({"name": "top"}))).await;
        assert_eq!((status, &refused["error"]["code"]), (409, &json!("CONFLICT")));
        let (_, first) = world.call(&owner, "GET", "/portal/v1/accounts?take=1", None).await;
        assert_eq!((first["data"].as_array().unwrap().len(), &first["has_more"]), (1, &json!(true)));
        let cursor = first["next_cursor"].as_str().unwrap();
        let (_, second) = world.call(&owner, "GET", &format!("/portal/v1/accounts?take=1&cursor={cursor}"), None).await;
        assert_eq!((&second["data"][0]["id"], &second["has_more"]), (&json!(below), &json!(false)));

        let who = Who { account: Some(&below), roles: &["account-owner"], ..Who::default() };
        let member = world.token(Audience::Dashboard, &who);
        let shown = world.call(&member, "GET", "/dashboard/v1/account", None).await;
        assert_eq!((shown.0, &shown.1["data"]["metadata"]), (200, &json!({"a": 1})));
        for (act, status) in [("suspend", 401), ("activate", 200), ("close", 401)] {
            let (done, _) = world.call(&owner, "POST", &format!("/portal/v1/accounts/{below}/{act}"), None).await;
            assert_eq!(done, 200);
            assert_eq!(world.call(&member, "GET", "/dashboard/v1/account", None).await.0, status, "{act}");
        }
        let (status, _) = world.call(&owner, "POST", &format!("/portal/v1/accounts/{below}/activate"), None).await;
        assert_eq!(status, 400);
        assert_eq!(world.call(&owner, "DELETE", &format!("/portal/v1/accounts/{top}"), None).await.0, 400);
        assert_eq!(world.call(&owner, "DELETE", &format!("/portal/v1/accounts/{below}"), None).await.0, 204);
        assert_eq!(world.call(&owner, "GET", &format!("/portal/v1/accounts/{below}"), None).await.0, 404);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_is_shown_and_verified() {
    on_each_store(async |world| {
        let owner = world.owner();
        let account = world.account("acme").await;
        let other = world.account("other").await;
        let path = format!("/portal/v1/accounts/{account}/audit");
        let (status, lines) = world.call(&owner, "GET", &format!("{path}?take=1"), None).await;
        assert_eq!((status, &lines["data"][0]["phase"], &lines["has_more"]), (200, &json!("completed"), &json!(true)));
        let (_, call) =
            world.call(&owner, "GET", &format!("{path}/{}", lines["data"][0]["id"].as_str().unwrap()), None).await;
        assert_eq!(call["data"].as_array().unwrap().len(), 2);
        let (_, report) = world.call(&owner, "POST", &format!("{path}/verify"), Some(json!({}))).await;
        assert_eq!((&report["data"]["sound"], &report["data"]["entries"]), (&json!(true), &json!(2)));
        let expected = json!({"expected": {"seq": 2, "hash": "0".repeat(64)}});
        let (_, report) = world.call(&owner, "POST", &format!("{path}/verify"), Some(expected)).await;
        assert_eq!(report["data"]["problems"][0]["code"], "AUDIT_ROLLED_BACK");
        let who = Who { account: Some(&other), roles: &["account-auditor"], ..Who::default() };
        let stranger = world.token(Audience::Dashboard, &who);
        let id = call["data"][0]["id"].as_str().unwrap();
        assert_eq!(world.call(&stranger, "GET", &format!("/dashboard/v1/audit/{id}"), None).await.0, 404);
        let (_, own) = world.call(&stranger, "GET", "/dashboard/v1/audit?since=2020-01-01T00:00:00Z", None).await;
        assert!(!own.to_string().contains(&account), "{own}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_and_queries_are_strict() {
    on_each_store(async |world| {
        let owner = world.owner();
        for (body, status) in [
            (r#"{"name":"a"}"#, 201),
            (r#"{"name":"b","name":"c"}"#, 400),
            (r#"{"name":"b","unknown":1}"#, 400),
            (r#"{"name":"B"}"#, 400),
            (r#"{"name":1}"#, 400),
            (r#"{}"#, 400),
            ("[]", 400),
            ("", 400),
            (r##"{"name":"b","branding":{"colors":{"primary":"red","page_background":"#fff"}}}"##, 400),
            (r#"{"name":"b","branding":{"logo_url":"https://a.example/x.png"}}"#, 201),
        ] {
            let (found, text) = world.raw(Some(&owner), "POST", "/portal/v1/accounts", Some(body.to_owned())).await;
            assert_eq!(found, status, "{body}: {text}");
        }
        for query in ["take=0", "take=101", "take=x", "take=1&take=1", "other=1", "cursor=x"] {
            let (status, _) = world.call(&owner, "GET", &format!("/portal/v1/accounts?{query}"), None).await;
            assert_eq!(status, 400, "{query}");
        }
    })
    .await;
}
