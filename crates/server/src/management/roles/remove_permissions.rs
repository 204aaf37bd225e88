//! `DELETE /api/v2/roles/{id}/permissions`.

use tenantry_identity::Refusal;

use crate::management::route::{Answer, Call};
use crate::management::users::permission_names;

/// Answers the call.
pub(super) async fn handle(call: Call) -> Result<Answer, Refusal> {
    let names = permission_names(&call);
    call.identity.remove_role_permissions(&call.caller, call.param("id"), &names).await?;
    Ok(Answer::none())
}
