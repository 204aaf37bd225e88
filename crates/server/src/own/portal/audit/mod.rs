//! The audit of the platform and of each account.

mod list;
mod list_of_account;
mod show;
mod show_of_account;
mod verify;
mod verify_of_account;

use crate::own::endpoint::{Endpoint, endpoint};

/// The family's endpoints.
pub(super) fn endpoints() -> [Endpoint; 6] {
    [
        endpoint("GET", "/portal/v1/audit", list::handle)
            .says("Lines of the platform's own audit, newest first")
            .needs(&["read:audit"]),
        endpoint("GET", "/portal/v1/audit/{id}", show::handle)
            .says("The lines of one call of the platform, oldest first")
            .needs(&["read:audit"]),
        endpoint("POST", "/portal/v1/audit/verify", verify::handle)
            .says("Computes the platform's chain again and says whether anything was changed from outside")
            .needs(&["read:audit"]),
        endpoint("GET", "/portal/v1/accounts/{account_id}/audit", list_of_account::handle)
            .says("Lines of an account's audit, newest first")
            .needs(&["read:audit"]),
        endpoint("GET", "/portal/v1/accounts/{account_id}/audit/{id}", show_of_account::handle)
            .says("The lines of one call of an account, oldest first")
            .needs(&["read:audit"]),
        endpoint("POST", "/portal/v1/accounts/{account_id}/audit/verify", verify_of_account::handle)
            .says("Computes an account's chain again and says whether anything was changed from outside")
            .needs(&["read:audit"]),
    ]
}
