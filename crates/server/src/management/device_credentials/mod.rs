//! Devices' credentials.

mod create;
mod delete;
mod list;

use crate::management::route::{Route, route};

/// The family's endpoints.
pub(crate) const ROUTES: &[Route] = &[
    route!("GET /device-credentials", list::handle),
    route!("POST /device-credentials", create::handle),
    route!("DELETE /device-credentials/{id}", delete::handle),
];
