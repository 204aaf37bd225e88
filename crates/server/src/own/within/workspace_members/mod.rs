//! The members of a workspace, and the roles that they hold in it.

mod add;
mod give_roles;
mod list;
mod remove;
mod roles;
mod take_role;

use crate::own::endpoint::{Endpoint, endpoint};

/// The family's endpoints.
pub(super) fn endpoints(below: &str) -> [Endpoint; 6] {
    let at = |rest: &str| [below, rest].concat();
    [
        endpoint("GET", at("/workspaces/{workspace_id}/members"), list::handle)
            .says("A workspace's members, in the order in which they came")
            .needs(&["read:workspace_members"])
            .in_a_workspace(),
        endpoint("POST", at("/workspaces/{workspace_id}/members"), add::handle)
            .says("Lets members of the account into a workspace")
            .needs(&["create:workspace_members"])
            .in_a_workspace(),
        endpoint("DELETE", at("/workspaces/{workspace_id}/members/{user_id}"), remove::handle)
            .says("Takes a user out of a workspace, with what it held there")
            .needs(&["delete:workspace_members"])
            .in_a_workspace(),
        endpoint("GET", at("/workspaces/{workspace_id}/members/{user_id}/roles"), roles::handle)
            .says("The roles that a member holds in a workspace")
            .needs(&["read:workspace_member_roles"])
            .in_a_workspace(),
        endpoint("POST", at("/workspaces/{workspace_id}/members/{user_id}/roles"), give_roles::handle)
            .says("Gives a member roles in a workspace; nobody can give what they do not hold")
            .needs(&["create:workspace_member_roles"])
            .in_a_workspace(),
        endpoint("DELETE", at("/workspaces/{workspace_id}/members/{user_id}/roles/{role_id}"), take_role::handle)
            .says("Takes a role in a workspace from a member")
            .needs(&["delete:workspace_member_roles"])
            .in_a_workspace(),
    ]
}
