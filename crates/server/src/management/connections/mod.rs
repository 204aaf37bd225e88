//! Connections.

mod clients;
mod create;
mod delete;
mod enable_clients;
mod list;
mod read;
mod status;
mod update;
mod users;

use serde_json::{Map, Value, json};
use tenantry_identity::connections::Connection;

use crate::management::route::{Route, route};

/// The family's endpoints.
pub(crate) const ROUTES: &[Route] = &[
    route!("GET /connections", list::handle),
    route!("POST /connections", create::handle, partly: "strategies other than auth0 are kept; nobody logs in through them yet"),
    route!("GET /connections/{id}", read::handle),
    route!("PATCH /connections/{id}", update::handle, partly: "strategies other than auth0 are kept; nobody logs in through them yet"),
    route!("DELETE /connections/{id}", delete::handle),
    route!("GET /connections/{id}/clients", clients::handle),
    route!("PATCH /connections/{id}/clients", enable_clients::handle),
    route!("GET /connections/{id}/status", status::handle, partly: "of database connections only"),
    route!("DELETE /connections/{id}/users", users::handle),
];

/// A connection as this API shows it.
pub(crate) fn shown(connection: &Connection) -> Value {
    let mut body = Map::new();
    let mut put = |name: &str, value: Value| drop(body.insert(name.to_owned(), value));
    put("id", json!(connection.id));
    put("name", json!(connection.name));
    put("strategy", json!(connection.strategy));
    for (name, value) in &connection.fields {
        put(name, value.clone());
    }
    put("enabled_clients", json!(connection.enabled_clients));
    Value::Object(body)
}
