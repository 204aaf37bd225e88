//! Roles, permissions, and who holds them.

use std::io::{Seek, Write};

use serde_json::{Value, json};

use crate::site::{Site, on_each_store};

const API: &str = "https://tenantry.example/api/v2/";

async fn user(site: &Site, email: &str) -> String {
    let body = json!({"connection": "Username-Password-Authentication", "password": "Correct horse, 1 battery", "email": email});
    let (status, user) = site.post("/users", body).await;
    assert_eq!(status, 201, "{user}");
    user["user_id"].as_str().unwrap().to_owned()
}

async fn role(site: &Site, name: &str) -> String {
    let (status, role) = site.post("/roles", json!({"name": name, "description": "d"})).await;
    assert_eq!(status, 200, "{role}");
    role["id"].as_str().unwrap().to_owned()
}

fn permissions(names: &[&str]) -> Value {
    let items: Vec<_> =
        names.iter().map(|name| json!({"resource_server_identifier": API, "permission_name": name})).collect();
    json!({ "permissions": items })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_is_made_listed_changed_and_removed() {
    on_each_store(async |site| {
        let id = role(site, "Editor").await;
        assert!(id.starts_with("rol_") && id.len() == 20);
        assert_eq!(site.get(&format!("/roles/{id}")).await.1, json!({"id": id, "name": "Editor", "description": "d"}));
        let (status, answer) = site.post("/roles", json!({"name": "Editor"})).await;
        assert_eq!((status, &answer["message"]), (409, &json!("The role already exists.")));
        assert_eq!(site.post("/roles", json!({"name": ""})).await.0, 400);
        assert_eq!(site.post("/roles", json!({})).await.0, 400);
        let other = role(site, "Reader").await;
        assert_eq!(site.patch(&format!("/roles/{other}"), json!({"name": "Editor"})).await.0, 409);
        let (status, changed) = site.patch(&format!("/roles/{other}"), json!({"description": "e"})).await;
        assert_eq!((status, changed), (200, json!({"id": other, "name": "Reader", "description": "e"})));
        let (_, listed) = site.get("/roles?name_filter=EDIT&include_totals=true").await;
        assert_eq!((&listed["total"], &listed["roles"][0]["id"]), (&json!(1), &json!(id)));
        assert_eq!(site.get("/roles?name_filter=%25").await, (200, json!([])));
        assert_eq!(site.get("/roles?page=9&per_page=50").await, (200, json!([])));
        assert_eq!(site.delete(&format!("/roles/{id}")).await, (200, json!({})));
        for (method, body) in [("GET", None), ("DELETE", None), ("PATCH", Some(json!({"name": "x"})))] {
            let (status, gone) = site.call(method, &format!("/roles/{id}"), body).await;
            assert_eq!((status, &gone["message"]), (404, &json!("The role does not exist.")));
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_roles_permit_comes_to_their_holders() {
    on_each_store(async |site| {
        let (ann, bob) = (user(site, "ann@example.com").await, user(site, "bob@example.com").await);
        let editor = role(site, "Editor").await;
        let of_role = format!("/roles/{editor}/permissions");
        assert_eq!(site.post(&of_role, permissions(&["read:users", "read:roles"])).await, (201, json!({})));
        assert_eq!(site.post(&of_role, permissions(&["read:users"])).await, (201, json!({})));
        assert_eq!(site.post(&of_role, permissions(&["read:users", "never:heard"])).await.0, 404);
        let (_, listed) = site.get(&format!("{of_role}?include_totals=true&per_page=1")).await;
        assert_eq!((&listed["total"], &listed["permissions"][0]["permission_name"]), (&json!(2), &json!("read:roles")));
        assert_eq!(site.call("DELETE", &of_role, Some(permissions(&["read:roles"]))).await, (204, Value::Null));

        let users = format!("/roles/{editor}/users");
        assert_eq!(site.post(&users, json!({"users": [ann, bob]})).await, (200, json!({})));
        assert_eq!(site.post(&users, json!({"users": ["auth0|nobody"]})).await.0, 404);
        let (_, first) = site.get(&format!("{users}?take=1")).await;
        let next = first["next"].as_str().unwrap();
        let (_, second) = site.get(&format!("{users}?take=1&from={next}&include_totals=true")).await;
        assert!(second.get("next").is_none() && second.get("total").is_none());
        assert_ne!(first["users"][0]["user_id"], second["users"][0]["user_id"]);
        assert_eq!(site.get(&format!("{users}?take=1&from=!")).await.0, 400);
        let (_, paged) = site.get(&format!("{users}?include_totals=true&per_page=1&page=1")).await;
        assert_eq!(
            (&paged["total"], &paged["start"], paged["users"].as_array().unwrap().len()),
            (&json!(2), &json!(1), 1)
        );

        let of_ann = format!("/users/{}", ann.replace('|', "%7C"));
        let direct = format!("{of_ann}/permissions");
        assert_eq!(site.post(&direct, permissions(&["read:users", "create:users"])).await, (201, json!({})));
        let (_, held) = site.get(&format!("{direct}?include_totals=true")).await;
        assert_eq!(held["total"], json!(2));
        assert_eq!(held["permissions"][0]["permission_name"], json!("create:users"));
        let kinds: Vec<&Value> =
            held["permissions"][1]["sources"].as_array().unwrap().iter().map(|source| &source["source_type"]).collect();
        assert_eq!(kinds, [&json!("DIRECT"), &json!("ROLE")]);
        let rights = site.identity.rights(&ann, None, None).await.unwrap();
        assert_eq!(rights.roles.iter().map(|role| role.name.as_str()).collect::<Vec<_>>(), ["Editor"]);
        assert_eq!(rights.on(API).collect::<Vec<_>>(), ["create:users", "read:users"]);
        assert_eq!(site.call("DELETE", &direct, Some(permissions(&["create:users"]))).await, (204, Value::Null));

        let roles = format!("{of_ann}/roles");
        let other = role(site, "Other").await;
        assert_eq!(site.post(&roles, json!({"roles": [other]})).await, (204, Value::Null));
        assert_eq!(site.post(&roles, json!({"roles": ["rol_nothing"]})).await.0, 404);
        assert_eq!(site.post(&roles, json!({"roles": ["rol_WorkspaceAdmin00"]})).await.0, 400);
        let (_, listed) = site.get(&format!("{roles}?include_totals=true")).await;
        assert_eq!((&listed["total"], listed["roles"].as_array().unwrap().len()), (&json!(2), 2));
        assert_eq!(site.call("DELETE", &roles, Some(json!({"roles": [other]}))).await, (204, Value::Null));
        assert_eq!(site.get(&roles).await.1.as_array().unwrap().len(), 1);

        // A blocked user holds nothing, and gets it back.
        site.patch(&of_ann, json!({"blocked": true})).await;
        let rights = site.identity.rights(&ann, None, None).await.unwrap();
        assert!(!rights.enabled && rights.roles.is_empty() && rights.permissions.is_empty());
        site.patch(&of_ann, json!({"blocked": false})).await;
        assert!(site.identity.rights(&ann, None, None).await.unwrap().enabled);
        assert!(!site.identity.rights("auth0|nobody", None, None).await.unwrap().enabled);
        assert_eq!(site.get("/users/auth0%7Cnobody/roles").await.0, 404);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_held_in_one_place_counts_in_no_other() {
    on_each_store(async |site| {
        let ann = user(site, "ann@example.com").await;
        let mut accounts = Vec::new();
        for name in ["acme", "other"] {
            let (_, account) = site.post("/organizations", json!({"name": name})).await;
            accounts.push(account["id"].as_str().unwrap().to_owned());
        }
        let (acme, other) = (accounts[0].as_str(), accounts[1].as_str());
        let (everywhere, here) = (role(site, "Platform").await, role(site, "Here").await);
        site.post(&format!("/roles/{everywhere}/permissions"), permissions(&["read:users"])).await;
        site.post(&format!("/roles/{here}/permissions"), permissions(&["read:roles"])).await;
        site.post(&format!("/users/{}/roles", ann.replace('|', "%7C")), json!({"roles": [everywhere]})).await;
        let held = async |account: Option<&str>| {
            let rights = site.identity.rights(&ann, account, None).await.unwrap();
            (rights.enabled, rights.on(API).map(str::to_owned).collect::<Vec<_>>())
        };
        assert_eq!(held(None).await, (true, vec!["read:users".to_owned()]));
        assert_eq!(held(Some(acme)).await, (false, vec![]));
        let members = format!("/organizations/{acme}/members");
        assert_eq!(site.post(&members, json!({"members": [ann]})).await.0, 204);
        let roles = format!("{members}/{}/roles", ann.replace('|', "%7C"));
        assert_eq!(site.post(&roles, json!({"roles": [here]})).await.0, 204);
        assert_eq!(held(Some(acme)).await, (true, vec!["read:roles".to_owned()]));
        assert_eq!(held(Some(other)).await, (false, vec![]));
        assert_eq!(held(None).await, (true, vec!["read:users".to_owned()]));
        assert_eq!(site.identity.rights(&ann, None, Some("ws_x")).await.unwrap().permissions, []);
        assert_eq!(site.identity.rights(&ann, Some(acme), Some("ws_x")).await.unwrap().permissions, []);
        let operator = tenantry_identity::Caller::operator("test");
        let suspended = json!({"status": "suspended"}).as_object().unwrap().clone();
        site.identity.update_account(&operator, acme, suspended).await.unwrap();
        assert_eq!(held(Some(acme)).await, (false, vec![]));
    })
    .await;
}

/// Whoever may change users, and not give roles, cannot log in as an owner of the platform.
#[tokio::test(flavor = "multi_thread")]
async fn who_acts_for_the_platform_is_not_taken_over() {
    on_each_store(async |site| {
        let (owner, other) = (user(site, "owner@example.com").await, user(site, "other@example.com").await);
        let path = |id: &str| format!("/users/{}", id.replace('|', "%7C"));
        let give = json!({"roles": ["rol_PlatformOwner000"]});
        assert_eq!(site.post(&format!("{}/roles", path(&owner)), give).await.0, 204);
        let helper = site.token(&["update:users"]);
        let change = async |id: &str, body: Value| site.call_as(&helper, "PATCH", &path(id), Some(body)).await.0;
        for taking in [
            json!({"email": "mine@example.com"}),
            json!({"password": "Correct horse, 2 battery"}),
            json!({"email_verified": true}),
            json!({"blocked": true}),
        ] {
            assert_eq!(change(&owner, taking.clone()).await, 403, "{taking}");
            assert_eq!(change(&other, taking.clone()).await, 200, "{taking}");
        }
        assert_eq!(change(&owner, json!({"nickname": "boss"})).await, 200);
        // Nor while the owner is blocked, nor by linking a login of one's own.
        assert_eq!(site.patch(&path(&owner), json!({"blocked": true})).await.0, 200);
        assert_eq!(change(&owner, json!({"blocked": false})).await, 403);
        // Nor by a link that sets the password, nor by a file of users.
        let helpers = site.token(&["create:user_tickets"]);
        for (id, expected) in [(&owner, 403), (&other, 201)] {
            let ticket = json!({"user_id": id});
            let made = site.call_as(&helpers, "POST", "/tickets/password-change", Some(ticket)).await;
            assert_eq!(made.0, expected, "{}", made.1);
        }
        let mut importer = tenantry_identity::Caller::operator("import");
        importer.reach = tenantry_identity::Reach::Platform(vec!["create:users".to_owned()]);
        let mut file = tempfile::tempfile().unwrap();
        for email in ["owner@example.com", "mine@example.com"] {
            let first = if email.starts_with("owner") { '[' } else { ',' };
            write!(file, r#"{first}{{"email":"{email}","blocked":false,"app_metadata":{{"in":1}}}}"#).unwrap();
        }
        write!(file, "]").unwrap();
        file.rewind().unwrap();
        let connection_id = site.get("/connections").await.1[0]["id"].as_str().unwrap().to_owned();
        let import = tenantry_identity::jobs::Import { connection_id, upsert: true, external_id: None, file };
        let job = site.identity.import_users(&importer, import).await.unwrap();
        let job = crate::jobs::ended(site, &json!({"id": job.id})).await;
        assert_eq!(job["summary"], json!({"failed": 1, "updated": 1, "inserted": 0, "total": 2}), "{job}");
        let errors = site.get(&format!("/jobs/{}/errors", job["id"].as_str().unwrap())).await.1;
        assert_eq!(errors[0]["errors"][0]["code"], json!("FORBIDDEN"), "{errors}");
        assert_eq!(site.get(&path(&owner)).await.1["app_metadata"], Value::Null);
        let link = json!({"provider": "auth0", "user_id": other});
        let linked = site.call_as(&helper, "POST", &format!("{}/identities", path(&owner)), Some(link)).await;
        assert_eq!(linked.0, 403, "{}", linked.1);
        assert_eq!(site.get(&path(&owner)).await.1["email"], json!("owner@example.com"));
    })
    .await;
}
