//! `GET …/api-keys`.

use crate::own::endpoint::Call;
use crate::own::paging::Paging;
use crate::own::reply::Page;
use crate::own::shapes::api_key::ApiKey;
use tenantry_identity::Refusal;

/// Answers the call.
pub(super) async fn handle(call: Call<Paging>) -> Result<Page<ApiKey>, Refusal> {
    let listed = call.identity.api_keys(&call.caller, call.account(), &call.query.part()).await?;
    Ok(Page::of(listed, ApiKey::from))
}
