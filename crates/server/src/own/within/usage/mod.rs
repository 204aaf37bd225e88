//! What an account's model calls used.

mod read;

use crate::own::endpoint::{Endpoint, endpoint};

/// The family's endpoints.
pub(super) fn endpoints(below: &str) -> [Endpoint; 1] {
    let at = |rest: &str| [below, rest].concat();
    [endpoint("GET", at("/usage"), read::handle)
        .says("What the account's model calls used and cost, the costliest first")
        .needs(&["read:audit"])
        .in_a_workspace()]
}
