//! Keys by which programs call models.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tenantry_identity::api_keys;
use tenantry_identity::text::time;

/// A permission of an API
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ApiKeyPermission")]
pub(crate) struct KeyPermission {
    /// The API's identifier
    #[schemars(length(min = 1, max = 600))]
    api: String,
    /// The permission
    #[schemars(length(min = 1, max = 280))]
    name: String,
}

impl KeyPermission {
    /// As the operations know it.
    pub(crate) fn meant(&self) -> api_keys::KeyPermission {
        api_keys::KeyPermission { api: self.api.clone(), name: self.name.clone() }
    }
}

/// A key by which programs call models, without the key itself
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ApiKey {
    id: String,
    /// How the key begins
    prefix: String,
    name: String,
    workspace_id: Option<String>,
    /// The user in whose name it acts
    user_id: Option<String>,
    permissions: Vec<KeyPermission>,
    /// The only models that it may call
    models: Option<Vec<String>>,
    /// Is it in force? One that is out of time is not used all the same
    enabled: bool,
    /// Who made it
    created_by: String,
    created_at: String,
    expires_at: String,
    /// About when it was last used
    last_used_at: Option<String>,
}

impl From<api_keys::ApiKey> for ApiKey {
    fn from(key: api_keys::ApiKey) -> ApiKey {
        let permissions = key.permissions.into_iter();
        ApiKey {
            id: key.id,
            prefix: key.prefix,
            name: key.name,
            workspace_id: key.workspace_id,
            user_id: key.user_id,
            permissions: permissions.map(|one| KeyPermission { api: one.api, name: one.name }).collect(),
            models: key.models,
            enabled: key.enabled,
            created_by: key.created_by,
            created_at: time(key.created_micros),
            expires_at: time(key.expires_micros),
            last_used_at: key.last_used_micros.map(time),
        }
    }
}
