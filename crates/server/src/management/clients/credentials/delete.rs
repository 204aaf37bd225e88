//! `DELETE /api/v2/clients/{client_id}/credentials/{credential_id}`.

use tenantry_identity::Refusal;

use crate::management::route::{Answer, Call};

/// Answers the call.
pub(in crate::management::clients) async fn handle(call: Call) -> Result<Answer, Refusal> {
    let (client, id) = (call.param("client_id"), call.param("credential_id"));
    call.identity.delete_credential(&call.caller, client, id).await?;
    Ok(Answer::none())
}
