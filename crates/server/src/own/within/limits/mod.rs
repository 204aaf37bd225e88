//! What an account may use.

mod read;

use crate::own::endpoint::{Endpoint, endpoint};

/// The family's endpoints.
pub(super) fn endpoints(below: &str) -> [Endpoint; 1] {
    let at = |rest: &str| [below, rest].concat();
    [endpoint("GET", at("/limits"), read::handle)
        .says("The limits that hold in the account, and what is left of them")
        .needs(&["read:audit"])
        .in_a_workspace()]
}
