//! Audiences that tokens may be for, and roles.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

/// An audience that tokens may be for.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Api {
    /// Shown to people.
    pub display_name: Option<String>,
    /// Permissions and what each allows.
    pub permissions: BTreeMap<String, String>,
}

/// A role.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Role {
    /// For people.
    pub description: Option<String>,
    /// Permissions by audience.
    pub permissions: BTreeMap<String, Vec<String>>,
    /// Data tools: `orders.query`, or `orders.*`. None by default.
    pub tools: Vec<String>,
}
