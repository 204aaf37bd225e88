//! `GET /portal/v1/clients/{client_id}`.

use crate::own::endpoint::Call;
use crate::own::reply::Shown;
use crate::own::shapes::client::Client;
use tenantry_identity::Refusal;

/// Answers the call.
pub(super) async fn handle(call: Call) -> Result<Shown<Client>, Refusal> {
    let client = call.identity.client(&call.caller, call.param("client_id")).await?;
    Ok(Shown(Client::from(&client)))
}
