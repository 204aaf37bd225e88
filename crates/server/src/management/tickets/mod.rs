//! Tickets: links that let whoever has one set a password or confirm an address, once.

mod create;

use crate::management::route::{Route, route};

/// The family's endpoints.
pub(crate) const ROUTES: &[Route] = &[
    route!("POST /tickets/password-change", create::password_change),
    route!("POST /tickets/email-verification", create::email_verification),
];
