//! Sessions: where users are logged in.

mod change;
mod end;
mod read;

use tenantry_store::identity::sessions::Session as Row;

use crate::text::{Fields, fields};

/// A session.
#[derive(Debug, Clone, PartialEq)]
pub struct Session {
    /// `sess_…`.
    pub id: String,
    /// Whose.
    pub user_id: String,
    /// `device`, `clients`, `authentication`, `session_metadata`.
    pub fields: Fields,
    /// When the user logged in, microseconds since 1970 UTC.
    pub created_micros: i64,
    /// When it was last used.
    pub seen_micros: i64,
    /// When it ends unless it is used.
    pub idle_micros: i64,
    /// When it ends in any case.
    pub expires_micros: i64,
}

impl Session {
    fn from_row(row: Row) -> Session {
        Session {
            fields: fields(&row.doc),
            id: row.id,
            user_id: row.user_id,
            created_micros: row.created_micros,
            seen_micros: row.seen_micros,
            idle_micros: row.idle_micros,
            expires_micros: row.expires_micros,
        }
    }
}
