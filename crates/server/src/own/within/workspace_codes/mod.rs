//! Codes by which people join a workspace by themselves.

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
        endpoint("GET", at("/workspaces/{workspace_id}/codes"), list::handle)
            .says("A workspace's codes, oldest first, without the codes themselves")
            .needs(&["read:workspace_codes"])
            .in_a_workspace(),
        endpoint("POST", at("/workspaces/{workspace_id}/codes"), create::handle)
            .says("Makes a code; it is shown in this answer and never again")
            .needs(&["create:workspace_codes"])
            .in_a_workspace(),
        endpoint("GET", at("/workspaces/{workspace_id}/codes/{code_id}"), read::handle)
            .says("A code, without the code itself")
            .needs(&["read:workspace_codes"])
            .in_a_workspace(),
        endpoint("PATCH", at("/workspaces/{workspace_id}/codes/{code_id}"), update::handle)
            .says("Changes how often, until when and whether a code may be used")
            .needs(&["create:workspace_codes", "delete:workspace_codes"])
            .in_a_workspace(),
        endpoint("DELETE", at("/workspaces/{workspace_id}/codes/{code_id}"), delete::handle)
            .says("Removes a code; whoever came in by it stays")
            .needs(&["delete:workspace_codes"])
            .in_a_workspace(),
    ]
}
