//! Members of organizations and their roles there.

use serde_json::{Value, json};
use tenantry_identity::Refusal;
use tenantry_identity::account_connections::NewAccountConnection;

use crate::cast::{bound, escaped, operator, organization, role, text, user};
use crate::site::{Site, on_each_store};

const NO_ORGANIZATION: &str = "No organization found by that id or name";

async fn add(site: &Site, id: &str, users: &[&String]) {
    let (status, body) = site.post(&format!("/organizations/{id}/members"), json!({ "members": users })).await;
    assert_eq!((status, &body), (204, &Value::Null));
}

fn ids(list: &Value) -> Vec<String> {
    list.as_array().unwrap().iter().map(|member| text(&member["user_id"])).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn members_come_go_and_are_listed_in_every_style() {
    on_each_store(async |site| {
        let org = organization(site, "acme").await;
        let (a, b, c) =
            (user(site, "A@example.com").await, user(site, "b@example.com").await, user(site, "c@example.com").await);
        add(site, &org, &[&c, &a]).await;
        // Once more changes nothing; a new one comes last.
        add(site, &org, &[&a, &b]).await;
        let path = format!("/organizations/{org}/members");
        let (status, bare) = site.get(&path).await;
        assert_eq!((status, ids(&bare)), (200, vec![c.clone(), a.clone(), b.clone()]));
        assert_eq!(bare[0].as_object().unwrap().keys().collect::<Vec<_>>(), ["user_id", "email", "picture", "name"]);
        let (_, page) = site.get(&format!("{path}?include_totals=true&per_page=2&page=1")).await;
        assert_eq!(
            (ids(&page["members"]), &page["start"], &page["limit"], &page["total"]),
            (vec![b.clone()], &json!(2), &json!(2), &json!(3))
        );
        let (_, past) = site.get(&format!("{path}?include_totals=true&per_page=2&page=2")).await;
        assert_eq!((ids(&past["members"]), &past["total"]), (vec![], &json!(3)));
        // take and from win over pages, which some clients send along.
        let (_, first) = site.get(&format!("{path}?take=2&include_totals=true&per_page=50")).await;
        assert_eq!(ids(&first["members"]), [c.clone(), a.clone()]);
        let (_, rest) = site.get(&format!("{path}?take=2&from={}", text(&first["next"]))).await;
        assert_eq!(ids(&rest["members"]), std::slice::from_ref(&b));
        // The end of this list shows in an empty part, as recorded.
        let (_, end) = site.get(&format!("{path}?take=2&from={}", text(&rest["next"]))).await;
        assert_eq!((ids(&end["members"]), end.get("next")), (vec![], None));
        assert_eq!(site.get(&format!("{path}?take=2&from=nothing")).await.0, 400);

        let gone = json!({ "members": [a, "auth0|000000000000000000000000"] });
        assert_eq!(site.call("DELETE", &path, Some(gone)).await, (204, Value::Null));
        assert_eq!(ids(&site.get(&path).await.1), [c.clone(), b.clone()]);
        // A user who is removed is a member no more.
        site.identity.delete_user(&operator(), &c).await.unwrap();
        assert_eq!(ids(&site.get(&path).await.1), [b]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_added_when_one_does_not_exist() {
    on_each_store(async |site| {
        let org = organization(site, "acme").await;
        let a = user(site, "a@example.com").await;
        let path = format!("/organizations/{org}/members");
        let (status, body) = site.post(&path, json!({ "members": [a, "auth0|000000000000000000000000"] })).await;
        assert_eq!((status, &body["errorCode"]), (404, &json!("inexistent_user")));
        assert_eq!(site.get(&path).await, (200, json!([])));
        let (status, body) = site.post("/organizations/org_none/members", json!({ "members": [a] })).await;
        assert_eq!((status, &body["message"]), (404, &json!(NO_ORGANIZATION)));
        assert_eq!(site.get("/organizations/org_none/members").await.0, 404);
        let (status, body) = site.post(&path, json!({ "members": [] })).await;
        assert_eq!((status, &body["errorCode"]), (400, &json!("invalid_body")));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_are_held_in_one_organization_and_leave_with_the_member() {
    on_each_store(async |site| {
        let (org, other) = (organization(site, "acme").await, organization(site, "beta").await);
        let a = user(site, "a@example.com").await;
        let (editor, viewer) = (role(site, "editor").await, role(site, "viewer").await);
        let path = format!("/organizations/{org}/members/{}/roles", escaped(&a));
        // They may be given before the membership, as with Auth0.
        assert_eq!(site.post(&path, json!({ "roles": [viewer, editor] })).await, (204, Value::Null));
        assert_eq!(site.post(&path, json!({ "roles": [editor] })).await.0, 204);
        add(site, &org, &[&a]).await;
        add(site, &other, &[&a]).await;
        let (status, held) = site.get(&format!("{path}?include_totals=true")).await;
        assert_eq!((status, &held["total"]), (200, &json!(2)));
        assert_eq!(held["roles"][0], json!({ "id": viewer, "name": "viewer", "description": "A role" }));
        let (_, elsewhere) = site.get(&format!("/organizations/{other}/members/{}/roles", escaped(&a))).await;
        assert_eq!(elsewhere, json!([]));
        let (_, shown) =
            site.get(&format!("/organizations/{org}/members?fields=user_id,roles&include_fields=true")).await;
        assert_eq!(
            shown,
            json!([{ "user_id": a, "roles": [{ "id": viewer, "name": "viewer" }, { "id": editor, "name": "editor" }] }])
        );
        let (_, without) = site.get(&format!("/organizations/{org}/members?fields=email&include_fields=false")).await;
        assert_eq!(without[0].as_object().unwrap().keys().collect::<Vec<_>>(), ["user_id", "picture", "name"]);
        // Roles are told only to those who may see them.
        let token = site.token(&["read:organization_members"]);
        let as_roles = format!("/organizations/{org}/members?fields=roles");
        assert_eq!(site.call_as(&token, "GET", &as_roles, None).await.0, 403);

        let less = json!({ "roles": [viewer] });
        assert_eq!(site.call("DELETE", &path, Some(less)).await, (204, Value::Null));
        assert_eq!(site.get(&path).await.1.as_array().unwrap().len(), 1);
        let members = format!("/organizations/{org}/members");
        assert_eq!(site.call("DELETE", &members, Some(json!({ "members": [a] }))).await.0, 204);
        assert_eq!(site.get(&path).await, (200, json!([])));
        add(site, &org, &[&a]).await;
        assert_eq!(site.get(&path).await, (200, json!([])));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_of_another_level_or_account_is_not_given() {
    on_each_store(async |site| {
        let org = organization(site, "acme").await;
        let a = user(site, "a@example.com").await;
        let editor = role(site, "editor").await;
        let path = format!("/organizations/{org}/members/{}/roles", escaped(&a));
        for (wrong, status) in
            [("rol_PlatformOwner000", 400), ("rol_WorkspaceAdmin00", 400), ("rol_0000000000000000", 404)]
        {
            let (found, body) = site.post(&path, json!({ "roles": [editor, wrong] })).await;
            assert_eq!(found, status, "{wrong}: {body}");
        }
        assert_eq!(site.get(&path).await, (200, json!([])));
        let nobody = format!("/organizations/{org}/members/auth0%7C000000000000000000000000/roles");
        assert_eq!(site.get(&nobody).await.1["errorCode"], json!("inexistent_user"));
        let (status, body) = site.post(&nobody, json!({ "roles": [editor] })).await;
        assert_eq!((status, &body["errorCode"]), (404, &json!("inexistent_user")));
        assert_eq!(
            site.post(&format!("/organizations/org_none/members/{}/roles", escaped(&a)), json!({ "roles": [editor] }))
                .await
                .0,
            404
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_organizations_of_a_user_are_listed() {
    on_each_store(async |site| {
        let (first, second) = (organization(site, "acme").await, organization(site, "beta").await);
        let a = user(site, "a@example.com").await;
        add(site, &second, &[&a]).await;
        add(site, &first, &[&a]).await;
        let path = format!("/users/{}/organizations", escaped(&a));
        let (status, listed) = site.get(&format!("{path}?include_totals=true&per_page=50")).await;
        let names: Vec<&Value> = listed["organizations"].as_array().unwrap().iter().map(|org| &org["name"]).collect();
        assert_eq!((status, names, &listed["total"]), (200, vec![&json!("beta"), &json!("acme")], &json!(2)));
        assert_eq!(site.get(&format!("{path}?page=2&per_page=1")).await, (200, json!([])));
        let (status, body) = site.get("/users/auth0%7C000000000000000000000000/organizations").await;
        assert_eq!((status, &body["errorCode"]), (404, &json!("inexistent_user")));
    })
    .await;
}

/// Who is bound to an account takes in nobody by an id alone, nor lets others' connections in.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_bound_to_an_account_pulls_nobody_in() {
    on_each_store(async |site| {
        let org = organization(site, "acme").await;
        let (admin, stranger) = (user(site, "admin@example.com").await, user(site, "stranger@example.com").await);
        add(site, &org, &[&admin]).await;
        let words = ["create:organization_members", "create:organization_connections", "read:organization_members"];
        let caller = bound(&admin, &org, None, &words);
        for wanted in [stranger.as_str(), "auth0|000000000000000000000000"] {
            let added = site.identity.add_members(&caller, &org, &[wanted.to_owned()]).await;
            assert!(matches!(added, Err(Refusal::Forbidden { .. })), "whether or not there is such a user: {added:?}");
        }
        let connection_id = site.get("/connections").await.1[0]["id"].as_str().unwrap().to_owned();
        let new = NewAccountConnection { connection_id, ..NewAccountConnection::default() };
        let given = site.identity.add_account_connection(&caller, &org, new).await;
        assert!(matches!(given, Err(Refusal::Forbidden { .. })), "{given:?}");
        assert_eq!(ids(&site.get(&format!("/organizations/{org}/members")).await.1), [admin]);
    })
    .await;
}
