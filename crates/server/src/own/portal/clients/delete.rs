//! `DELETE /portal/v1/clients/{client_id}`.

use crate::own::endpoint::Call;
use crate::own::reply::Gone;
use tenantry_identity::Refusal;

/// Answers the call.
pub(super) async fn handle(call: Call) -> Result<Gone, Refusal> {
    let client = call.param("client_id");
    call.identity.must_be_client(&call.caller, call.any_of, client).await?;
    call.identity.delete_client(&call.caller, client).await?;
    Ok(Gone)
}
