//! `GET …/client-grants`.

use crate::own::endpoint::Call;
use crate::own::paging::Paging;
use crate::own::reply::Page;
use crate::own::shapes::client_grant::ClientGrant;
use tenantry_identity::Refusal;
use tenantry_identity::account_grants::AccountGrantFilter;

/// Answers the call.
pub(super) async fn handle(call: Call<Paging>) -> Result<Page<ClientGrant>, Refusal> {
    let (all, part) = (AccountGrantFilter::default(), call.query.part());
    let listed = call.identity.account_grants(&call.caller, call.account(), &all, &part).await?;
    Ok(Page::of(listed, ClientGrant::from))
}
