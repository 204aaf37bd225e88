//! `GET /portal/v1/clients`.

use crate::own::endpoint::Call;
use crate::own::paging::Paging;
use crate::own::reply::Page;
use crate::own::shapes::client::Client;
use tenantry_identity::Refusal;
use tenantry_identity::clients::ClientFilter;

/// Answers the call.
pub(super) async fn handle(call: Call<Paging>) -> Result<Page<Client>, Refusal> {
    let listed = call.identity.clients(&call.caller, &ClientFilter::default(), &call.query.part()).await?;
    Ok(Page::of(listed, |client| Client::from(&client)))
}
