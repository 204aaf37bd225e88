//! Client grants.

mod create;
mod delete;
mod list;
mod read;
mod update;

use serde_json::{Map, Value, json};
use tenantry_identity::client_grants::ClientGrant;

use crate::management::route::{Route, route};

/// The family's endpoints.
pub(crate) const ROUTES: &[Route] = &[
    route!("GET /client-grants", list::handle),
    route!("POST /client-grants", create::handle, partly: "no default grants for third-party clients"),
    route!("GET /client-grants/{id}", read::handle),
    route!("PATCH /client-grants/{id}", update::handle),
    route!("DELETE /client-grants/{id}", delete::handle),
];

/// A grant as this API shows it.
pub(crate) fn shown(grant: &ClientGrant) -> Value {
    let mut body = Map::new();
    let mut put = |name: &str, value: Value| drop(body.insert(name.to_owned(), value));
    put("id", json!(grant.id));
    put("client_id", json!(grant.client_id));
    put("audience", json!(grant.audience));
    for (name, value) in &grant.fields {
        put(name, value.clone());
    }
    if let Some(any) = grant.any_account {
        put("allow_any_organization", json!(any));
    }
    put("subject_type", json!(grant.subject_type));
    Value::Object(body)
}
