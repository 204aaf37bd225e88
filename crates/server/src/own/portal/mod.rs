//! `/portal/v1`: for the platform's own people, across accounts. Its tokens have no account, so the path
//! names the one that is meant.

mod accounts;
mod audit;

use crate::own::endpoint::Endpoint;

/// The context's endpoints.
pub(super) fn endpoints() -> Vec<Endpoint> {
    let mut all = Vec::new();
    all.extend(accounts::endpoints());
    all.extend(audit::endpoints());
    all
}
