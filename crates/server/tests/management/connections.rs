//! Connections.

use serde_json::{Value, json};

use crate::site::on_each_store;

#[tokio::test(flavor = "multi_thread")]
async fn one_connection_exists_from_the_start() {
    on_each_store(async |site| {
        let (_, all) = site.get("/connections?strategy=auth0&include_totals=true").await;
        assert_eq!(all["total"], 1);
        let first = &all["connections"][0];
        assert_eq!((&first["name"], &first["strategy"]), (&json!("Username-Password-Authentication"), &json!("auth0")));
        assert_eq!(first["options"]["passwordPolicy"], "good");
        let (_, found) = site.get("/connections?name=Username-Password-Authentication&fields=id,name").await;
        assert_eq!(found, json!([{"id": first["id"], "name": first["name"]}]));
        let path = format!("/connections/{}/status", first["id"].as_str().unwrap());
        assert_eq!(site.get(&path).await, (200, Value::Null));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_is_made_changed_and_removed_with_its_users() {
    on_each_store(async |site| {
        let (_, client) = site.post("/clients", json!({"name": "c"})).await;
        let client = client["client_id"].as_str().unwrap();
        let body = json!({"name": "people", "strategy": "auth0", "enabled_clients": [client],
            "options": {"passwordPolicy": "low"}});
        let (status, made) = site.post("/connections", body.clone()).await;
        assert_eq!(status, 201, "{made}");
        assert_eq!((&made["realms"], &made["enabled_clients"]), (&json!(["people"]), &json!([client])));
        assert_eq!(
            (&made["options"]["passwordPolicy"], &made["options"]["brute_force_protection"]),
            (&json!("low"), &json!(true))
        );
        let (status, again) = site.post("/connections", body).await;
        assert_eq!((status, &again["message"]), (409, &json!("A connection with the same name already exists")));
        let path = format!("/connections/{}", made["id"].as_str().unwrap());
        assert_eq!(site.get(&path).await.1, made);
        // Options are replaced whole; the clients stay when nothing is said.
        let (status, changed) =
            site.patch(&path, json!({"options": {"requires_username": true}, "display_name": "P"})).await;
        assert_eq!((status, &changed["options"]), (200, &json!({"requires_username": true})));
        assert_eq!((&changed["enabled_clients"], &changed["display_name"]), (&json!([client]), &json!("P")));
        let (_, changed) = site.patch(&path, json!({"enabled_clients": []})).await;
        assert_eq!(changed["enabled_clients"], json!([]));
        assert_eq!(site.patch(&path, json!({"enabled_clients": ["none"]})).await.0, 400);
        assert_eq!(site.patch(&path, json!({"options": {"passwordPolicy": "sublime"}})).await.0, 400);
        site.patch(&path, json!({"options": {"passwordPolicy": "none"}})).await;
        let mut users = Vec::new();
        for email in ["a@example.com", "b@example.com"] {
            let (status, user) = site
                .post("/users", json!({"connection": "people", "email": email, "password": "Correct horse 1!"}))
                .await;
            assert_eq!(status, 201, "{user}");
            users.push(user["user_id"].as_str().unwrap().replace('|', "%7C"));
        }
        assert_eq!(site.delete(&format!("{path}/users?email=A%40example.com")).await.0, 204);
        assert_eq!(site.get(&format!("/users/{}", users[0])).await.0, 404);
        assert_eq!(site.get(&format!("/users/{}", users[1])).await.0, 200);
        assert_eq!(site.delete(&format!("{path}/users")).await.0, 400);
        let (status, removed) = site.delete(&path).await;
        assert_eq!((status, removed["deleted_at"].is_string()), (202, true));
        assert_eq!(site.get(&format!("/users/{}", users[1])).await.0, 404);
        assert_eq!(site.delete(&path).await.0, 204);
        let (status, gone) = site.get(&path).await;
        assert_eq!((status, &gone["errorCode"]), (404, &json!("inexistent_connection")));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_are_let_in_and_shut_out() {
    on_each_store(async |site| {
        let (_, connection) = site.post("/connections", json!({"name": "p", "strategy": "auth0"})).await;
        let path = format!("/connections/{}/clients", connection["id"].as_str().unwrap());
        let mut clients = Vec::new();
        for name in ["a", "b", "c"] {
            let (_, client) = site.post("/clients", json!({"name": name})).await;
            clients.push(client["client_id"].as_str().unwrap().to_owned());
        }
        let all: Vec<Value> = clients.iter().map(|id| json!({"client_id": id, "status": true})).collect();
        assert_eq!(site.patch(&path, json!(all)).await.0, 204);
        assert_eq!(site.patch(&path, json!([{"client_id": clients[0], "status": false}])).await.0, 204);
        let (status, missing) = site
            .patch(&path, json!([{"client_id": clients[0], "status": true}, {"client_id": "none", "status": true}]))
            .await;
        assert_eq!((status, &missing["errorCode"]), (404, &json!("inexistent_client")));
        let mut kept: Vec<&String> = clients.iter().skip(1).collect();
        kept.sort();
        let (_, first) = site.get(&format!("{path}?take=1")).await;
        assert_eq!(first["clients"], json!([{"client_id": kept[0]}]));
        let (_, second) = site.get(&format!("{path}?take=1&from={}", first["next"].as_str().unwrap())).await;
        assert_eq!((&second["clients"], second.get("next")), (&json!([{"client_id": kept[1]}]), None));
        let (_, of_client) = site.get(&format!("/clients/{}/connections", clients[1])).await;
        assert_eq!(of_client["connections"][0]["name"], "p");
        let (_, of_client) = site.get(&format!("/clients/{}/connections", clients[0])).await;
        assert_eq!(of_client["connections"], json!([]));
        assert_eq!(site.get("/clients/none/connections").await.0, 404);
        assert_eq!(site.patch(&path, json!([])).await.0, 400);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn secret_options_are_for_those_who_may_change_them() {
    on_each_store(async |site| {
        let body = json!({"name": "up", "strategy": "oidc", "options": {"client_id": "x", "client_secret": "hidden!",
            "type": "back_channel", "issuer": "https://op.example"}});
        let (status, made) = site.post("/connections", body).await;
        assert_eq!((status, &made["options"]["client_secret"]), (201, &json!("hidden!")));
        let path = format!("/connections/{}", made["id"].as_str().unwrap());
        assert_eq!(site.get(&path).await.1["options"]["client_secret"], "hidden!");
        let token = site.token(&["read:connections"]);
        let (_, seen) = site.call_as(&token, "GET", &path, None).await;
        assert_eq!((seen["options"].get("client_secret"), &seen["options"]["client_id"]), (None, &json!("x")));
        let (_, changed) = site.patch(&path, json!({"options": {"client_id": "y"}})).await;
        assert_eq!(changed["options"], json!({"client_id": "y"}));
    })
    .await;
}
