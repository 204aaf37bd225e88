//! Resource servers: our APIs under the name that clients of this API know.

mod create;
mod delete;
mod list;
mod read;
mod update;

use serde_json::{Map, Value, json};
use tenantry_identity::apis::Api;

use crate::management::route::{Route, route};

/// The family's endpoints.
pub(crate) const ROUTES: &[Route] = &[
    route!("GET /resource-servers", list::handle),
    route!("POST /resource-servers", create::handle, partly: "an API whose tokens are to be signed with HS256, RS512 or PS256 is kept and gets none; encryption, proof of possession and authorization details are kept and not applied"),
    route!("GET /resource-servers/{id}", read::handle),
    route!("PATCH /resource-servers/{id}", update::handle, partly: "an API whose tokens are to be signed with HS256, RS512 or PS256 is kept and gets none; encryption, proof of possession and authorization details are kept and not applied"),
    route!("DELETE /resource-servers/{id}", delete::handle),
];

/// An API as this API shows it.
fn shown(api: &Api) -> Value {
    let mut body = Map::new();
    body.insert("id".to_owned(), json!(api.id));
    if let Some(name) = &api.name {
        body.insert("name".to_owned(), json!(name));
    }
    body.insert("identifier".to_owned(), json!(api.identifier));
    body.insert("is_system".to_owned(), json!(api.is_system));
    if let Some(client) = &api.client_id {
        body.insert("client_id".to_owned(), json!(client));
    }
    if !api.scopes.is_empty() {
        let scopes = api.scopes.iter().map(|scope| {
            let mut item = Map::new();
            item.insert("value".to_owned(), json!(scope.value));
            if let Some(description) = &scope.description {
                item.insert("description".to_owned(), json!(description));
            }
            Value::Object(item)
        });
        body.insert("scopes".to_owned(), scopes.collect());
    }
    for (name, value) in &api.fields {
        body.insert(name.clone(), value.clone());
    }
    if let Some(secret) = &api.signing_secret {
        body.insert("signing_secret".to_owned(), json!(secret));
    }
    Value::Object(body)
}
