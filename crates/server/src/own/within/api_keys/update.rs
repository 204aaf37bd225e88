//! `PATCH …/api-keys/{key_id}`.

use crate::own::endpoint::Call;
use crate::own::reply::Shown;
use crate::own::shapes::api_key::ApiKey;
use schemars::JsonSchema;
use serde::Deserialize;
use tenantry_identity::Refusal;

/// What may be changed of an API key
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ApiKeyChange")]
pub(super) struct Body {
    /// Its name for people
    #[schemars(length(min = 1, max = 255))]
    name: Option<String>,
    /// Is it in force?
    enabled: Option<bool>,
}

/// Answers the call.
pub(super) async fn handle(call: Call<(), Body>) -> Result<Shown<ApiKey>, Refusal> {
    let id = call.param("key_id");
    let Body { name, enabled } = &call.body;
    let key = call.identity.update_api_key(&call.caller, call.account(), id, name.as_deref(), *enabled).await?;
    Ok(Shown(key.into()))
}
