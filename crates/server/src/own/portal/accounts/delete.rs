//! `DELETE /portal/v1/accounts/{account_id}`.

use tenantry_identity::Refusal;

use crate::own::endpoint::Call;
use crate::own::reply::Gone;

/// Answers the call.
pub(super) async fn handle(call: Call) -> Result<Gone, Refusal> {
    call.identity.delete_account(&call.caller, call.param("account_id")).await?;
    Ok(Gone)
}
