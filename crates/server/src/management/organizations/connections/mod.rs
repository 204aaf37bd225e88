//! Connections of organizations, under `/connections` and the older `/enabled_connections`. The older path
//! knows fewer fields, and only those that are enabled.

pub(super) mod add;
pub(super) mod list;
pub(super) mod read;
pub(super) mod remove;
pub(super) mod update;

use serde_json::{Value, json};
use tenantry_identity::account_connections::AccountConnection;

/// As `/connections` shows it.
fn shown(connection: &AccountConnection) -> Value {
    let mut body = shown_enabled(connection);
    if let Some(body) = body.as_object_mut() {
        for name in ["organization_connection_name", "organization_access_level"] {
            if let Some(value) = connection.fields.get(name) {
                body.insert(name.to_owned(), value.clone());
            }
        }
        body.insert("is_enabled".to_owned(), json!(connection.enabled));
    }
    body
}

/// As `/enabled_connections` shows it.
pub(super) fn shown_enabled(connection: &AccountConnection) -> Value {
    let mut body = json!({ "connection_id": connection.connection_id });
    if let Some(body) = body.as_object_mut() {
        for name in ["assign_membership_on_login", "show_as_button", "is_signup_enabled"] {
            if let Some(value) = connection.fields.get(name) {
                body.insert(name.to_owned(), value.clone());
            }
        }
        let about = json!({ "name": connection.name, "strategy": connection.strategy });
        body.insert("connection".to_owned(), about);
    }
    body
}
