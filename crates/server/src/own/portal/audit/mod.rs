//! The audit of the platform itself.

mod list;
mod show;
mod verify;

use crate::own::endpoint::{Endpoint, endpoint};

/// The family's endpoints.
pub(super) fn endpoints() -> [Endpoint; 3] {
    [
        endpoint("GET", "/portal/v1/audit", list::handle)
            .says("Lines of the platform's own audit, newest first")
            .needs(&["read:audit"]),
        endpoint("GET", "/portal/v1/audit/{call_id}", show::handle)
            .says("The lines of one call of the platform, oldest first")
            .needs(&["read:audit"]),
        endpoint("POST", "/portal/v1/audit/verify", verify::handle)
            .says("Computes the platform's chain again and says whether anything was changed from outside")
            .needs(&["read:audit"]),
    ]
}
