//! An account's audit.

mod list;
mod show;
mod verify;

use crate::own::endpoint::{Endpoint, endpoint};

/// The family's endpoints.
pub(super) fn endpoints(below: &str) -> [Endpoint; 3] {
    let at = |rest: &str| [below, rest].concat();
    [
        endpoint("GET", at("/audit"), list::handle)
            .says("Lines of the account's audit, newest first")
            .needs(&["read:audit"])
            .in_a_workspace(),
        endpoint("GET", at("/audit/{call_id}"), show::handle)
            .says("The lines of one call, oldest first")
            .needs(&["read:audit"])
            .in_a_workspace(),
        endpoint("POST", at("/audit/verify"), verify::handle)
            .says("Computes the account's chain again and says whether anything was changed from outside")
            .needs(&["read:audit"]),
    ]
}
