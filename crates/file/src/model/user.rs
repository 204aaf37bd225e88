//! Users: people, wherever they are members.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::words::{Secret, WebUrl};

/// A user. Where it is a member, and what it holds there, stands at the account or workspace.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct User {
    /// The connection that it logs in by; the platform's own passwords when absent.
    pub connection: Option<String>,
    /// Its address; its id, when absent and the id is one.
    pub email: Option<String>,
    /// Its name for logging in; its id, when absent and the id is no address.
    pub username: Option<String>,
    /// Its telephone number.
    pub phone: Option<String>,
    /// Its password. Without one it gets one by a link.
    pub password: Option<Secret>,
    /// Has it shown that the address is its own?
    pub email_verified: bool,
    /// May it not log in?
    pub blocked: bool,
    /// Shown to people.
    pub display_name: Option<String>,
    /// A short name.
    pub nickname: Option<String>,
    /// The first name.
    pub given_name: Option<String>,
    /// The family's name.
    pub family_name: Option<String>,
    /// A picture.
    pub picture: Option<WebUrl>,
    /// What users may change themselves; never read by rules. A key that is not here is the user's.
    pub user_metadata: BTreeMap<String, serde_json::Value>,
    /// What only the operator may change; `principal.metadata` in rules.
    pub app_metadata: BTreeMap<String, serde_json::Value>,
}
