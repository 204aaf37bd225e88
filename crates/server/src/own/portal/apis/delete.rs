//! `DELETE /portal/v1/apis/{api_id}`.

use crate::own::endpoint::Call;
use crate::own::reply::Gone;
use tenantry_identity::Refusal;

/// Answers the call.
pub(super) async fn handle(call: Call) -> Result<Gone, Refusal> {
    let api = call.param("api_id");
    call.identity.must_be_api(&call.caller, call.any_of, api).await?;
    call.identity.delete_api(&call.caller, api).await?;
    Ok(Gone)
}
