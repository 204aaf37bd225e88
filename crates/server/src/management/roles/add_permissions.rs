//! `POST /api/v2/roles/{id}/permissions`.

use serde_json::json;
use tenantry_identity::Refusal;

use crate::management::route::{Answer, Call};
use crate::management::users::permission_names;

/// Answers the call.
pub(super) async fn handle(call: Call) -> Result<Answer, Refusal> {
    let names = permission_names(&call);
    call.identity.add_role_permissions(&call.caller, call.param("id"), &names).await?;
    Ok(Answer::created(json!({})))
}
