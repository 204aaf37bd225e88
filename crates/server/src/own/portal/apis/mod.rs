//! APIs: what tokens are for, and the permissions that they carry.

mod create;
mod delete;
mod list;
mod read;
mod update;

use crate::own::endpoint::{Endpoint, endpoint};

/// The family's endpoints.
pub(super) fn endpoints() -> [Endpoint; 5] {
    [
        endpoint("GET", "/portal/v1/apis", list::handle).says("APIs, oldest first").needs(&["read:resource_servers"]),
        endpoint("POST", "/portal/v1/apis", create::handle).says("Makes an API").needs(&["create:resource_servers"]),
        endpoint("GET", "/portal/v1/apis/{api_id}", read::handle).says("An API").needs(&["read:resource_servers"]),
        endpoint("PATCH", "/portal/v1/apis/{api_id}", update::handle)
            .says("Changes an API; permissions are replaced whole")
            .needs(&["update:resource_servers"]),
        endpoint("DELETE", "/portal/v1/apis/{api_id}", delete::handle)
            .says("Removes an API with its permissions and grants")
            .needs(&["delete:resource_servers"]),
    ]
}
