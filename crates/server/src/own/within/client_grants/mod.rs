//! What clients may do for an account.

mod list;
mod remove;

use crate::own::endpoint::{Endpoint, endpoint};

/// The family's endpoints.
pub(super) fn endpoints(below: &str) -> [Endpoint; 2] {
    let at = |rest: &str| [below, rest].concat();
    [
        endpoint("GET", at("/client-grants"), list::handle)
            .says("Which clients may act for the account, at which APIs and with which permissions")
            .needs(&["read:organization_client_grants"]),
        endpoint("DELETE", at("/client-grants/{grant_id}"), remove::handle)
            .says("Takes from a client what it may do for the account")
            .needs(&["delete:organization_client_grants"]),
    ]
}
