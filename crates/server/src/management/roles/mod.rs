//! Roles that the platform offers to all, what they permit, and who holds them on the platform.

mod add_permissions;
mod add_users;
mod create;
mod delete;
mod list;
mod list_permissions;
mod list_users;
mod read;
mod remove_permissions;
mod update;

use crate::management::route::{Route, route};

/// The family's endpoints.
pub(crate) const ROUTES: &[Route] = &[
    route!("GET /roles", list::handle),
    route!("POST /roles", create::handle),
    route!("GET /roles/{id}", read::handle),
    route!("PATCH /roles/{id}", update::handle),
    route!("DELETE /roles/{id}", delete::handle),
    route!("GET /roles/{id}/permissions", list_permissions::handle),
    route!("POST /roles/{id}/permissions", add_permissions::handle),
    route!("DELETE /roles/{id}/permissions", remove_permissions::handle),
    route!("GET /roles/{id}/users", list_users::handle),
    route!("POST /roles/{id}/users", add_users::handle),
];
