//! `GET /portal/v1/apis/{api_id}`.

use crate::own::endpoint::Call;
use crate::own::reply::Shown;
use crate::own::shapes::api::Api;
use tenantry_identity::Refusal;

/// Answers the call.
pub(super) async fn handle(call: Call) -> Result<Shown<Api>, Refusal> {
    let api = call.identity.api(&call.caller, call.param("api_id")).await?;
    Ok(Shown(api.into()))
}
