//! Resource servers.

use serde_json::{Value, json};

use crate::site::on_each_store;

fn names(api: &Value) -> Vec<&str> {
    api["scopes"]
        .as_array()
        .map(|all| all.iter().map(|scope| scope["value"].as_str().unwrap()).collect())
        .unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_is_made_found_changed_and_removed() {
    on_each_store(async |site| {
        let body = json!({"identifier": "https://api.example/", "name": "API",
            "scopes": [{"value": "b", "description": "B"}, {"value": "a"}]});
        let (status, made) = site.post("/resource-servers", body.clone()).await;
        assert_eq!(status, 201, "{made}");
        let id = made["id"].as_str().unwrap().to_owned();
        assert_eq!(id.len(), 24);
        assert_eq!((&made["token_lifetime"], &made["token_lifetime_for_web"]), (&json!(86_400), &json!(7_200)));
        assert_eq!((&made["signing_alg"], &made["is_system"]), (&json!("RS256"), &json!(false)));
        assert_eq!(made.get("signing_secret"), None);
        let (status, again) = site.post("/resource-servers", body).await;
        assert_eq!(
            (status, &again["message"]),
            (409, &json!("A resource server with the same identifier already exists."))
        );
        // By id and by identifier, encoded once or twice.
        for path in [id.as_str(), "https%3A%2F%2Fapi.example%2F", "https%253A%252F%252Fapi.example%252F"] {
            let (status, found) = site.get(&format!("/resource-servers/{path}")).await;
            assert_eq!((status, &found["id"]), (200, &made["id"]), "{path}");
        }
        let scopes = json!({"scopes": [{"value": "c"}, {"value": "a", "description": "A"}]});
        let (status, changed) = site.patch(&format!("/resource-servers/{id}"), scopes).await;
        assert_eq!((status, names(&changed)), (200, vec!["c", "a"]));
        assert_eq!(changed["scopes"][1]["description"], "A");
        assert_eq!(names(&site.get(&format!("/resource-servers/{id}")).await.1), ["c", "a"]);
        let double = json!({"scopes": [{"value": "a"}, {"value": "a"}]});
        assert_eq!(site.patch(&format!("/resource-servers/{id}"), double).await.0, 400);
        let (_, changed) = site
            .patch(
                &format!("/resource-servers/{id}"),
                json!({"consent_policy": "transactional-authorization-with-mfa"}),
            )
            .await;
        assert_eq!(changed["consent_policy"], "transactional-authorization-with-mfa");
        let (_, changed) = site.patch(&format!("/resource-servers/{id}"), json!({"consent_policy": null})).await;
        assert_eq!(changed.get("consent_policy"), None);
        assert_eq!(site.patch("/resource-servers/none", json!({"name": "x"})).await.0, 404);
        assert_eq!(site.delete(&format!("/resource-servers/{id}")).await.0, 204);
        assert_eq!(site.delete(&format!("/resource-servers/{id}")).await.0, 204);
        let (status, gone) = site.get(&format!("/resource-servers/{id}")).await;
        assert_eq!((status, &gone["errorCode"]), (404, &json!("inexistent_resource_server")));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_permission_that_goes_leaves_roles_and_grants() {
    on_each_store(async |site| {
        let (_, api) = site
            .post("/resource-servers", json!({"identifier": "urn:a", "scopes": [{"value": "x"}, {"value": "y"}]}))
            .await;
        let (_, client) = site.post("/clients", json!({"name": "c"})).await;
        let body = json!({"client_id": client["client_id"], "audience": "urn:a", "scope": ["x", "y"]});
        let (_, grant) = site.post("/client-grants", body).await;
        let (_, role) = site.post("/roles", json!({"name": "r"})).await;
        let role = role["id"].as_str().unwrap();
        let both = json!({"permissions": [{"resource_server_identifier": "urn:a", "permission_name": "x"},
            {"resource_server_identifier": "urn:a", "permission_name": "y"}]});
        assert_eq!(site.post(&format!("/roles/{role}/permissions"), both).await.0, 201);
        let id = api["id"].as_str().unwrap();
        assert_eq!(site.patch(&format!("/resource-servers/{id}"), json!({"scopes": [{"value": "y"}]})).await.0, 200);
        let (_, held) = site.get(&format!("/roles/{role}/permissions")).await;
        assert_eq!(held.as_array().unwrap().len(), 1, "{held}");
        let (_, grant) = site.get(&format!("/client-grants/{}", grant["id"].as_str().unwrap())).await;
        assert_eq!(grant["scope"], json!(["y"]));
        // The API takes its grants with it.
        assert_eq!(site.delete(&format!("/resource-servers/{id}")).await.0, 204);
        let (_, grants) =
            site.get(&format!("/client-grants?client_id={}", client["client_id"].as_str().unwrap())).await;
        assert_eq!(grants, json!([]));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_platforms_own_apis_are_listed_and_stay() {
    on_each_store(async |site| {
        let (_, all) = site.get("/resource-servers?include_totals=true").await;
        assert_eq!(all["total"], 4);
        let management = &all["resource_servers"][0];
        assert_eq!(management["identifier"], "https://tenantry.example/api/v2/");
        assert_eq!((&management["name"], &management["is_system"]), (&json!("Auth0 Management API"), &json!(true)));
        assert!(names(management).contains(&"read:client_grants"));
        let id = management["id"].as_str().unwrap();
        assert_eq!(site.delete(&format!("/resource-servers/{id}")).await.0, 400);
        for body in [json!({"name": "x"}), json!({"scopes": []})] {
            let (status, refused) = site.patch(&format!("/resource-servers/{id}"), body).await;
            assert_eq!((status, &refused["errorCode"]), (400, &json!("invalid_body")));
        }
        let (status, changed) = site.patch(&format!("/resource-servers/{id}"), json!({"token_lifetime": 100})).await;
        assert_eq!((status, &changed["token_lifetime"]), (200, &json!(100)));
        // What is made at the start is made once, also when several servers start at once.
        let more = ["read:users", "read:something_new"];
        let (one, other) = tokio::join!(site.identity.prepare(&more), site.identity.prepare(&more));
        one.unwrap();
        other.unwrap();
        site.identity.prepare(&more).await.unwrap();
        let (_, all) = site.get("/resource-servers?include_totals=true").await;
        assert_eq!(all["total"], 4);
        assert_eq!(all["resource_servers"][0]["token_lifetime"], 100);
        let again = names(&all["resource_servers"][0]);
        assert_eq!(again.iter().filter(|name| **name == "read:something_new").count(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_come_in_three_styles() {
    on_each_store(async |site| {
        for number in 0..3 {
            site.clock.advance(std::time::Duration::from_millis(1));
            site.post("/resource-servers", json!({"identifier": format!("urn:{number}")})).await;
        }
        let (_, some) = site.get("/resource-servers?identifiers=urn%3A1&identifiers=urn%3A2&include_totals=true").await;
        assert_eq!((&some["total"], some["resource_servers"].as_array().unwrap().len()), (&json!(2), 2));
        let (_, bare) = site.get("/resource-servers?per_page=2&page=1").await;
        assert_eq!(bare.as_array().unwrap().len(), 2);
        assert_eq!(site.get("/resource-servers?per_page=50&page=1").await, (200, json!([])));
        let (_, chosen) = site.get("/resource-servers?identifiers=urn%3A1&fields=identifier&include_fields=true").await;
        assert_eq!(chosen, json!([{"identifier": "urn:1"}]));
        let (_, left_out) = site.get("/resource-servers/urn%3A1?fields=scopes,id&include_fields=false").await;
        assert_eq!((left_out.get("id"), &left_out["identifier"]), (None, &json!("urn:1")));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signing_secret_is_for_those_who_may_change_it() {
    on_each_store(async |site| {
        let (_, made) = site.post("/resource-servers", json!({"identifier": "urn:hs", "signing_alg": "HS256"})).await;
        let secret = made["signing_secret"].as_str().unwrap().to_owned();
        assert_eq!(secret.len(), 64);
        let (_, seen) = site.get("/resource-servers/urn%3Ahs").await;
        assert_eq!(seen["signing_secret"], json!(secret));
        let token = site.token(&["read:resource_servers"]);
        let (_, seen) = site.call_as(&token, "GET", "/resource-servers/urn%3Ahs", None).await;
        assert_eq!((seen.get("signing_secret"), &seen["signing_alg"]), (None, &json!("HS256")));
    })
    .await;
}
