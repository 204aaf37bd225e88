//! `/portal/v1`: for the platform's own people, across accounts. Its tokens have no account, so the path
//! names the one that is meant.

mod accounts;
mod apis;
mod audit;
mod clients;
mod members;
mod roles;
mod settings;
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
    all.extend(apis::endpoints());
    all.extend(clients::endpoints());
    all.extend(settings::endpoints());
    all.extend(within::endpoints("/portal/v1/accounts/{account_id}"));
    all
}
