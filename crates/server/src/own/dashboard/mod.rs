//! `/dashboard/v1`: for those who look after an account, or one of its workspaces. The account is the
//! token's; no path, query or body can name another.

mod account;

use crate::own::endpoint::Endpoint;
use crate::own::within;

/// The context's endpoints.
pub(super) fn endpoints() -> Vec<Endpoint> {
    let mut all = Vec::new();
    all.extend(account::endpoints());
    all.extend(within::endpoints("/dashboard/v1"));
    all
}
