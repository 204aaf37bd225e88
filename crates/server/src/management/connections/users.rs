//! `DELETE /api/v2/connections/{id}/users?email=…`.

use tenantry_identity::Refusal;

use crate::management::route::{Answer, Call};

/// Answers the call.
pub(super) async fn handle(call: Call) -> Result<Answer, Refusal> {
    let email = call.query.text("email").unwrap_or_default();
    call.identity.delete_connection_user(&call.caller, call.param("id"), email).await?;
    Ok(Answer::none())
}
