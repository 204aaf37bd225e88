//! What lies within one account, for those who look after it and for the platform's own people alike: the
//! same endpoints under `/dashboard/v1` and under `/portal/v1/accounts/{account_id}`.

mod api_keys;
mod audit;
mod client_grants;
mod invitations;
mod limits;
mod members;
mod roles;
mod usage;
mod workspace_codes;
mod workspace_members;
mod workspaces;

use crate::own::endpoint::Endpoint;

/// The endpoints below a path.
pub(super) fn endpoints(below: &str) -> Vec<Endpoint> {
    let mut all = Vec::new();
    all.extend(members::endpoints(below));
    all.extend(roles::endpoints(below));
    all.extend(invitations::endpoints(below));
    all.extend(client_grants::endpoints(below));
    all.extend(workspaces::endpoints(below));
    all.extend(workspace_members::endpoints(below));
    all.extend(workspace_codes::endpoints(below));
    all.extend(api_keys::endpoints(below));
    all.extend(audit::endpoints(below));
    all.extend(usage::endpoints(below));
    all.extend(limits::endpoints(below));
    all
}
