//! Client grants.

use serde_json::json;

use crate::site::on_each_store;

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_is_made_filtered_changed_and_removed() {
    on_each_store(async |site| {
        let (_, client) = site.post("/clients", json!({"name": "c"})).await;
        let client = client["client_id"].as_str().unwrap();
        site.post("/resource-servers", json!({"identifier": "urn:a", "scopes": [{"value": "x"}, {"value": "y"}]}))
            .await;
        let body = json!({"client_id": client, "audience": "urn:a", "scope": ["y", "x"]});
        let (status, grant) = site.post("/client-grants", body.clone()).await;
        assert_eq!(status, 201, "{grant}");
        assert_eq!((&grant["scope"], &grant["subject_type"]), (&json!(["y", "x"]), &json!("client")));
        assert!(grant["id"].as_str().unwrap().starts_with("cgr_"));
        assert_eq!(site.post("/client-grants", body).await.0, 409);
        // The same for users is another grant.
        site.clock.advance(std::time::Duration::from_millis(1));
        let (status, for_users) = site
            .post(
                "/client-grants",
                json!({"client_id": client, "audience": "urn:a", "scope": ["x"], "subject_type": "user",
                "organization_usage": "allow", "allow_any_organization": true}),
            )
            .await;
        assert_eq!((status, &for_users["allow_any_organization"]), (201, &json!(true)));
        let (status, missing) = site.post("/client-grants", json!({"client_id": client, "audience": "urn:none"})).await;
        assert_eq!((status, &missing["errorCode"]), (404, &json!("inexistent_resource_server")));
        let (status, missing) = site.post("/client-grants", json!({"client_id": "none", "audience": "urn:a"})).await;
        assert_eq!((status, &missing["errorCode"]), (404, &json!("inexistent_client")));
        assert_eq!(site.post("/client-grants", json!({"audience": "urn:a"})).await.0, 400);
        for (query, count) in [
            ("", 2),
            (&*format!("?client_id={client}"), 2),
            ("?audience=urn%3Aa&subject_type=user", 1),
            ("?allow_any_organization=true", 1),
            ("?audience=urn%3Ab", 0),
            ("?client_id=none", 0),
        ] {
            let (_, listed) = site.get(&format!("/client-grants{query}")).await;
            assert_eq!(listed.as_array().unwrap().len(), count, "{query}");
        }
        let (_, first) = site.get("/client-grants?take=1").await;
        let next = first["next"].as_str().unwrap();
        let (_, second) = site.get(&format!("/client-grants?take=1&from={next}")).await;
        assert_eq!((&second["client_grants"][0]["id"], second.get("next")), (&for_users["id"], None));
        let path = format!("/client-grants/{}", grant["id"].as_str().unwrap());
        let (status, changed) = site.patch(&path, json!({"scope": ["x"], "organization_usage": "require"})).await;
        assert_eq!(
            (status, &changed["scope"], &changed["organization_usage"]),
            (200, &json!(["x"]), &json!("require"))
        );
        let (_, changed) = site.patch(&path, json!({"allow_all_scopes": true, "organization_usage": null})).await;
        assert_eq!((&changed["allow_all_scopes"], changed.get("organization_usage")), (&json!(true), None));
        assert_eq!((site.delete(&path).await.0, site.delete(&path).await.0), (204, 204));
        let (status, gone) = site.get(&path).await;
        assert_eq!(
            (status, &gone["message"], &gone["errorCode"]),
            (404, &json!("The grant does not exist."), &json!("inexistent_client_grant"))
        );
        assert_eq!(site.patch(&path, json!({"scope": []})).await.0, 404);
        // The client takes the rest with it.
        site.delete(&format!("/clients/{client}")).await;
        assert_eq!(site.get("/client-grants").await.1, json!([]));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_not_granted_on_a_system_api() {
    on_each_store(async |site| {
        let (_, client) = site.post("/clients", json!({"name": "c"})).await;
        let audience = "https://tenantry.example/api/v2/";
        let body = json!({"client_id": client["client_id"], "audience": audience, "allow_all_scopes": true});
        let (status, refused) = site.post("/client-grants", body).await;
        assert_eq!(
            (status, &refused["message"]),
            (400, &json!("`allow_all_scopes` cannot be provided when `audience` is a system API"))
        );
        let body = json!({"client_id": client["client_id"], "audience": audience, "scope": ["read:users"]});
        assert_eq!(site.post("/client-grants", body).await.0, 201);
    })
    .await;
}
