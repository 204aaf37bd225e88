//! Which connections people of an account may log in by.

mod add;
mod list;
mod remove;
mod update;

use serde_json::{Value, json};
use tenantry_store::identity::account_connections::AccountConnection as Row;

use crate::text::{Fields, fields};

/// A connection in an account.
#[derive(Debug, Clone, PartialEq)]
pub struct AccountConnection {
    /// The connection's id.
    pub connection_id: String,
    /// The connection's name.
    pub name: String,
    /// The connection's strategy.
    pub strategy: String,
    /// May people log in by it?
    pub enabled: bool,
    /// `assign_membership_on_login`, `show_as_button`, `is_signup_enabled`, `organization_connection_name`,
    /// `organization_access_level`.
    pub fields: Fields,
}

impl AccountConnection {
    pub(crate) fn from_row(row: Row) -> AccountConnection {
        AccountConnection {
            connection_id: row.connection_id,
            name: row.name,
            strategy: row.strategy,
            enabled: row.enabled,
            fields: fields(&row.doc),
        }
    }

    /// Does a user who logs in by it become a member by that?
    #[must_use]
    pub fn assigns_membership(&self) -> bool {
        self.fields.get("assign_membership_on_login") == Some(&Value::Bool(true))
    }
}

/// A connection to give to an account.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NewAccountConnection {
    /// The connection's id.
    pub connection_id: String,
    /// `assign_membership_on_login` (false), `show_as_button` (true), `is_signup_enabled` (false),
    /// `is_enabled` (true), `organization_connection_name`, `organization_access_level`.
    pub fields: Fields,
}

impl NewAccountConnection {
    /// What is stored: whether it is enabled, and the document.
    pub(crate) fn stored(&self) -> (bool, Fields) {
        let mut fields = self.fields.clone();
        let enabled = fields.shift_remove("is_enabled") != Some(Value::Bool(false));
        for (name, usual) in USUAL {
            if !fields.contains_key(name) {
                fields.insert(name.to_owned(), json!(usual));
            }
        }
        (enabled, fields)
    }
}

const USUAL: [(&str, bool); 3] =
    [("assign_membership_on_login", false), ("show_as_button", true), ("is_signup_enabled", false)];
