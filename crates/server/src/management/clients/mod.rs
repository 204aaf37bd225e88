//! Clients (applications).

mod connections;
mod create;
mod credentials;
mod delete;
mod list;
mod read;
mod rotate;
mod update;

use serde_json::{Map, Value, json};
use tenantry_identity::clients::{Client, Sight};
use tenantry_identity::{Identity, KeyCertificate};

use crate::management::route::{Route, route};

/// The family's endpoints.
pub(crate) const ROUTES: &[Route] = &[
    route!("GET /clients", list::handle),
    route!("POST /clients", create::handle, partly: "certificates as credentials are kept and not checked; sessions, logout and SAML settings are kept"),
    route!("GET /clients/{id}", read::handle),
    route!("PATCH /clients/{id}", update::handle, partly: "certificates as credentials are kept and not checked; sessions, logout and SAML settings are kept"),
    route!("DELETE /clients/{id}", delete::handle),
    route!("POST /clients/{id}/rotate-secret", rotate::handle),
    route!("GET /clients/{id}/connections", connections::handle),
    route!("GET /clients/{client_id}/credentials", credentials::list::handle),
    route!("POST /clients/{client_id}/credentials", credentials::create::handle),
    route!("GET /clients/{client_id}/credentials/{credential_id}", credentials::read::handle),
    route!("PATCH /clients/{client_id}/credentials/{credential_id}", credentials::update::handle),
    route!("DELETE /clients/{client_id}/credentials/{credential_id}", credentials::delete::handle),
];

/// What a caller sees of every client that it may see at all.
const SUMMARY: [&str; 4] = ["client_id", "name", "description", "app_type"];

/// What only callers see who may see keys.
const KEYS: [&str; 3] = ["encryption_key", "client_authentication_methods", "signing_keys"];

/// A client as this API shows it to this caller.
fn shown(identity: &Identity, client: &Client) -> Value {
    let mut body = Map::new();
    let mut put = |name: &str, value: Value| drop(body.insert(name.to_owned(), value));
    put("tenant", json!(identity.tenant_name()));
    put("global", json!(client.is_global));
    put("client_id", json!(client.id));
    put("name", json!(client.name));
    if let Some(app_type) = &client.app_type {
        put("app_type", json!(app_type));
    }
    put("is_first_party", json!(client.is_first_party));
    if let Some(api) = &client.api {
        put("resource_server_identifier", json!(api));
    }
    if let Some(external) = &client.external_id {
        put("external_client_id", json!(external));
    }
    if let Some(value) = client.fields.get("cross_origin_authentication") {
        // The older name of the same.
        put("cross_origin_auth", value.clone());
    }
    for (name, value) in &client.fields {
        if client.sight == Sight::Keys || !KEYS.contains(&name.as_str()) {
            put(name, value.clone());
        }
    }
    if client.sight == Sight::Keys {
        if let Some(secret) = &client.client_secret {
            put("client_secret", json!(secret));
        }
        if let Some(KeyCertificate { cert, pkcs7, subject }) = identity.issuer().certificate() {
            put("signing_keys", json!([{ "cert": cert, "pkcs7": pkcs7, "subject": subject }]));
        }
    }
    if client.sight == Sight::Summary {
        body.retain(|name, _| SUMMARY.contains(&name.as_str()));
    }
    Value::Object(body)
}
