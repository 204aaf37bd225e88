//! The members of an account, and the roles that they hold in it.

mod give_roles;
mod list;
mod remove;
mod roles;
mod take_role;

use crate::own::endpoint::{Endpoint, endpoint};

/// The family's endpoints.
pub(super) fn endpoints(below: &str) -> [Endpoint; 5] {
    let at = |rest: &str| [below, rest].concat();
    [
        endpoint("GET", at("/members"), list::handle)
            .says("Members, in the order in which they came")
            .needs(&["read:organization_members"]),
        endpoint("DELETE", at("/members/{user_id}"), remove::handle)
            .says("Takes a user out of the account, with all that it held there")
            .needs(&["delete:organization_members"]),
        endpoint("GET", at("/members/{user_id}/roles"), roles::handle)
            .says("The roles that a member holds in the account")
            .needs(&["read:organization_member_roles"]),
        endpoint("POST", at("/members/{user_id}/roles"), give_roles::handle)
            .says("Gives a member roles; nobody can give what they do not hold")
            .needs(&["create:organization_member_roles"]),
        endpoint("DELETE", at("/members/{user_id}/roles/{role_id}"), take_role::handle)
            .says("Takes a role from a member")
            .needs(&["delete:organization_member_roles"]),
    ]
}
