//! Invitations into an account.

mod create;
mod delete;
mod list;
mod read;

use crate::own::endpoint::{Endpoint, endpoint};

/// The family's endpoints.
pub(super) fn endpoints(below: &str) -> [Endpoint; 4] {
    let at = |rest: &str| [below, rest].concat();
    [
        endpoint("GET", at("/invitations"), list::handle)
            .says("Invitations that were not accepted yet, oldest first")
            .needs(&["read:organization_invitations"]),
        endpoint("POST", at("/invitations"), create::handle)
            .says("Invites somebody; the link is in this answer and is not shown again")
            .needs(&["create:organization_invitations"]),
        endpoint("GET", at("/invitations/{invitation_id}"), read::handle)
            .says("An invitation, without its link")
            .needs(&["read:organization_invitations"]),
        endpoint("DELETE", at("/invitations/{invitation_id}"), delete::handle)
            .says("Withdraws an invitation")
            .needs(&["delete:organization_invitations"]),
    ]
}
