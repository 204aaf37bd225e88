//! `GET /portal/v1/accounts/{account_id}`.

use tenantry_identity::Refusal;

use crate::own::endpoint::Call;
use crate::own::reply::Shown;
use crate::own::shapes::account::Account;

/// Answers the call.
pub(super) async fn handle(call: Call) -> Result<Shown<Account>, Refusal> {
    let account = call.identity.account(&call.caller, call.param("account_id")).await?;
    Ok(Shown(account.into()))
}
