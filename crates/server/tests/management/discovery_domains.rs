//! Domains by which logins find organizations.

use serde_json::{Value, json};

use crate::cast::{bound, organization, text};
use crate::site::on_each_store;

#[tokio::test(flavor = "multi_thread")]
async fn a_domain_is_added_verified_found_and_removed() {
    on_each_store(async |site| {
        let org = organization(site, "acme").await;
        let path = format!("/organizations/{org}/discovery-domains");
        let (status, made) = site.post(&path, json!({ "domain": "Example.com" })).await;
        assert_eq!(status, 201, "{made}");
        let id = text(&made["id"]);
        assert_eq!(
            (&made["domain"], &made["status"], &made["use_for_organization_discovery"], &made["verification_host"]),
            (
                &json!("example.com"),
                &json!("pending"),
                &json!(true),
                &json!(format!("_ss-verification.{org}.example.com"))
            )
        );
        assert!(made["verification_txt"].as_str().unwrap().len() > 40);
        assert_eq!(site.get(&format!("{path}/{id}")).await, (200, made.clone()));
        assert_eq!(site.get(&format!("{path}/name/EXAMPLE.com")).await, (200, made));
        let (status, again) = site.post(&path, json!({ "domain": "example.com" })).await;
        assert_eq!(status, 409, "{again}");
        let (status, wrong) = site.post(&path, json!({ "domain": "not a domain" })).await;
        assert_eq!((status, &wrong["errorCode"]), (400, &json!("invalid_body")));

        assert!(site.identity.account_of_address("ada@example.com").await.unwrap().is_none());
        let (status, changed) = site.patch(&format!("{path}/{id}"), json!({ "status": "verified" })).await;
        assert_eq!((status, &changed["status"]), (200, &json!("verified")));
        let found = site.identity.account_of_address("Ada@Example.com").await.unwrap();
        assert_eq!(found.map(|account| account.id), Some(org.clone()));
        let (_, changed) =
            site.patch(&format!("{path}/{id}"), json!({ "use_for_organization_discovery": false })).await;
        assert_eq!(
            (&changed["status"], &changed["use_for_organization_discovery"]),
            (&json!("verified"), &json!(false))
        );
        assert!(site.identity.account_of_address("ada@example.com").await.unwrap().is_none());

        assert_eq!(site.delete(&format!("{path}/{id}")).await, (204, Value::Null));
        let (status, gone) = site.get(&format!("{path}/{id}")).await;
        assert_eq!((status, &gone["message"]), (404, &json!("No organization domain found by that id")));
        assert_eq!(site.delete(&format!("{path}/{id}")).await.0, 204);
        assert_eq!(site.patch(&format!("{path}/{id}"), json!({})).await.0, 404);
        assert_eq!(site.get("/organizations/org_none/discovery-domains").await.0, 404);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn domains_are_listed_part_by_part() {
    on_each_store(async |site| {
        let org = organization(site, "acme").await;
        let path = format!("/organizations/{org}/discovery-domains");
        for name in ["a.com", "b.com", "c.com"] {
            assert_eq!(site.post(&path, json!({ "domain": name })).await.0, 201);
        }
        let names = |listed: &Value| -> Vec<String> {
            listed["domains"].as_array().unwrap().iter().map(|domain| text(&domain["domain"])).collect()
        };
        let (_, first) = site.get(&format!("{path}?take=2")).await;
        assert_eq!(names(&first), ["a.com", "b.com"]);
        let (_, rest) = site.get(&format!("{path}?take=2&from={}", text(&first["next"]))).await;
        assert_eq!((names(&rest), rest.get("next")), (vec!["c.com".to_owned()], None));
        let (_, whole) = site.get(&path).await;
        assert_eq!(names(&whole).len(), 3);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_does_not_verify_its_own_domain() {
    on_each_store(async |site| {
        let org = organization(site, "acme").await;
        let owner = bound(
            "auth0|x",
            &org,
            None,
            &["create:organization_discovery_domains", "update:organization_discovery_domains"],
        );
        let identity = &site.identity;
        assert!(identity.add_domain(&owner, &org, "example.com", Some("verified"), None).await.is_err());
        let made = identity.add_domain(&owner, &org, "example.com", None, None).await.unwrap();
        assert!(identity.update_domain(&owner, &org, &made.id, Some("verified"), None).await.is_err());
        assert!(!identity.update_domain(&owner, &org, &made.id, None, Some(false)).await.unwrap().verified);
    })
    .await;
}
