//! Status and parents of accounts, and the order of their list.

use serde_json::{Value, json};
use tenantry_identity::text::Fields;
use tenantry_identity::{Kind, Refusal};

use crate::cast::{bound, operator, organization, text};
use crate::site::on_each_store;

fn change(fields: Value) -> Fields {
    fields.as_object().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_account_lies_below_itself() {
    on_each_store(async |site| {
        let identity = &site.identity;
        let (a, b, c) = (organization(site, "a").await, organization(site, "b").await, organization(site, "c").await);
        let put = async |id: &str, parent: &str| {
            identity.update_account(&operator(), id, change(json!({ "parent_id": parent }))).await.map(drop)
        };
        put(&b, &a).await.unwrap();
        put(&c, &b).await.unwrap();
        for below in [&a, &b, &c] {
            assert!(matches!(put(&a, below).await, Err(Refusal::Invalid { .. })));
        }
        assert!(matches!(put(&a, "org_none").await, Err(Refusal::Invalid { .. })));
        assert_eq!(put("org_none", &a).await, Err(Refusal::Missing(Kind::Account)));
        // Two at once make no ring together: at most one of them happens.
        put(&c, &a).await.unwrap();
        let one = {
            let identity = std::sync::Arc::clone(identity);
            let (b, c) = (b.clone(), c.clone());
            tokio::spawn(
                async move { identity.update_account(&operator(), &b, change(json!({ "parent_id": c }))).await },
            )
        };
        let two = {
            let identity = std::sync::Arc::clone(identity);
            let (b, c) = (b.clone(), c.clone());
            tokio::spawn(
                async move { identity.update_account(&operator(), &c, change(json!({ "parent_id": b }))).await },
            )
        };
        let done = [one.await.unwrap().is_ok(), two.await.unwrap().is_ok()];
        assert_eq!(done.iter().filter(|done| **done).count(), 1, "{done:?}");
        // One with others below it stays.
        assert_eq!(site.delete(&format!("/organizations/{a}")).await.0, 400);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_platform_said_of_an_account_is_not_its_own_to_change() {
    on_each_store(async |site| {
        let identity = &site.identity;
        let (org, other) = (organization(site, "acme").await, organization(site, "beta").await);
        let owner = bound("auth0|x", &org, None, &["update:organizations"]);
        let own = change(json!({ "display_name": "Acme", "metadata": { "a": "1" } }));
        assert!(identity.update_account(&owner, &org, own.clone()).await.is_ok());
        assert_eq!(identity.update_account(&owner, &other, own).await.map(drop), Err(Refusal::Hidden));
        for wrong in [
            json!({ "status": "active" }),
            json!({ "parent_id": other }),
            json!({ "name": "other" }),
            json!({ "limits": {} }),
            json!({ "isolation": "shared", "display_name": "x" }),
        ] {
            let changed = identity.update_account(&owner, &org, change(wrong.clone())).await;
            assert!(matches!(changed, Err(Refusal::Forbidden { .. })), "{wrong}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_account_stays_closed() {
    on_each_store(async |site| {
        let identity = &site.identity;
        let org = organization(site, "acme").await;
        let set = async |status: &str| {
            identity
                .update_account(&operator(), &org, change(json!({ "status": status })))
                .await
                .map(|account| account.status.name())
        };
        assert_eq!(set("suspended").await, Ok("suspended"));
        assert_eq!(set("active").await, Ok("active"));
        assert!(set("asleep").await.is_err());
        assert_eq!(set("closed").await, Ok("closed"));
        assert!(set("active").await.is_err());
        assert_eq!(set("closed").await, Ok("closed"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_is_sorted_as_asked() {
    on_each_store(async |site| {
        for (name, shown) in [("b", json!("Two")), ("c", Value::Null), ("a", json!("One"))] {
            let mut body = json!({ "name": name });
            if shown.is_string() {
                body["display_name"] = shown;
            }
            assert_eq!(site.post("/organizations", body).await.0, 201);
        }
        for (sort, expected) in [
            ("name:1", "a b c"),
            ("name:-1", "c b a"),
            ("created_at:1", "b c a"),
            ("created_at:-1", "a c b"),
            ("display_name:1", "c a b"),
            ("display_name:-1", "b a c"),
        ] {
            let (status, listed) = site.get(&format!("/organizations?sort={sort}")).await;
            let names: Vec<String> = listed.as_array().unwrap().iter().map(|org| text(&org["name"])).collect();
            assert_eq!((status, names.join(" ").as_str()), (200, expected), "{sort}");
        }
        for wrong in ["name", "name:2", "id:1"] {
            let (status, body) = site.get(&format!("/organizations?sort={wrong}")).await;
            assert_eq!((status, &body["errorCode"]), (400, &json!("invalid_query_string")), "{wrong}");
        }
        let (_, page) = site.get("/organizations?sort=name:1&page=1&per_page=2&include_totals=true").await;
        assert_eq!(
            (&page["organizations"][0]["name"], &page["total"], &page["start"]),
            (&json!("c"), &json!(3), &json!(2))
        );
        let (status, body) = site.get("/organizations?page=20&per_page=50").await;
        assert_eq!((status, &body["errorCode"]), (400, &json!("invalid_paging")));
    })
    .await;
}
