//! The account's audit.

mod list;
mod show;
mod verify;

use crate::own::endpoint::{Endpoint, endpoint};

/// The family's endpoints.
pub(super) fn endpoints() -> [Endpoint; 3] {
    [
        endpoint("GET", "/dashboard/v1/audit", list::handle)
            .says("Lines of the audit, newest first")
            .needs(&["read:audit"])
            .in_a_workspace(),
        endpoint("GET", "/dashboard/v1/audit/{id}", show::handle)
            .says("The lines of one call, oldest first")
            .needs(&["read:audit"])
            .in_a_workspace(),
        endpoint("POST", "/dashboard/v1/audit/verify", verify::handle)
            .says("Computes the account's chain again and says whether anything was changed from outside")
            .needs(&["read:audit"]),
    ]
}
