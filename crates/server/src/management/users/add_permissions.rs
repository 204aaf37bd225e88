//! `POST /api/v2/users/{id}/permissions`.

use serde_json::json;
use tenantry_identity::Refusal;

use super::permission_names;
use crate::management::route::{Answer, Call};

/// Answers the call.
pub(super) async fn handle(call: Call) -> Result<Answer, Refusal> {
    let names = permission_names(&call);
    call.identity.add_user_permissions(&call.caller, call.param("id"), &names).await?;
    Ok(Answer::created(json!({})))
}
