//! What the generated bodies name.

use std::collections::HashMap;

use rcgen::{KeyPair, PKCS_RSA_SHA256};
use serde_json::{Value, json};

use super::forms::Known;
use crate::site::Site;

pub const CONNECTION: &str = "Username-Password-Authentication";
pub const API: &str = "urn:sample-api";
pub const PASSWORD: &str = "Correct horse 1!";

/// Things that were made, by what they are called in paths.
pub struct World<'a> {
    pub site: &'a Site,
    pub client: String,
    pub account: String,
    pub connection: String,
    pub role: String,
    /// Percent-encoded, as it stands in paths.
    pub user: String,
    pub known: Known,
}

/// An id in a path.
pub fn encoded(id: &str) -> String {
    id.replace('%', "%25").replace('|', "%7C").replace(':', "%3A").replace('/', "%2F")
}

impl<'a> World<'a> {
    pub async fn made(site: &'a Site) -> World<'a> {
        let make = async |path: &str, body: Value, id: &str| -> String {
            let (status, made) = site.post(path, body).await;
            assert!((200..300).contains(&status), "{path}: {made}");
            made[id].as_str().unwrap_or_default().to_owned()
        };
        let client = make("/clients", json!({ "name": "first", "app_type": "regular_web" }), "client_id").await;
        let other = make("/clients", json!({ "name": "second" }), "client_id").await;
        let account = make("/organizations", json!({ "name": "acme" }), "id").await;
        make("/organizations", json!({ "name": "globex" }), "id").await;
        let connection = make("/connections", json!({ "name": "people", "strategy": "auth0" }), "id").await;
        let api = json!({ "identifier": API, "scopes": [{ "value": "read:samples" }, { "value": "write:samples" }] });
        make("/resource-servers", api, "id").await;
        let role = make("/roles", json!({ "name": "first" }), "id").await;
        make("/roles", json!({ "name": "second" }), "id").await;
        let mut users = Vec::new();
        for name in ["ann", "bob", "eve"] {
            let user =
                json!({ "connection": CONNECTION, "email": format!("{name}@example.com"), "password": PASSWORD });
            users.push(make("/users", user, "user_id").await);
        }
        let user = encoded(&users[0]);
        let grant =
            json!({ "client_id": other, "audience": API, "scope": ["read:samples"], "organization_usage": "allow" });
        let grant = make("/client-grants", grant, "id").await;
        let permission = json!({ "resource_server_identifier": API, "permission_name": "read:samples" });
        let permissions = json!({ "permissions": [permission] });
        let first = site.get("/connections?name=Username-Password-Authentication").await.1[0]["id"].clone();
        let domain = json!({ "domain": "acme.example" });
        let invitation =
            json!({ "inviter": { "name": "A" }, "invitee": { "email": "new@example.com" }, "client_id": client });
        for (path, body) in [
            (format!("/organizations/{account}/members"), json!({ "members": users })),
            (format!("/organizations/{account}/members/{user}/roles"), json!({ "roles": [role] })),
            (format!("/organizations/{account}/connections"), json!({ "connection_id": first })),
            (format!("/organizations/{account}/discovery-domains"), domain),
            (format!("/organizations/{account}/invitations"), invitation),
            (format!("/organizations/{account}/client-grants"), json!({ "grant_id": grant })),
            (format!("/roles/{role}/permissions"), permissions.clone()),
            (format!("/roles/{role}/users"), json!({ "users": users })),
            (format!("/users/{user}/permissions"), permissions),
        ] {
            let (status, told) = site.post(&path, body).await;
            assert!((200..300).contains(&status), "{path}: {told}");
        }
        let let_in = json!([{ "client_id": client, "status": true }, { "client_id": other, "status": true }]);
        assert_eq!(site.call("PATCH", &format!("/connections/{connection}/clients"), Some(let_in)).await.0, 204);
        let formats = HashMap::from([
            ("client-id", json!(client)),
            ("organization-id", json!(account)),
            ("connection-id", json!(connection)),
            ("role-id", json!(role)),
            ("user-id", json!(users[0])),
            ("user-id-with-max-length", json!(users[0])),
            ("client-grant-id", json!(grant)),
            ("credential-id", json!("cred_0000000000000000")),
            ("connection-profile-id", json!("cop_0000000000000000")),
            ("user-attribute-profile-id", json!("uap_0000000000000000")),
            ("session-id", json!("sample")),
            ("connection-realm", json!("people")),
            ("organization-name", json!("sample-name")),
            ("url", json!("https://sample.example/a")),
            ("url-or-null", json!("https://sample.example/a")),
            ("url-with-placeholders", json!("https://sample.example/a")),
            ("callback-url", json!("https://sample.example/a")),
            ("strict-uri", json!("https://sample.example/a.png")),
            ("strict-https-uri-or-null", json!("https://sample.example/a.png")),
            ("absolute-uri-or-empty", json!("https://sample.example/a")),
            ("absolute-https-uri-or-empty", json!("https://sample.example/a")),
            ("absolute-https-uri-with-placeholders-or-empty", json!("https://sample.example/a")),
            ("ec-initiate-login-uri-template-url", json!("https://sample.example/{organization_id}")),
            ("email", json!("sample@example.com")),
            ("email-or-empty", json!("sample@example.com")),
            ("html-color", json!("#112233")),
            ("hostname", json!("sample.example")),
            ("acr", json!("urn:sample:acr")),
            ("date-time", json!("2030-01-02T03:04:05.678Z")),
        ]);
        let pem = KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap().public_key_pem();
        let places = HashMap::from([
            // Other than what it is when nothing is said.
            ("clients.is_first_party", json!(false)),
            ("clients.custom_login_page_on", json!(false)),
            ("clients.app_type", json!("native")),
            ("clients.token_endpoint_auth_method", json!("client_secret_basic")),
            ("clients.signed_request_object", json!({ "required": true })),
            ("connections.name", json!("sample")),
            ("connections.strategy", json!("auth0")),
            ("connections.options.precedence", json!(["username", "email", "phone_number"])),
            ("resource-servers.identifier", json!("urn:sample")),
            ("resource-servers.signing_alg", json!("RS512")),
            ("resource-servers.authorization_details[]", json!({ "type": "sample" })),
            ("client-grants.audience", json!(API)),
            ("client-grants.client_id", json!(client)),
            ("tenants.country_codes", json!({ "list": ["US"], "mode": "deny" })),
            ("client-grants.scope", json!(["write:samples", "read:samples"])),
            ("organizations.enabled_connections[].connection_id", json!(connection)),
            ("discovery-domains.domain", json!("sample.example")),
            ("invitations.connection_id", first.clone()),
            ("users.connection", json!(CONNECTION)),
            ("users.password", json!(PASSWORD)),
            ("users.username", json!("sample")),
            ("users.email", json!("sample@example.com")),
            ("credentials.credential_type", json!("public_key")),
            ("credentials.pem", json!(pem)),
            ("credentials.kid", json!("sample-kid-1")),
            ("tickets.identity", json!({ "user_id": users[0].trim_start_matches("auth0|"), "provider": "auth0" })),
            ("tickets.connection_id", first),
            ("jobs.identity", json!({ "user_id": users[0].trim_start_matches("auth0|"), "provider": "auth0" })),
        ]);
        World { site, client, account, connection, role, user, known: Known { formats, places } }
    }
}
