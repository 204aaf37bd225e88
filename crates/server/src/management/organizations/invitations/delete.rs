//! `DELETE /api/v2/organizations/{id}/invitations/{invitation_id}`.

use tenantry_identity::Refusal;

use crate::management::route::{Answer, Call};

/// Answers the call.
pub(in super::super) async fn handle(call: Call) -> Result<Answer, Refusal> {
    call.identity.delete_invitation(&call.caller, call.param("id"), call.param("invitation_id")).await?;
    Ok(Answer::none())
}
