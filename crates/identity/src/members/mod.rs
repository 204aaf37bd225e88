//! Who belongs to accounts and workspaces, and which roles they hold there.
//!
//! Whoever is bound to an account gives and takes no role that permits more than they may themselves, and
//! takes nobody out who holds such a role.

mod add;
mod list;
mod own;
mod remove;
mod roles;

use serde_json::Value;
use tenantry_store::identity::member_roles::HeldRole;
use tenantry_store::identity::members::Member as Row;

use crate::Refusal;
use crate::text::fields;

pub use own::OwnAccount;

/// The most users or roles that one call may name.
pub const MOST: usize = 1_000;

/// A member of an account or of a workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The user's id.
    pub user_id: String,
    /// As the user wrote it.
    pub email: Option<String>,
    /// The user's name.
    pub name: Option<String>,
    /// Where the user's picture lies.
    pub picture: Option<String>,
    /// Is the user kept out?
    pub blocked: bool,
    /// The roles held there, when they were asked for.
    pub roles: Option<Vec<MemberRole>>,
    /// Since when, in microseconds since 1970 UTC.
    pub since_micros: i64,
}

impl Member {
    fn from_row(row: Row) -> Member {
        let shown = fields(&row.doc);
        let text = |name: &str| shown.get(name).and_then(Value::as_str).map(str::to_owned);
        Member {
            email: text("email").or(row.email),
            name: text("name").or(row.name),
            picture: text("picture"),
            user_id: row.user_id,
            blocked: row.blocked,
            roles: None,
            since_micros: row.since_micros,
        }
    }
}

/// A role that a member holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberRole {
    /// The role's id.
    pub id: String,
    /// The role's name.
    pub name: String,
    /// What the role is for.
    pub description: Option<String>,
    /// Since when it is held, in microseconds since 1970 UTC.
    pub since_micros: i64,
}

impl MemberRole {
    fn from_row(row: HeldRole) -> MemberRole {
        MemberRole { id: row.role_id, name: row.name, description: row.description, since_micros: row.since_micros }
    }
}

/// Refuses lists that would make a change too large.
fn few(ids: &[String], property: &str) -> Result<(), Refusal> {
    if ids.len() <= MOST {
        return Ok(());
    }
    let message = format!(
        "Payload validation error: 'Array is too long ({}), maximum {MOST}' on property {property}.",
        ids.len()
    );
    Err(Refusal::Invalid { code: "invalid_body", message })
}
