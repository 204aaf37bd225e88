//! `/app/v1` beside the data tools: whoever works in a workspace, about themselves.

mod redeem_code;

use crate::own::endpoint::{Endpoint, endpoint};

/// The context's endpoints.
pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        endpoint("POST", "/app/v1/codes/redeem", redeem_code::handle)
            .says("Joins the workspace that a code is for, in the token's account"),
    ]
}
