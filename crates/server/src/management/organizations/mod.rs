//! Organizations: our accounts under the name that clients of this API know.

mod client_grants;
mod connections;
mod create;
mod delete;
mod discovery_domains;
mod invitations;
mod list;
mod list_of_grant;
mod list_of_user;
mod member_roles;
mod members;
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
    route!("GET /organizations/{id}/members", members::list::handle),
    route!("POST /organizations/{id}/members", members::add::handle),
    route!("DELETE /organizations/{id}/members", members::remove::handle),
    route!("GET /organizations/{id}/members/{user_id}/roles", member_roles::list::handle),
    route!("POST /organizations/{id}/members/{user_id}/roles", member_roles::add::handle),
    route!("DELETE /organizations/{id}/members/{user_id}/roles", member_roles::remove::handle),
    route!("GET /organizations/{id}/connections", connections::list::handle),
    route!("POST /organizations/{id}/connections", connections::add::handle),
    route!("GET /organizations/{id}/connections/{connection_id}", connections::read::handle),
    route!("PATCH /organizations/{id}/connections/{connection_id}", connections::update::handle),
    route!("DELETE /organizations/{id}/connections/{connection_id}", connections::remove::handle),
    route!("GET /organizations/{id}/enabled_connections", connections::list::handle_enabled),
    route!("POST /organizations/{id}/enabled_connections", connections::add::handle_enabled),
    route!("GET /organizations/{id}/enabled_connections/{connectionId}", connections::read::handle_enabled),
    route!("PATCH /organizations/{id}/enabled_connections/{connectionId}", connections::update::handle_enabled),
    route!("DELETE /organizations/{id}/enabled_connections/{connectionId}", connections::remove::handle_enabled),
    route!("GET /organizations/{id}/invitations", invitations::list::handle, partly: "the link is shown without its ticket, which only the answer to the making holds"),
    route!("POST /organizations/{id}/invitations", invitations::create::handle, partly: "nothing is mailed, and the metadata is kept with the invitation but not given to the user"),
    route!("GET /organizations/{id}/invitations/{invitation_id}", invitations::read::handle, partly: "the link is shown without its ticket, which only the answer to the making holds"),
    route!("DELETE /organizations/{id}/invitations/{invitation_id}", invitations::delete::handle),
    route!("GET /organizations/{id}/discovery-domains", discovery_domains::list::handle),
    route!("POST /organizations/{id}/discovery-domains", discovery_domains::add::handle),
    route!(
        "GET /organizations/{id}/discovery-domains/name/{discovery_domain}",
        discovery_domains::read_by_name::handle
    ),
    route!("GET /organizations/{id}/discovery-domains/{discovery_domain_id}", discovery_domains::read::handle),
    route!("PATCH /organizations/{id}/discovery-domains/{discovery_domain_id}", discovery_domains::update::handle),
    route!("DELETE /organizations/{id}/discovery-domains/{discovery_domain_id}", discovery_domains::remove::handle),
    route!("GET /organizations/{id}/client-grants", client_grants::list::handle),
    route!("POST /organizations/{id}/client-grants", client_grants::add::handle),
    route!("DELETE /organizations/{id}/client-grants/{grant_id}", client_grants::remove::handle),
    route!("GET /client-grants/{id}/organizations", list_of_grant::handle),
    route!("GET /users/{id}/organizations", list_of_user::handle),
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
