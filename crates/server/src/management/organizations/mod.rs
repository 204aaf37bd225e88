//! Organizations: our accounts under the name that clients of this API know.

mod create;
mod delete;
mod list;
mod read;
mod read_by_name;
mod update;

use serde_json::{Value, json};
use tenantry_identity::accounts::Account;

use crate::management::route::{Route, route};

/// The family's endpoints.
pub(crate) const ROUTES: &[Route] = &[
    route!("GET /organizations", list::handle),
    route!("POST /organizations", create::handle),
    route!("GET /organizations/name/{name}", read_by_name::handle),
    route!("GET /organizations/{id}", read::handle),
    route!("PATCH /organizations/{id}", update::handle),
    route!("DELETE /organizations/{id}", delete::handle),
];

/// An account as this API shows it. What only our own APIs know stays out.
fn shown(account: &Account) -> Value {
    let mut body = json!({ "id": account.id, "name": account.name });
    if let Some(body) = body.as_object_mut() {
        if let Some(name) = &account.display_name {
            body.insert("display_name".to_owned(), json!(name));
        }
        for name in ["branding", "metadata", "token_quota"] {
            if let Some(value) = account.fields.get(name) {
                body.insert(name.to_owned(), value.clone());
            }
        }
    }
    body
}
