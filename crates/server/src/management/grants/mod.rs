//! Grants: what users consented to.

mod delete;
mod list;

use crate::management::route::{Route, route};

/// The family's endpoints.
pub(crate) const ROUTES: &[Route] = &[
    route!("GET /grants", list::handle),
    route!("DELETE /grants", delete::of_user),
    route!("DELETE /grants/{id}", delete::one),
];
