//! Members that the platform's people put into accounts themselves, without an invitation.

mod add;

use crate::own::endpoint::{Endpoint, endpoint};

/// The family's endpoints.
pub(super) fn endpoints() -> [Endpoint; 1] {
    [endpoint("POST", "/portal/v1/accounts/{account_id}/members", add::handle)
        .says("Makes users members of an account; those who are members stay as they are")
        .needs(&["create:organization_members"])]
}
