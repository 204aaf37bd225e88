//! `GET /portal/v1/accounts`.

use tenantry_identity::Refusal;

use crate::own::endpoint::Call;
use crate::own::paging::Paging;
use crate::own::reply::Page;
use crate::own::shapes::account::Account;

/// Answers the call.
pub(super) async fn handle(call: Call<Paging>) -> Result<Page<Account>, Refusal> {
    let listed = call.identity.accounts(&call.caller, &call.query.part()).await?;
    Ok(Page::of(listed, Account::from))
}
