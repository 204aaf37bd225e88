//! `POST /api/v2/organizations/{id}/discovery-domains`.

use serde_json::Value;
use tenantry_identity::Refusal;

use super::shown;
use crate::management::route::{Answer, Call};

/// Answers the call.
pub(in super::super) async fn handle(mut call: Call) -> Result<Answer, Refusal> {
    let domain = call.take_text("domain").unwrap_or_default();
    let status = call.take_text("status");
    let used = call.body.get("use_for_organization_discovery").and_then(Value::as_bool);
    let id = call.param("id");
    let made = call.identity.add_domain(&call.caller, id, &domain, status.as_deref(), used).await?;
    Ok(Answer::created(shown(&made)))
}
