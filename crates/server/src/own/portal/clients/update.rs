//! `PATCH /portal/v1/clients/{client_id}`.

use crate::own::endpoint::Call;
use crate::own::reply::Shown;
use crate::own::shapes::client::Client;
use schemars::JsonSchema;
use serde::Deserialize;
use tenantry_identity::Refusal;

/// What may be changed of a client
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ClientChange")]
#[expect(dead_code, reason = "its form is what counts: the members are taken as they were sent")]
pub(super) struct Body {
    #[schemars(with = "String", length(min = 1, max = 140), regex(pattern = r"^[^<>]+$"))]
    #[serde(default)]
    name: Option<String>,
    #[schemars(length(max = 140))]
    description: Option<String>,
    /// Where logins may lead back to
    #[schemars(length(max = 100), inner(length(min = 1, max = 2048), regex(pattern = r"^[^\s:]+:[^\s]+$")))]
    callbacks: Option<Vec<String>>,
}

/// Answers the call.
pub(super) async fn handle(mut call: Call<(), Body>) -> Result<Shown<Client>, Refusal> {
    let change = std::mem::take(&mut call.sent);
    let client = call.identity.update_client(&call.caller, call.param("client_id"), change).await?;
    Ok(Shown(Client::from(&client)))
}
