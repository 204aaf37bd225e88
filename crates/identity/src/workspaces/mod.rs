//! Workspaces: environments inside an account, such as development and production.

mod create;
mod delete;
mod list;
pub(crate) mod update;

use tenantry_store::identity::workspaces::Workspace as Row;

use crate::accounts::Status;
use crate::text::{Fields, fields};

pub use create::NewWorkspace;

/// A workspace.
#[derive(Debug, Clone, PartialEq)]
pub struct Workspace {
    /// `ws_` and 16 letters and digits.
    pub id: String,
    /// The account it lies in.
    pub account_id: String,
    /// Its name in addresses and tokens: lower case, unique in the account.
    pub name: String,
    /// Its name for people.
    pub display_name: Option<String>,
    /// Whether its people may act in it.
    pub status: Status,
    /// `metadata`, `limits`, ….
    pub fields: Fields,
    /// Microseconds since 1970 UTC.
    pub created_micros: i64,
    /// Microseconds since 1970 UTC.
    pub updated_micros: i64,
    version: i64,
}

impl Workspace {
    pub(crate) fn from_row(row: Row) -> Workspace {
        Workspace {
            // A status that nobody wrote lets nobody in.
            status: Status::parse(&row.status).unwrap_or(Status::Closed),
            fields: fields(&row.doc),
            id: row.id,
            account_id: row.account_id,
            name: row.name,
            display_name: row.display_name,
            created_micros: row.created_micros,
            updated_micros: row.updated_micros,
            version: row.version,
        }
    }

    pub(crate) fn to_row(&self) -> Row {
        Row {
            id: self.id.clone(),
            account_id: self.account_id.clone(),
            name: self.name.clone(),
            display_name: self.display_name.clone(),
            status: self.status.name().to_owned(),
            doc: serde_json::Value::Object(self.fields.clone()).to_string(),
            version: self.version,
            created_micros: self.created_micros,
            updated_micros: self.updated_micros,
        }
    }
}
