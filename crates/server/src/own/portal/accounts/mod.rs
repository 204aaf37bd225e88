//! Accounts.

mod create;
mod delete;
mod list;
mod read;
mod status;
mod tree;
mod update;

use crate::own::endpoint::{Endpoint, endpoint};

/// The family's endpoints.
pub(super) fn endpoints() -> [Endpoint; 9] {
    [
        endpoint("GET", "/portal/v1/accounts", list::handle)
            .says("Accounts, oldest first")
            .needs(&["read:organizations"]),
        endpoint("POST", "/portal/v1/accounts", create::handle)
            .says("Makes an account")
            .needs(&["create:organizations"]),
        endpoint("GET", "/portal/v1/accounts/{account_id}", read::handle)
            .says("An account")
            .needs(&["read:organizations"]),
        endpoint("GET", "/portal/v1/accounts/{account_id}/tree", tree::handle)
            .says("An account with all that lie below it, each after the one above it")
            .needs(&["read:organizations"]),
        endpoint("PATCH", "/portal/v1/accounts/{account_id}", update::handle)
            .says("Changes an account; null takes a member away")
            .needs(&["update:organizations"]),
        endpoint("POST", "/portal/v1/accounts/{account_id}/suspend", status::suspend)
            .says("Keeps an account's people and clients out, for now")
            .needs(&["update:organizations"]),
        endpoint("POST", "/portal/v1/accounts/{account_id}/activate", status::activate)
            .says("Lets the people of a suspended account in again")
            .needs(&["update:organizations"]),
        endpoint("POST", "/portal/v1/accounts/{account_id}/close", status::close)
            .says("Keeps an account's people and clients out for good; what it holds stays until it is removed")
            .needs(&["update:organizations"]),
        endpoint("DELETE", "/portal/v1/accounts/{account_id}", delete::handle)
            .says("Removes an account; its rows in the sources stay")
            .needs(&["delete:organizations"]),
    ]
}
