//! Two accounts, each with one of everything.

use serde_json::{Value, json};

use crate::table::Values;
use crate::world::World;

/// An account with one of everything.
pub struct Tenant {
    pub id: String,
    pub workspace: String,
    /// A second workspace, in which nothing lies.
    pub elsewhere: String,
    /// Parameters and placeholders.
    pub values: Values,
}

impl Tenant {
    /// Makes one. Everything in it carries its name, so that a leak is seen.
    pub async fn new(world: &World, name: &str) -> Tenant {
        let owner = world.owner();
        let id = world.account(name).await;
        let spare = world.account(&format!("{name}-spare")).await;
        let (_, platform) = world.call(&owner, "GET", "/portal/v1/audit", None).await;
        let platform_call = platform["data"][0]["id"].as_str().unwrap().to_owned();
        let made = async |path: &str, body: Value| {
            let (status, made) =
                world.call(&owner, "POST", &format!("/portal/v1/accounts/{id}{path}"), Some(body)).await;
            assert!((200..300).contains(&status), "{path}: {status} {made}");
            made["data"].clone()
        };
        let text = |value: &Value, name: &str| value[name].as_str().unwrap().to_owned();
        let mut users = Vec::new();
        for who in ["caller", "member", "outsider"] {
            let body = json!({ "email": format!("{who}@{name}.example"), "password": "Correct-Horse-7-Battery" });
            let (status, user) = world.call(&owner, "POST", "/portal/v1/users", Some(body)).await;
            assert_eq!(status, 201, "{user}");
            users.push(text(&user["data"], "user_id"));
        }
        let [caller, user, outsider] = <[String; 3]>::try_from(users).unwrap();
        let own_role = text(&made("/roles", json!({ "name": format!("{name}-own") })).await, "id");
        let permissions = json!({ "permissions": [{ "api": "dashboard", "name": "read:audit" }] });
        made(&format!("/roles/{own_role}/permissions"), permissions.clone()).await;
        let body = json!({ "name": format!("offered-{}", name.len()), "level": "account" });
        let (_, offered) = world.call(&owner, "POST", "/portal/v1/roles", Some(body)).await;
        let offered = text(&offered["data"], "id");
        let path = format!("/portal/v1/roles/{offered}/permissions");
        assert_eq!(world.call(&owner, "POST", &path, Some(permissions)).await.0, 204);
        made("/members", json!({ "users": [caller, user] })).await;
        let workspace = text(&made("/workspaces", json!({ "name": "production" })).await, "id");
        let elsewhere = text(&made("/workspaces", json!({ "name": "staging" })).await, "id");
        made(&format!("/workspaces/{workspace}/members"), json!({ "users": [user] })).await;
        let code = made(&format!("/workspaces/{workspace}/codes"), json!({ "max_uses": 5 })).await;
        let (client, grant) = world.client(name, &id).await;
        let invitation =
            made("/invitations", json!({ "email": format!("{name}@example.com"), "client_id": client })).await;
        let body = json!({ "identifier": format!("https://{name}.example/") });
        let (_, api) = world.call(&owner, "POST", "/portal/v1/apis", Some(body)).await;
        // What the platform offers to all: one for every tenant of the stage.
        let identifier = "https://models.example/".to_owned();
        let body = json!({ "identifier": identifier, "permissions": [{ "name": "use:all" }] });
        let (status, offered_api) = world.call(&owner, "POST", "/portal/v1/apis", Some(body)).await;
        assert!(status == 201 || status == 409, "{offered_api}");
        // Nobody gives a key what they do not hold themselves.
        let body = json!({ "name": format!("models-{}", name.len()), "level": "account" });
        let (_, models) = world.call(&owner, "POST", "/portal/v1/roles", Some(body)).await;
        let models = text(&models["data"], "id");
        let body = json!({ "permissions": [{ "api": identifier, "name": "use:all" }] });
        let path = format!("/portal/v1/roles/{models}/permissions");
        assert_eq!(world.call(&owner, "POST", &path, Some(body.clone())).await.0, 204);
        made(&format!("/members/{}/roles", caller.replace('|', "%7C")), json!({ "roles": [models] })).await;
        let key = made("/api-keys", json!({ "name": name, "permissions": body["permissions"] })).await;
        // A call about the workspace: its making.
        let (_, lines) =
            world.call(&owner, "GET", &format!("/portal/v1/accounts/{id}/audit?workspace={workspace}"), None).await;
        let call = text(&lines["data"][0], "id");
        let values = Values::from([
            ("account_id", id.clone()),
            ("spare_id", spare),
            ("call_id", call),
            ("platform_call_id", platform_call),
            ("name", name.to_owned()),
            ("caller_id", caller),
            ("user_id", user),
            ("outsider_id", outsider),
            ("workspace_id", workspace.clone()),
            ("key_id", text(&key, "id")),
            ("models_api", identifier),
            ("code_id", text(&code, "id")),
            ("code", text(&code, "code")),
            ("client_id", client),
            ("api_id", text(&api["data"], "id")),
            ("grant_id", grant),
            ("invitation_id", text(&invitation, "id")),
            ("own_role_id", own_role),
            ("platform_role_id", offered),
            ("api", "dashboard".to_owned()),
            ("permission", "read:audit".to_owned()),
            ("role_id", "rol_AccountAuditor00".to_owned()),
            ("workspace_role_id", "rol_WorkspaceAdmin00".to_owned()),
        ]);
        Tenant { id, workspace, elsewhere, values }
    }

    /// The same values, of what does not exist.
    pub fn absent(&self) -> Values {
        let swap = |value: &str| -> String {
            // The same form, other letters.
            let (kept, tail) = value.split_at(value.len().saturating_sub(6));
            let tail: String = tail.chars().map(|c| if c == 'a' { 'b' } else { 'a' }).collect();
            [kept, &tail].concat()
        };
        self.values.iter().map(|(name, value)| (*name, swap(value))).collect()
    }
}
