//! `GET …/invitations`.

use crate::own::endpoint::Call;
use crate::own::paging::Paging;
use crate::own::reply::Page;
use crate::own::shapes::invitation::Invitation;
use tenantry_identity::Refusal;

/// Answers the call.
pub(super) async fn handle(call: Call<Paging>) -> Result<Page<Invitation>, Refusal> {
    let listed = call.identity.invitations(&call.caller, call.account(), false, &call.query.part()).await?;
    Ok(Page::of(listed, |invitation| Invitation::from(&invitation)))
}
