//! `PATCH /api/v2/organizations/{id}/discovery-domains/{discovery_domain_id}`.

use serde_json::Value;
use tenantry_identity::Refusal;

use super::shown;
use crate::management::route::{Answer, Call};

/// Answers the call.
pub(in super::super) async fn handle(mut call: Call) -> Result<Answer, Refusal> {
    let status = call.take_text("status");
    let used = call.body.get("use_for_organization_discovery").and_then(Value::as_bool);
    let (account, id) = (call.param("id"), call.param("discovery_domain_id"));
    let changed = call.identity.update_domain(&call.caller, account, id, status.as_deref(), used).await?;
    Ok(Answer::ok(shown(&changed)))
}
