//! Clients: applications and services that ask for tokens.

mod create;
mod delete;
mod list;
mod read;
mod update;

use crate::own::endpoint::{Endpoint, endpoint};

/// The family's endpoints.
pub(super) fn endpoints() -> [Endpoint; 5] {
    [
        endpoint("GET", "/portal/v1/clients", list::handle)
            .says("Clients, oldest first, without their secrets")
            .needs(&["read:clients"]),
        endpoint("POST", "/portal/v1/clients", create::handle)
            .says("Makes a client; its secret is in this answer")
            .needs(&["create:clients"]),
        endpoint("GET", "/portal/v1/clients/{client_id}", read::handle)
            .says("A client, without its secret")
            .needs(&["read:clients"]),
        endpoint("PATCH", "/portal/v1/clients/{client_id}", update::handle)
            .says("Changes a client; null takes a member away")
            .needs(&["update:clients"]),
        endpoint("DELETE", "/portal/v1/clients/{client_id}", delete::handle)
            .says("Removes a client with its grants and tokens")
            .needs(&["delete:clients"]),
    ]
}
