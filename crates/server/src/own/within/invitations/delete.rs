//! `DELETE …/invitations/{invitation_id}`.

use crate::own::endpoint::Call;
use crate::own::reply::Gone;
use tenantry_identity::Refusal;

/// Answers the call.
pub(super) async fn handle(call: Call) -> Result<Gone, Refusal> {
    call.identity.delete_invitation(&call.caller, call.account(), call.param("invitation_id")).await?;
    Ok(Gone)
}
