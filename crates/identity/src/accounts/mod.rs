//! Accounts: the tenants.

mod create;
mod delete;
mod list;
mod reach;
mod read;
pub(crate) mod update;

use tenantry_store::identity::accounts::Account as Row;

use crate::text::{Fields, fields};

pub use create::NewAccount;
pub(crate) use create::is_name;
pub use list::AccountOrder;

/// Whether an account's people may act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// They may.
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

    /// The status of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Status> {
        [Status::Active, Status::Suspended, Status::Closed].into_iter().find(|status| status.name() == name)
    }
}

/// An account.
#[derive(Debug, Clone, PartialEq)]
pub struct Account {
    /// `org_` and 16 letters and digits.
    pub id: String,
    /// Its name in addresses and tokens: lower case, unique.
    pub name: String,
    /// What its rows carry in the sources.
    pub tenant_id: String,
    /// Its name for people.
    pub display_name: Option<String>,
    /// The account above it, by id.
    pub parent_id: Option<String>,
    /// Whether its people may act.
    pub status: Status,
    /// `branding`, `metadata`, `isolation`, `limits`, `token_quota`.
    pub fields: Fields,
    /// Microseconds since 1970 UTC.
    pub created_micros: i64,
    /// Microseconds since 1970 UTC.
    pub updated_micros: i64,
    version: i64,
}

impl Account {
    pub(crate) fn from_row(row: Row) -> Account {
        Account {
            // A status that nobody wrote lets nobody in.
            status: Status::parse(&row.status).unwrap_or(Status::Closed),
            fields: fields(&row.doc),
            id: row.id,
            name: row.name,
            tenant_id: row.tenant_id,
            display_name: row.display_name,
            parent_id: row.parent_id,
            created_micros: row.created_micros,
            updated_micros: row.updated_micros,
            version: row.version,
        }
    }

    pub(crate) fn to_row(&self) -> Row {
        Row {
            id: self.id.clone(),
            name: self.name.clone(),
            tenant_id: self.tenant_id.clone(),
            display_name: self.display_name.clone(),
            parent_id: self.parent_id.clone(),
            status: self.status.name().to_owned(),
            doc: serde_json::Value::Object(self.fields.clone()).to_string(),
            version: self.version,
            created_micros: self.created_micros,
            updated_micros: self.updated_micros,
        }
    }
}
