//! `POST …/api-keys`.

use crate::own::endpoint::Call;
use crate::own::reply::Made;
use crate::own::shapes::api_key::{ApiKey, KeyPermission};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tenantry_identity::Refusal;
use tenantry_identity::api_keys::NewApiKey;

/// What an API key is made from
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ApiKeyNew")]
pub(super) struct Body {
    /// Its name for people
    #[schemars(length(min = 1, max = 255))]
    name: String,
    /// The one workspace that it is for; the whole account when nothing is said
    #[schemars(length(min = 1, max = 255))]
    workspace_id: Option<String>,
    /// The user in whose name it acts: it then never may more than that user
    #[schemars(length(min = 1, max = 255))]
    user_id: Option<String>,
    /// What it may; no more than its maker
    #[schemars(length(min = 1, max = 100))]
    permissions: Vec<KeyPermission>,
    /// The only models that it may call; every one that its permissions reach when nothing is said
    #[schemars(length(max = 100))]
    models: Option<Vec<String>>,
    /// For how many seconds it may be used; 90 days when nothing is said
    #[schemars(range(min = 1, max = 31_536_000))]
    lifetime_seconds: Option<i64>,
}

/// An API key that was made, with the key itself
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct MadeApiKey {
    /// What programs send as `Authorization: Bearer` or `x-api-key`. It is not shown again
    key: String,
    #[serde(flatten)]
    made: ApiKey,
}

/// Answers the call.
pub(super) async fn handle(call: Call<(), Body>) -> Result<Made<MadeApiKey>, Refusal> {
    let usual = NewApiKey::default();
    let new = NewApiKey {
        name: call.body.name.clone(),
        workspace_id: call.body.workspace_id.clone(),
        user_id: call.body.user_id.clone(),
        permissions: call.body.permissions.iter().map(KeyPermission::meant).collect(),
        models: call.body.models.clone(),
        lifetime: call.body.lifetime_seconds.unwrap_or(usual.lifetime),
    };
    let (made, key) = call.identity.create_api_key(&call.caller, call.account(), new).await?;
    Ok(Made(MadeApiKey { key, made: made.into() }))
}
