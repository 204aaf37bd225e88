//! `GET …/api-keys/{key_id}`.

use crate::own::endpoint::Call;
use crate::own::reply::Shown;
use crate::own::shapes::api_key::ApiKey;
use tenantry_identity::Refusal;

/// Answers the call.
pub(super) async fn handle(call: Call) -> Result<Shown<ApiKey>, Refusal> {
    let key = call.identity.api_key(&call.caller, call.account(), call.param("key_id")).await?;
    Ok(Shown(key.into()))
}
