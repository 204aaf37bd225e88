//! `/portal/v1`: for the platform's own people, across accounts. Its tokens have no account, so the path
//! names the one that is meant.

mod accounts;
mod audit;
mod members;
mod roles;
mod users;

use crate::own::endpoint::Endpoint;
use crate::own::within;

/// The context's endpoints.
pub(super) fn endpoints() -> Vec<Endpoint> {
    let mut all = Vec::new();
    all.extend(accounts::endpoints());
    all.extend(audit::endpoints());
    all.extend(members::endpoints());
    all.extend(users::endpoints());
    all.extend(roles::endpoints());
    all.extend(within::endpoints("/portal/v1/accounts/{account_id}"));
    all
}
