//! Organizations.

use serde_json::json;

use crate::site::on_each_store;

#[tokio::test(flavor = "multi_thread")]
async fn an_organization_is_made_changed_listed_and_removed() {
    on_each_store(async |site| {
        let (status, made) =
            site.post("/organizations", json!({"name": "acme", "metadata": {"a": "1", "b": "2"}})).await;
        assert_eq!(status, 201, "{made}");
        let id = made["id"].as_str().unwrap().to_owned();
        assert!(id.starts_with("org_") && id.len() == 20);
        let (status, again) = site.post("/organizations", json!({"name": "acme"})).await;
        assert_eq!((status, &again["message"]), (409, &json!("An organization with this name already exists.")));
        let (status, changed) = site.patch(&format!("/organizations/{id}"), json!({"metadata": {"c": "3"}})).await;
        assert_eq!((status, &changed["metadata"]), (200, &json!({"c": "3"})));
        let (_, listed) = site.get("/organizations?include_totals=true&per_page=1").await;
        assert_eq!(
            (&listed["total"], &listed["limit"], listed["organizations"].as_array().unwrap().len()),
            (&json!(1), &json!(1), 1)
        );
        assert_eq!(site.get("/organizations?page=1&per_page=1").await, (200, json!([])));
        assert_eq!(site.delete(&format!("/organizations/{id}")).await.0, 204);
        let (status, gone) = site.get(&format!("/organizations/{id}")).await;
        assert_eq!((status, &gone["message"]), (404, &json!("No organization found by that id or name")));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scope_is_needed() {
    on_each_store(async |site| {
        let token = site.token(&["read:users"]);
        let (status, body) = site.call_as(&token, "POST", "/organizations", Some(json!({"name": "x"}))).await;
        assert_eq!(
            (status, &body["message"]),
            (403, &json!("Insufficient scope; expected any of: create:organizations."))
        );
        let (status, body) = site.call_as("x", "GET", "/organizations", None).await;
        assert_eq!((status, &body["message"]), (401, &json!("Invalid token.")));
    })
    .await;
}
