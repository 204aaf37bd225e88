//! Users, wherever they belong.

mod accounts;
mod create;
mod delete;
mod give_roles;
mod list;
mod read;
mod roles;
mod take_role;
mod update;

use crate::own::endpoint::{Endpoint, endpoint};

/// The family's endpoints.
pub(super) fn endpoints() -> [Endpoint; 9] {
    [
        endpoint("GET", "/portal/v1/users", list::handle)
            .says("Users, oldest first; or those whom a query finds")
            .needs(&["read:users"]),
        endpoint("POST", "/portal/v1/users", create::handle).says("Makes a user").needs(&["create:users"]),
        endpoint("GET", "/portal/v1/users/{user_id}", read::handle).says("A user").needs(&["read:users"]),
        endpoint("PATCH", "/portal/v1/users/{user_id}", update::handle)
            .says("Changes a user, or keeps it out; null takes a member away, metadata is merged")
            .needs(&["update:users"]),
        endpoint("DELETE", "/portal/v1/users/{user_id}", delete::handle)
            .says("Removes a user from everywhere")
            .needs(&["delete:users"]),
        endpoint("GET", "/portal/v1/users/{user_id}/accounts", accounts::handle)
            .says("The accounts that a user belongs to")
            .needs(&["read:organizations"]),
        endpoint("GET", "/portal/v1/users/{user_id}/roles", roles::handle)
            .says("The roles that a user holds on the platform")
            .needs(&["read:role_members"]),
        endpoint("POST", "/portal/v1/users/{user_id}/roles", give_roles::handle)
            .says("Gives a user roles on the platform")
            .needs(&["create:role_members"]),
        endpoint("DELETE", "/portal/v1/users/{user_id}/roles/{role_id}", take_role::handle)
            .says("Takes a role on the platform from a user")
            .needs(&["delete:role_members"]),
    ]
}
