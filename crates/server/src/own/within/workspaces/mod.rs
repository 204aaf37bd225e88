//! The workspaces of an account.

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
        endpoint("GET", at("/workspaces"), list::handle).says("Workspaces, oldest first").needs(&["read:workspaces"]),
        endpoint("POST", at("/workspaces"), create::handle).says("Makes a workspace").needs(&["create:workspaces"]),
        endpoint("GET", at("/workspaces/{workspace_id}"), read::handle)
            .says("A workspace")
            .needs(&["read:workspaces"])
            .in_a_workspace(),
        endpoint("PATCH", at("/workspaces/{workspace_id}"), update::handle)
            .says("Changes a workspace; null takes a member away")
            .needs(&["update:workspaces"])
            .in_a_workspace(),
        endpoint("DELETE", at("/workspaces/{workspace_id}"), delete::handle)
            .says("Removes a workspace with its codes and who belongs to it")
            .needs(&["delete:workspaces"])
            .in_a_workspace(),
    ]
}
