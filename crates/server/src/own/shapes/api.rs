//! APIs as they are shown.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tenantry_identity::apis;

/// What tokens are for
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Api {
    id: String,
    /// What tokens name as their audience
    identifier: String,
    name: Option<String>,
    /// One of the platform's own
    is_system: bool,
    permissions: Vec<ApiPermission>,
    /// For how many seconds its tokens are good
    token_lifetime: Option<i64>,
    /// Do its tokens carry only what roles permit?
    enforce_policies: bool,
}

/// A permission that an API knows
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ApiPermission {
    #[schemars(length(min = 1, max = 280))]
    pub(crate) name: String,
    #[schemars(length(max = 500))]
    pub(crate) description: Option<String>,
}

impl ApiPermission {
    /// As the operations take a list of them.
    pub(crate) fn scopes(permissions: &[ApiPermission]) -> Value {
        let each = permissions.iter();
        each.map(|one| match &one.description {
            Some(description) => json!({ "value": one.name, "description": description }),
            None => json!({ "value": one.name }),
        })
        .collect()
    }
}

impl From<apis::Api> for Api {
    fn from(api: apis::Api) -> Api {
        let scopes = api.scopes.into_iter();
        Api {
            permissions: scopes.map(|one| ApiPermission { name: one.value, description: one.description }).collect(),
            token_lifetime: api.fields.get("token_lifetime").and_then(Value::as_i64),
            enforce_policies: api.fields.get("enforce_policies").and_then(Value::as_bool).unwrap_or(false),
            id: api.id,
            identifier: api.identifier,
            name: api.name,
            is_system: api.is_system,
        }
    }
}
