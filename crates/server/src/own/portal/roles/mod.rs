//! The roles that the platform has and offers.

mod create;
mod delete;
mod forbid;
mod holders;
mod list;
mod permissions;
mod permit;
mod read;
mod update;

use crate::own::endpoint::{Endpoint, endpoint};

/// The family's endpoints.
pub(super) fn endpoints() -> [Endpoint; 9] {
    [
        endpoint("GET", "/portal/v1/roles", list::handle)
            .says("The platform's roles, oldest first")
            .needs(&["read:roles"]),
        endpoint("POST", "/portal/v1/roles", create::handle)
            .says("Makes a role of the platform's, or one that it offers to accounts or workspaces")
            .needs(&["create:roles"]),
        endpoint("GET", "/portal/v1/roles/{role_id}", read::handle).says("A role").needs(&["read:roles"]),
        endpoint("PATCH", "/portal/v1/roles/{role_id}", update::handle).says("Changes a role").needs(&["update:roles"]),
        endpoint("DELETE", "/portal/v1/roles/{role_id}", delete::handle)
            .says("Removes a role, from everybody who holds it")
            .needs(&["delete:roles"]),
        endpoint("GET", "/portal/v1/roles/{role_id}/permissions", permissions::handle)
            .says("What a role permits")
            .needs(&["read:roles"]),
        endpoint("POST", "/portal/v1/roles/{role_id}/permissions", permit::handle)
            .says("Lets a role permit more")
            .needs(&["update:roles"]),
        endpoint("DELETE", "/portal/v1/roles/{role_id}/permissions/{api}/{permission}", forbid::handle)
            .says("Lets a role permit less")
            .needs(&["update:roles"]),
        endpoint("GET", "/portal/v1/roles/{role_id}/users", holders::handle)
            .says("Who holds a role on the platform")
            .needs(&["read:role_members"]),
    ]
}
