//! `GET /portal/v1/settings`.

use tenantry_identity::Refusal;

use super::shape::Settings;
use crate::own::endpoint::Call;
use crate::own::reply::Shown;

/// Answers the call.
pub(super) async fn handle(call: Call) -> Result<Shown<Settings>, Refusal> {
    let settings = call.identity.settings(&call.caller).await?;
    Ok(Shown(settings.into()))
}
