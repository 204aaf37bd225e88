//! `DELETE …/client-grants/{grant_id}`.

use crate::own::endpoint::Call;
use crate::own::reply::Gone;
use tenantry_identity::Refusal;

/// Answers the call.
pub(super) async fn handle(call: Call) -> Result<Gone, Refusal> {
    let grant = call.param("grant_id");
    call.identity.known_account_grant(&call.caller, call.any_of, call.account(), grant).await?;
    call.identity.remove_account_grant(&call.caller, call.account(), grant).await?;
    Ok(Gone)
}
