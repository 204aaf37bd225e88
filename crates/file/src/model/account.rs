//! Accounts, their workspaces and their users.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::words::{Rate, WebUrl};

/// An account: a tenant.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Account {
    /// Shown to people.
    pub display_name: Option<String>,
    /// The account above it, if any.
    pub parent: Option<String>,
    /// How its login pages look.
    pub branding: Option<Branding>,
    /// Whatever the operator wants to keep here.
    pub metadata: BTreeMap<String, serde_json::Value>,
    /// Where its rows live.
    pub isolation: Isolation,
    /// Limits on all its calls together.
    pub limits: Limits,
    /// Workspaces, by id.
    pub workspace: BTreeMap<String, Workspace>,
    /// Users who belong to no workspace, by id.
    pub user: BTreeMap<String, User>,
}

/// How login pages look.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Branding {
    /// A picture.
    pub logo_url: Option<WebUrl>,
    /// Colours.
    pub colors: Colors,
}

/// Colours, as `#RRGGBB`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Colors {
    /// Buttons and links.
    pub primary: Option<String>,
    /// Behind everything.
    pub page_background: Option<String>,
}

/// Where an account's rows live.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Isolation {
    /// In shared tables.
    #[default]
    Pool,
    /// In a schema of its own.
    Schema,
    /// In a database of its own.
    Database,
}

/// Limits on all calls of an account together.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Calls: `600/min`.
    pub requests: Option<Rate>,
    /// Tokens of AI models: `200000/day`.
    pub tokens: Option<Rate>,
    /// Calls at one time.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub concurrent: Option<u32>,
}

/// A workspace inside an account.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Workspace {
    /// Shown to people.
    pub display_name: Option<String>,
    /// Whatever the operator wants to keep here.
    pub metadata: BTreeMap<String, serde_json::Value>,
    /// Users, by id.
    pub user: BTreeMap<String, User>,
}

/// A user of an account.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct User {
    /// Shown to people.
    pub display_name: Option<String>,
    /// Roles held.
    pub roles: Vec<String>,
    /// What users may change themselves; never read by rules.
    pub user_metadata: BTreeMap<String, serde_json::Value>,
    /// What only the operator may change; `principal.metadata` in rules.
    pub app_metadata: BTreeMap<String, serde_json::Value>,
}
