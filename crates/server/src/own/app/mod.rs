//! `/app/v1` beside the data tools: whoever works in a workspace, about themselves.

mod me;
mod redeem_code;
mod update_me;

use crate::own::endpoint::{Endpoint, endpoint};

/// The context's endpoints.
pub(super) fn endpoints() -> [Endpoint; 3] {
    [
        endpoint("GET", "/app/v1/me", me::handle)
            .says("Who the token is for: profile, memberships, roles and permissions"),
        endpoint("PATCH", "/app/v1/me", update_me::handle)
            .says("Changes one's own names and user_metadata; null takes a member away"),
        endpoint("POST", "/app/v1/codes/redeem", redeem_code::handle)
            .says("Joins the workspace that a code is for, in the token's account"),
    ]
}
