//! The roles that can be held in an account, and what its own ones permit.

mod create;
mod delete;
mod forbid;
mod list;
mod offered;
mod permissions;
mod permit;
mod read;
mod update;

use tenantry_identity::Refusal;
use tenantry_policy::Policy;

use crate::own::endpoint::{Endpoint, endpoint};

/// The family's endpoints.
pub(super) fn endpoints(below: &str) -> [Endpoint; 9] {
    let at = |rest: &str| [below, rest].concat();
    [
        endpoint("GET", at("/roles"), list::handle)
            .says("The account's own roles, then those that the platform offers to all")
            .needs(&["read:roles"]),
        endpoint("POST", at("/roles"), create::handle)
            .says("Makes a role of the account's own; no role of the platform's or the policy's may bear its name")
            .needs(&["create:roles"]),
        endpoint("GET", at("/roles/{role_id}"), read::handle)
            .says("A role that can be held in the account")
            .needs(&["read:roles"]),
        endpoint("PATCH", at("/roles/{role_id}"), update::handle)
            .says("Changes a role of the account's own")
            .needs(&["update:roles"]),
        endpoint("DELETE", at("/roles/{role_id}"), delete::handle)
            .says("Removes a role of the account's own, from everybody who holds it")
            .needs(&["delete:roles"]),
        endpoint("GET", at("/roles/{role_id}/permissions"), permissions::handle)
            .says("What a role permits")
            .needs(&["read:roles"]),
        endpoint("POST", at("/roles/{role_id}/permissions"), permit::handle)
            .says("Lets a role of the account's own permit more, of what the platform offers to accounts")
            .needs(&["update:roles"]),
        endpoint("DELETE", at("/roles/{role_id}/permissions/{api}/{permission}"), forbid::handle)
            .says("Lets a role of the account's own permit less")
            .needs(&["update:roles"]),
        endpoint("GET", at("/permissions"), offered::handle)
            .says("What roles of the account's own may permit")
            .needs(&["read:roles"]),
    ]
}

/// Passes when no role of the policy bears that name.
///
/// INVARIANT: the policy knows roles by their names, so an account may not make itself one of them.
fn free(policy: &Policy, name: &str) -> Result<(), Refusal> {
    if policy.roles.keys().any(|known| known.to_lowercase() == name.trim().to_lowercase()) {
        return Err(Refusal::invalid("the policy has a role of that name; an account's own role needs another"));
    }
    Ok(())
}
