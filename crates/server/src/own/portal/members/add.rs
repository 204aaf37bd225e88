//! `POST /portal/v1/accounts/{account_id}/members`.

use crate::own::endpoint::Call;
use crate::own::reply::Gone;
use crate::own::shapes::member::UserIds;
use tenantry_identity::Refusal;

/// Answers the call.
pub(super) async fn handle(call: Call<(), UserIds>) -> Result<Gone, Refusal> {
    call.identity.add_members(&call.caller, call.account(), &call.body.users).await?;
    Ok(Gone)
}
