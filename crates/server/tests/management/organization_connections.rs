//! Connections of organizations, under both paths.

use serde_json::{Value, json};

use crate::cast::{connection, organization};
use crate::site::on_each_store;

#[tokio::test(flavor = "multi_thread")]
async fn both_paths_show_the_same_connections_each_in_its_way() {
    on_each_store(async |site| {
        let org = organization(site, "acme").await;
        let (one, two) = (connection(site, "one").await, connection(site, "two").await);
        let (new, old) =
            (format!("/organizations/{org}/connections"), format!("/organizations/{org}/enabled_connections"));
        let (status, made) = site.post(&old, json!({ "connection_id": one, "assign_membership_on_login": true })).await;
        let shown = json!({
            "connection_id": one, "assign_membership_on_login": true, "show_as_button": true,
            "is_signup_enabled": false, "connection": { "name": "one", "strategy": "auth0" },
        });
        assert_eq!((status, &made), (201, &shown));
        let (status, body) = site.post(&new, json!({ "connection_id": one })).await;
        assert_eq!((status, &body["message"]), (409, &json!("The organization connection already exists.")));
        let added = json!({
            "connection_id": two, "organization_connection_name": "Staff", "organization_access_level": "full",
            "is_enabled": false,
        });
        let (status, made) = site.post(&new, added).await;
        assert_eq!(
            (status, &made["organization_connection_name"], &made["is_enabled"]),
            (201, &json!("Staff"), &json!(false))
        );
        // The older path knows only those that are enabled.
        assert_eq!(site.get(&old).await, (200, json!([shown])));
        assert_eq!(site.get(&format!("{old}/{two}")).await.0, 404);
        assert_eq!(site.get(&format!("{new}/{two}")).await.0, 200);
        let (_, all) = site.get(&format!("{new}?include_totals=true")).await;
        assert_eq!((&all["total"], all["connections"].as_array().unwrap().len()), (&json!(2), 2));
        let (_, off) = site.get(&format!("{new}?is_enabled=false")).await;
        assert_eq!((off.as_array().unwrap().len(), &off[0]["connection_id"]), (1, &json!(two)));
        let (_, on) = site.get(&format!("{old}?include_totals=true&per_page=1")).await;
        assert_eq!((&on["total"], on["enabled_connections"].as_array().unwrap().len()), (&json!(1), 1));

        let (status, changed) = site
            .patch(&format!("{new}/{two}"), json!({ "is_enabled": true, "organization_connection_name": null }))
            .await;
        assert_eq!(
            (status, &changed["is_enabled"], changed.get("organization_connection_name")),
            (200, &json!(true), None)
        );
        assert_eq!(changed["organization_access_level"], json!("full"));
        let (status, changed) = site.patch(&format!("{old}/{two}"), json!({ "show_as_button": false })).await;
        assert_eq!((status, &changed["show_as_button"]), (200, &json!(false)));
        assert_eq!(site.delete(&format!("{old}/{two}")).await, (204, Value::Null));
        assert_eq!(site.delete(&format!("{new}/{two}")).await, (204, Value::Null));
        let (status, gone) = site.get(&format!("{new}/{two}")).await;
        assert_eq!((status, &gone["message"]), (404, &json!("No connection found by that id")));
        assert_eq!(site.patch(&format!("{new}/{two}"), json!({ "is_enabled": true })).await.0, 404);
        assert_eq!(site.post(&new, json!({ "connection_id": "con_0000000000000000" })).await.0, 404);
        assert_eq!(site.get("/organizations/org_none/connections").await.0, 404);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organization_is_made_with_its_connections_or_not_at_all() {
    on_each_store(async |site| {
        let one = connection(site, "one").await;
        let body = |id: &str| json!({ "name": "acme", "enabled_connections": [{ "connection_id": id, "show_as_button": false }] });
        assert_eq!(site.post("/organizations", body("con_0000000000000000")).await.0, 404);
        assert_eq!(site.get("/organizations/name/acme").await.0, 404);
        let token = site.token(&["create:organizations"]);
        assert_eq!(site.call_as(&token, "POST", "/organizations", Some(body(&one))).await.0, 403);
        let (status, made) = site.post("/organizations", body(&one)).await;
        assert_eq!(status, 201, "{made}");
        assert_eq!(made["enabled_connections"][0]["connection"], json!({ "name": "one", "strategy": "auth0" }));
        assert_eq!(made["enabled_connections"][0]["show_as_button"], json!(false));
        let id = made["id"].as_str().unwrap();
        assert_eq!(site.get(&format!("/organizations/{id}/enabled_connections")).await.1.as_array().unwrap().len(), 1);
        let (_, read) = site.get(&format!("/organizations/{id}")).await;
        assert_eq!(read.get("enabled_connections"), None);
    })
    .await;
}
