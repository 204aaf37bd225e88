//! Client grants that may be used for organizations.

use serde_json::{Value, json};

use crate::cast::{client, organization, text};
use crate::site::{Site, on_each_store};

async fn grant(site: &Site, audience: &str, usage: &str) -> (String, String) {
    let app = client(site, json!({ "organization_usage": "allow" })).await;
    let (status, api) = site
        .post(
            "/resource-servers",
            json!({ "name": audience, "identifier": audience, "scopes": [{ "value": "read:it" }] }),
        )
        .await;
    assert_eq!(status, 201, "{api}");
    let body = json!({
        "client_id": app, "audience": audience, "scope": ["read:it"], "organization_usage": usage,
        "allow_any_organization": false,
    });
    let (status, made) = site.post("/client-grants", body).await;
    assert_eq!(status, 201, "{made}");
    (text(&made["id"]), app)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_is_let_in_listed_from_both_sides_and_taken_back() {
    on_each_store(async |site| {
        let org = organization(site, "acme").await;
        let (one, app) = grant(site, "https://one.example/", "allow").await;
        let (two, _) = grant(site, "https://two.example/", "require").await;
        let path = format!("/organizations/{org}/client-grants");
        let (status, added) = site.post(&path, json!({ "grant_id": one })).await;
        assert_eq!(status, 201, "{added}");
        assert_eq!(
            (&added["grant_id"], &added["client_id"], &added["audience"], &added["scope"]),
            (&json!(one), &json!(app), &json!("https://one.example/"), &json!(["read:it"]))
        );
        let (status, again) = site.post(&path, json!({ "grant_id": one })).await;
        assert_eq!(
            (status, &again["message"]),
            (409, &json!("The client grant has already been added to this organization."))
        );
        assert_eq!(site.post(&path, json!({ "grant_id": two })).await.0, 201);
        let (_, listed) = site.get(&format!("{path}?include_totals=true&per_page=50")).await;
        assert_eq!(
            (&listed["total"], &listed["client_grants"][0]["id"], &listed["client_grants"][0]["subject_type"]),
            (&json!(2), &json!(one), &json!("client"))
        );
        for (filter, expected) in [
            (format!("client_id={app}"), &one),
            ("audience=https%3A%2F%2Ftwo.example%2F".to_owned(), &two),
            (format!("grant_ids={two}"), &two),
        ] {
            let (_, listed) = site.get(&format!("{path}?{filter}")).await;
            assert_eq!(
                listed.as_array().unwrap().iter().map(|grant| text(&grant["id"])).collect::<Vec<_>>(),
                std::slice::from_ref(expected)
            );
        }
        let (status, accounts) = site.get(&format!("/client-grants/{one}/organizations?include_totals=true")).await;
        assert_eq!((status, &accounts["total"], &accounts["organizations"][0]["id"]), (200, &json!(1), &json!(org)));
        assert_eq!(site.delete(&format!("{path}/{one}")).await, (204, Value::Null));
        assert_eq!(site.delete(&format!("{path}/{one}")).await, (204, Value::Null));
        assert_eq!(site.get(&format!("/client-grants/{one}/organizations")).await, (200, json!([])));
        // A grant that goes, goes from its organizations.
        assert_eq!(site.delete(&format!("/client-grants/{two}")).await.0, 204);
        assert_eq!(site.get(&path).await, (200, json!([])));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_grant_for_organizations_is_let_in() {
    on_each_store(async |site| {
        let org = organization(site, "acme").await;
        let (one, _) = grant(site, "https://one.example/", "deny").await;
        let path = format!("/organizations/{org}/client-grants");
        assert_eq!(site.post(&path, json!({ "grant_id": one })).await.0, 400);
        let (status, body) = site.post(&path, json!({ "grant_id": "cgr_0000000000000000" })).await;
        assert_eq!((status, &body["errorCode"]), (404, &json!("inexistent_client_grant")));
        assert_eq!(site.post("/organizations/org_none/client-grants", json!({ "grant_id": one })).await.0, 404);
        assert_eq!(site.get("/client-grants/cgr_0000000000000000/organizations").await.0, 404);
    })
    .await;
}
