//! The verified identity behind a request.

use std::collections::BTreeMap;

/// A user, service or agent, as a verified token described it. Made by the identity room from a
/// token whose signature, issuer, audience and expiry were checked, and by tests.
///
/// INVARIANT: nothing here ever comes from a header other than the token, a path or a body.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Principal {
    /// The account (tenant); absent for platform principals.
    pub tenant_id: Option<String>,
    /// The subject.
    pub user_id: Option<String>,
    /// The workspace inside the account.
    pub workspace_id: Option<String>,
    /// Names of the roles held.
    pub roles: Vec<String>,
    /// Further attributes that the operator controls (never ones that the user can edit).
    pub metadata: BTreeMap<String, Datum>,
    /// The client application that asked for the token.
    pub client_id: Option<String>,
    /// Who acts on behalf of the subject, when the token was exchanged (RFC 8693 `act`).
    pub delegate: Option<String>,
}

/// A metadata value as it stood in the token.
#[derive(Debug, Clone, PartialEq)]
pub enum Datum {
    /// JSON null. Never a value for a rule: refused when a rule reads it.
    Null,
    /// A JSON boolean.
    Bool(bool),
    /// A JSON integer in the 64-bit range.
    Int(i64),
    /// Any other JSON number, as its text.
    Number(String),
    /// A JSON string.
    Text(String),
    /// A JSON array.
    List(Vec<Datum>),
    /// A JSON object.
    Map(BTreeMap<String, Datum>),
}

impl Principal {
    /// The metadata value at a dotted path.
    #[must_use]
    pub fn metadata_at(&self, path: &[Box<str>]) -> Option<&Datum> {
        let (first, rest) = path.split_first()?;
        let mut here = self.metadata.get(first.as_ref())?;
        for step in rest {
            match here {
                Datum::Map(map) => here = map.get(step.as_ref())?,
                _ => return None,
            }
        }
        Some(here)
    }
}
