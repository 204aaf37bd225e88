//! `GET …/limits`.

use tenantry_identity::Refusal;

use crate::own::endpoint::Call;
use crate::own::reply::Shown;
use crate::own::shapes::limits::Holdings;

/// Answers the call.
pub(super) async fn handle(call: Call) -> Result<Shown<Holdings>, Refusal> {
    let metered = call.identity.metered(&call.caller, call.account()).await?;
    let holdings = call.guard.limiter().holdings(&metered.tenant, metered.workspace.as_deref()).await;
    Ok(Shown(holdings.map_err(Refusal::Store)?.into()))
}
