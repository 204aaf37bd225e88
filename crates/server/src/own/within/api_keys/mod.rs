//! Keys by which programs call models.

mod create;
mod delete;
mod list;
mod read;
mod update;

use crate::own::endpoint::{Endpoint, endpoint};

/// The family's endpoints.
pub(super) fn endpoints(below: &str) -> [Endpoint; 5] {
    let at = |rest: &str| [below, rest].concat();
    [
        endpoint("GET", at("/api-keys"), list::handle)
            .says("The account's API keys, oldest first, without the keys themselves")
            .needs(&["read:api_keys"]),
        endpoint("POST", at("/api-keys"), create::handle)
            .says("Makes an API key; it is shown in this answer and never again")
            .needs(&["create:api_keys"]),
        endpoint("GET", at("/api-keys/{key_id}"), read::handle)
            .says("An API key, without the key itself")
            .needs(&["read:api_keys"]),
        endpoint("PATCH", at("/api-keys/{key_id}"), update::handle)
            .says("Renames an API key, or changes whether it is in force; what it may is never changed")
            .needs(&["create:api_keys", "delete:api_keys"]),
        endpoint("DELETE", at("/api-keys/{key_id}"), delete::handle)
            .says("Removes an API key; what it streams ends within a second")
            .needs(&["delete:api_keys"]),
    ]
}
