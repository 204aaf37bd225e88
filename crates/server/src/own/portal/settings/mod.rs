//! The platform's settings.

mod read;
mod shape;
mod update;

use crate::own::endpoint::{Endpoint, endpoint};

/// The family's endpoints.
pub(super) fn endpoints() -> [Endpoint; 2] {
    [
        endpoint("GET", "/portal/v1/settings", read::handle)
            .says("The platform's settings")
            .needs(&["read:tenant_settings"]),
        endpoint("PATCH", "/portal/v1/settings", update::handle)
            .says("Changes the platform's settings; null takes one away")
            .needs(&["update:tenant_settings"]),
    ]
}
