//! Which grants of clients may be used for an account.

mod add;
mod list;
mod remove;

use serde_json::Value;
use tenantry_store::identity::account_grants::AccountGrant as Row;
use tenantry_store::identity::client_grants::ClientGrant as GrantRow;

use crate::text::{Fields, fields};

pub use tenantry_store::identity::account_grants::AccountGrantFilter;

/// A client's grant, as an account sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct AccountGrant {
    /// The grant's id.
    pub id: String,
    /// The client that may.
    pub client_id: String,
    /// The API's identifier.
    pub audience: String,
    /// Whom the client acts for: `client` (itself) or `user`.
    pub subject_type: String,
    /// May it be used for every account?
    pub any_account: bool,
    /// `scope`, `organization_usage`, ….
    pub fields: Fields,
}

impl AccountGrant {
    fn from_row(row: Row) -> AccountGrant {
        AccountGrant {
            id: row.id,
            client_id: row.client_id,
            audience: row.audience,
            subject_type: row.subject_type,
            any_account: row.any_account,
            fields: fields(&row.doc),
        }
    }

    fn from_grant(row: GrantRow) -> AccountGrant {
        AccountGrant {
            id: row.id,
            client_id: row.client_id,
            audience: row.audience,
            subject_type: row.subject_type,
            any_account: row.any_account,
            fields: fields(&row.doc),
        }
    }

    /// `deny`, `allow` or `require`.
    fn usage(&self) -> &str {
        self.fields.get("organization_usage").and_then(Value::as_str).unwrap_or("deny")
    }
}
