//! `DELETE /api/v2/organizations/{id}/discovery-domains/{discovery_domain_id}`.

use tenantry_identity::Refusal;

use crate::management::route::{Answer, Call};

/// Answers the call.
pub(in super::super) async fn handle(call: Call) -> Result<Answer, Refusal> {
    call.identity.remove_domain(&call.caller, call.param("id"), call.param("discovery_domain_id")).await?;
    Ok(Answer::none())
}
