//! `GET /api/v2/organizations/{id}/discovery-domains/name/{discovery_domain}`.

use tenantry_identity::Refusal;

use super::shown;
use crate::management::route::{Answer, Call};

/// Answers the call.
pub(in super::super) async fn handle(call: Call) -> Result<Answer, Refusal> {
    let (account, name) = (call.param("id"), call.param("discovery_domain"));
    Ok(Answer::ok(shown(&call.identity.domain_named(&call.caller, account, name).await?)))
}
