//! What clients may ask of APIs.

mod create;
mod delete;
mod list;
mod read;
pub(crate) mod update;

use serde_json::Value;
use tenantry_store::identity::client_grants::ClientGrant as Row;

use crate::text::{Fields, fields};

pub use create::NewClientGrant;
pub use tenantry_store::identity::client_grants::GrantFilter;

/// A grant.
#[derive(Debug, Clone, PartialEq)]
pub struct ClientGrant {
    /// `cgr_` and 16 letters and digits.
    pub id: String,
    /// The client's id.
    pub client_id: String,
    /// The API's identifier.
    pub audience: String,
    /// Whom the client acts for: `client` (itself) or `user`.
    pub subject_type: String,
    /// May be used in any account, and not only in those that were given it.
    pub any_account: Option<bool>,
    /// `scope`, `organization_usage`, `allow_all_scopes`, `authorization_details_types`, `is_system`.
    pub fields: Fields,
    pub(crate) api_id: String,
    created_micros: i64,
    version: i64,
}

/// Where the fields note that it was said whether a grant may be used in any account.
const ANY: &str = "allow_any_organization";

impl ClientGrant {
    pub(crate) fn from_row(row: Row) -> ClientGrant {
        let mut fields = fields(&row.doc);
        let said = fields.shift_remove(ANY).is_some();
        ClientGrant {
            any_account: (said || row.any_account).then_some(row.any_account),
            fields,
            id: row.id,
            client_id: row.client_id,
            audience: row.audience,
            subject_type: row.subject_type,
            api_id: row.api_id,
            created_micros: row.created_micros,
            version: row.version,
        }
    }

    pub(crate) fn to_row(&self) -> Row {
        let mut doc = self.fields.clone();
        if let Some(any) = self.any_account {
            doc.insert(ANY.to_owned(), Value::Bool(any));
        }
        Row {
            id: self.id.clone(),
            client_id: self.client_id.clone(),
            api_id: self.api_id.clone(),
            audience: self.audience.clone(),
            subject_type: self.subject_type.clone(),
            any_account: self.any_account.unwrap_or(false),
            doc: Value::Object(doc).to_string(),
            version: self.version,
            created_micros: self.created_micros,
        }
    }

    /// One that belongs to a client of a special type, and is not changed by hand.
    #[must_use]
    pub fn is_system(&self) -> bool {
        self.fields.get("is_system").and_then(Value::as_bool) == Some(true)
    }
}
