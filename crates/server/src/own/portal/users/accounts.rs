//! `GET /portal/v1/users/{user_id}/accounts`.

use crate::own::endpoint::Call;
use crate::own::paging::Paging;
use crate::own::reply::Page;
use crate::own::shapes::account::Account;
use tenantry_identity::Refusal;

/// Answers the call.
pub(super) async fn handle(call: Call<Paging>) -> Result<Page<Account>, Refusal> {
    let listed = call.identity.user_accounts(&call.caller, call.param("user_id"), &call.query.part()).await?;
    Ok(Page::of(listed, Account::from))
}
