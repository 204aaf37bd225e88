//! `GET /api/v2/organizations/{id}/discovery-domains/{discovery_domain_id}`.

use tenantry_identity::Refusal;

use super::shown;
use crate::management::route::{Answer, Call};

/// Answers the call.
pub(in super::super) async fn handle(call: Call) -> Result<Answer, Refusal> {
    let (account, id) = (call.param("id"), call.param("discovery_domain_id"));
    Ok(Answer::ok(shown(&call.identity.domain(&call.caller, account, id).await?)))
}
