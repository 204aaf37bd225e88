//! `GET …/invitations/{invitation_id}`.

use crate::own::endpoint::Call;
use crate::own::reply::Shown;
use crate::own::shapes::invitation::Invitation;
use tenantry_identity::Refusal;

/// Answers the call.
pub(super) async fn handle(call: Call) -> Result<Shown<Invitation>, Refusal> {
    let found = call.identity.invitation(&call.caller, call.account(), call.param("invitation_id")).await?;
    Ok(Shown(Invitation::from(&found)))
}
