//! Refresh tokens, as those who look after users see them: families, without the tokens themselves.

mod change;
mod end;
mod read;

use tenantry_store::identity::refresh_tokens::RefreshToken as Row;

use crate::text::{Fields, fields};

pub use end::Revocation;

/// A family of refresh tokens.
#[derive(Debug, Clone, PartialEq)]
pub struct RefreshToken {
    /// The family's id.
    pub id: String,
    /// Whose.
    pub user_id: String,
    /// The client that uses it.
    pub client_id: String,
    /// The session in which it was made.
    pub session_id: Option<String>,
    /// Is it rotated with each use?
    pub rotating: bool,
    /// `resource_servers`, `device`, `refresh_token_metadata`.
    pub fields: Fields,
    /// When it began, microseconds since 1970 UTC.
    pub created_micros: i64,
    /// When it was last used.
    pub used_micros: Option<i64>,
    /// When it ends unless it is used.
    pub idle_micros: Option<i64>,
    /// When it ends in any case.
    pub expires_micros: Option<i64>,
}

impl RefreshToken {
    fn from_row(row: Row) -> RefreshToken {
        RefreshToken {
            fields: fields(&row.doc),
            id: row.id,
            user_id: row.user_id,
            client_id: row.client_id,
            session_id: row.session_id,
            rotating: row.rotating,
            created_micros: row.created_micros,
            used_micros: row.used_micros,
            idle_micros: row.idle_micros,
            expires_micros: row.expires_micros,
        }
    }
}

/// Has it not ended?
fn alive(row: &Row, now: i64) -> bool {
    row.expires_micros.is_none_or(|end| end > now) && row.idle_micros.is_none_or(|end| end > now)
}
