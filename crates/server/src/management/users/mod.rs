//! Users, their identities, and what they hold on the platform.

mod add_permissions;
mod add_roles;
mod by_email;
mod create;
mod delete;
mod link;
mod list;
mod list_permissions;
mod list_roles;
mod read;
mod remove_permissions;
mod remove_roles;
mod shape;
mod unlink;
mod update;

use crate::management::route::{Route, route};

pub(crate) use shape::{permission_names, permission_shown, role_shown};

/// The family's endpoints.
pub(crate) const ROUTES: &[Route] = &[
    route!("GET /users", list::handle),
    route!("POST /users", create::handle),
    route!("GET /users-by-email", by_email::handle),
    route!("GET /users/{id}", read::handle),
    route!("PATCH /users/{id}", update::handle),
    route!("DELETE /users/{id}", delete::handle),
    route!("POST /users/{id}/identities", link::handle),
    route!("DELETE /users/{id}/identities/{provider}/{user_id}", unlink::handle),
    route!("GET /users/{id}/permissions", list_permissions::handle),
    route!("POST /users/{id}/permissions", add_permissions::handle),
    route!("DELETE /users/{id}/permissions", remove_permissions::handle),
    route!("GET /users/{id}/roles", list_roles::handle),
    route!("POST /users/{id}/roles", add_roles::handle),
    route!("DELETE /users/{id}/roles", remove_roles::handle),
];
