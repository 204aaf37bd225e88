//! `GET /portal/v1/accounts/{account_id}/tree`.

use tenantry_identity::Refusal;

use crate::own::endpoint::Call;
use crate::own::reply::Page;
use crate::own::shapes::account::Account;

/// Answers the call.
pub(super) async fn handle(call: Call) -> Result<Page<Account>, Refusal> {
    let found = call.identity.account_tree(&call.caller, call.param("account_id")).await?;
    Ok(Page::whole(found, Account::from))
}
