//! Second factors and other ways to log in of a user: e-mail, telephone, one-time codes, security keys,
//! passkeys, and a recovery code.

mod change;
mod create;
mod read;
mod recovery;

use serde_json::Value;
use tenantry_store::identity::authentication_methods::AuthenticationMethod as Row;

use crate::text::{Fields, fields};

pub use create::NewMethod;

/// Where secrets of methods lie, for their seal.
pub(crate) const SECRETS: &str = "authentication_method";

/// The kind of a recovery code.
const RECOVERY: &str = "recovery-code";

/// The kinds that anybody may enrol.
pub const KINDS: [&str; 5] = ["phone", "email", "totp", "webauthn-roaming", "passkey"];

/// A way to log in.
#[derive(Debug, Clone, PartialEq)]
pub struct Method {
    /// `totp|dev_…`.
    pub id: String,
    /// `email`, `phone`, `totp`, `webauthn-roaming`, `passkey` or `recovery-code`.
    pub kind: String,
    /// What the user calls it.
    pub name: Option<String>,
    /// May it be used?
    pub confirmed: bool,
    /// `email`, `phone_number`, `preferred_authentication_method`, `authentication_methods`, `key_id`,
    /// `public_key`, `relying_party_identifier`, `last_auth_at`.
    pub fields: Fields,
    /// When it was made, microseconds since 1970 UTC.
    pub created_micros: i64,
}

impl Method {
    fn from_row(row: Row) -> Method {
        let mut fields = fields(&row.doc);
        let name = match fields.shift_remove("name") {
            Some(Value::String(name)) => Some(name),
            _ => None,
        };
        let confirmed = fields.shift_remove("confirmed") != Some(Value::Bool(false));
        Method { id: row.id, kind: row.kind, name, confirmed, fields, created_micros: row.created_micros }
    }

    fn doc(&self) -> String {
        let mut doc = self.fields.clone();
        if let Some(name) = &self.name {
            doc.insert("name".to_owned(), name.clone().into());
        }
        doc.insert("confirmed".to_owned(), self.confirmed.into());
        Value::Object(doc).to_string()
    }

    pub(crate) fn to_row(&self, user_id: &str, secret: Option<Vec<u8>>) -> Row {
        Row {
            id: self.id.clone(),
            user_id: user_id.to_owned(),
            kind: self.kind.clone(),
            secret,
            doc: self.doc(),
            created_micros: self.created_micros,
        }
    }

    /// A text among the fields.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.fields.get(name).and_then(Value::as_str)
    }
}
