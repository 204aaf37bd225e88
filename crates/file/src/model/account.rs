//! Accounts, their workspaces and their users.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::model::Limits;
use crate::words::WebUrl;

/// An account: a tenant.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Account {
    /// Its name in addresses and tokens, of a-z, 0-9, `-` and `_`; its id, when absent.
    pub name: Option<String>,
    /// Shown to people.
    pub display_name: Option<String>,
    /// The account above it, if any.
    pub parent: Option<String>,
    /// How its login pages look.
    pub branding: Option<Branding>,
    /// Whatever the operator wants to keep here.
    pub metadata: BTreeMap<String, serde_json::Value>,
    /// May its people act?
    pub status: Status,
    /// Where its rows live.
    pub isolation: Isolation,
    /// Limits on all its calls together, and those of the accounts below it.
    pub limits: Limits,
    /// Limits on each of its users who has none of their own.
    pub each_user: Limits,
    /// Connections that its people may log in by, by name.
    pub connection: BTreeMap<String, AccountConnection>,
    /// Workspaces, by id.
    pub workspace: BTreeMap<String, Workspace>,
    /// Members of the account itself, by the user's id.
    pub user: BTreeMap<String, Member>,
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

/// May the people of an account or workspace act?
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// They may.
    #[default]
    Active,
    /// They may not, for now.
    Suspended,
    /// They may not, for good.
    Closed,
}

impl Status {
    /// The word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Status::Active => "active",
            Status::Suspended => "suspended",
            Status::Closed => "closed",
        }
    }
}

impl Isolation {
    /// The word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Isolation::Pool => "pool",
            Isolation::Schema => "schema",
            Isolation::Database => "database",
        }
    }
}

/// A connection that people of an account may log in by.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AccountConnection {
    /// May they, at present?
    pub enabled: bool,
    /// Does whoever logs in by it become a member?
    pub assign_membership: bool,
    /// Is there a button for it on the login page?
    pub show_as_button: bool,
    /// May people sign up by it?
    pub signup: bool,
}

impl Default for AccountConnection {
    fn default() -> AccountConnection {
        AccountConnection { enabled: true, assign_membership: false, show_as_button: true, signup: false }
    }
}

/// A workspace inside an account.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Workspace {
    /// Shown to people.
    pub display_name: Option<String>,
    /// Whatever the operator wants to keep here.
    pub metadata: BTreeMap<String, serde_json::Value>,
    /// May its people act?
    pub status: Status,
    /// Limits on all its calls together.
    pub limits: Limits,
    /// Members of the workspace, by the user's id. They are members of the account by that.
    pub user: BTreeMap<String, Member>,
}

/// A user's place in an account or workspace. The first three say who the user is, for one who has no
/// `[user.ID]`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Member {
    /// Shown to people.
    pub display_name: Option<String>,
    /// What users may change themselves; never read by rules.
    pub user_metadata: BTreeMap<String, serde_json::Value>,
    /// What only the operator may change; `principal.metadata` in rules.
    pub app_metadata: BTreeMap<String, serde_json::Value>,
    /// Roles held here.
    pub roles: Vec<String>,
    /// Limits on the user's calls here.
    pub limits: Limits,
}
