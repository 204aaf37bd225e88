//! The account itself.

mod read;
mod update;

use crate::own::endpoint::{Endpoint, endpoint};

/// The family's endpoints.
pub(super) fn endpoints() -> [Endpoint; 2] {
    [
        endpoint("GET", "/dashboard/v1/account", read::handle)
            .says("The account and its settings")
            .needs(&["read:organizations"]),
        endpoint("PATCH", "/dashboard/v1/account", update::handle)
            .says("Changes name for people, branding and metadata; null takes one away")
            .needs(&["update:organizations"]),
    ]
}
