//! `GET /api/v2/organizations/{id}/invitations/{invitation_id}`.

use tenantry_identity::Refusal;

use super::shown_as_asked;
use crate::management::route::{Answer, Call};

/// Answers the call.
pub(in super::super) async fn handle(call: Call) -> Result<Answer, Refusal> {
    let (account, id) = (call.param("id"), call.param("invitation_id"));
    let invitation = call.identity.invitation(&call.caller, account, id).await?;
    Ok(Answer::ok(shown_as_asked(&invitation, &call.query)))
}
