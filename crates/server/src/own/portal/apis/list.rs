//! `GET /portal/v1/apis`.

use crate::own::endpoint::Call;
use crate::own::paging::Paging;
use crate::own::reply::Page;
use crate::own::shapes::api::Api;
use tenantry_identity::Refusal;

/// Answers the call.
pub(super) async fn handle(call: Call<Paging>) -> Result<Page<Api>, Refusal> {
    let listed = call.identity.apis(&call.caller, &[], &call.query.part()).await?;
    Ok(Page::of(listed, Api::from))
}
