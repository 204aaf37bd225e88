//! Tenant settings: the platform's.

mod read;
mod update;

use crate::management::route::{Route, route};

/// The family's endpoints.
pub(crate) const ROUTES: &[Route] = &[
    route!("GET /tenants/settings", read::handle),
    route!("PATCH /tenants/settings", update::handle, partly: "pages, locales and session settings are kept and not applied"),
];
