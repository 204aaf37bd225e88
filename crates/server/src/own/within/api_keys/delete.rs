//! `DELETE …/api-keys/{key_id}`.

use crate::own::endpoint::Call;
use crate::own::reply::Gone;
use tenantry_identity::Refusal;

/// Answers the call.
pub(super) async fn handle(call: Call) -> Result<Gone, Refusal> {
    call.identity.delete_api_key(&call.caller, call.account(), call.param("key_id")).await?;
    Ok(Gone)
}
