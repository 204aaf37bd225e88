//! Connections: where logins are checked.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::words::Secret;

/// A connection.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Connection {
    /// `auth0` for passwords that Tenantry keeps, `email`, `sms`, `oidc`, `samlp`, `google-oauth2`, …. It never changes.
    pub strategy: String,
    /// Shown to people.
    pub display_name: Option<String>,
    /// What the strategy needs, as the Management API has it: `passwordPolicy`, `client_id`, `discovery_url`, ….
    #[serde(default)]
    pub options: BTreeMap<String, serde_json::Value>,
    /// Those of its options that are secret: `client_secret`, `api_key`, ….
    #[serde(default)]
    pub secret_options: BTreeMap<String, Secret>,
    /// Clients that may log people in by it.
    #[serde(default)]
    pub clients: Vec<String>,
    /// Is there a button for it on login pages?
    pub show_as_button: Option<bool>,
}
