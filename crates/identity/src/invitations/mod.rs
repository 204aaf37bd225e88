//! Invitations into accounts: a link with a ticket that is shown once and kept as a hash.

mod accept;
mod create;
mod delete;
mod list;

use aws_lc_rs::digest::{SHA256, digest};
use tenantry_store::identity::invitations::Invitation as Row;

use crate::text::{Fields, fields, hex};

pub use create::NewInvitation;

/// How long an invitation lives when nothing is said, in seconds: 7 days.
pub const USUAL: i64 = 7 * 86_400;

/// The longest that an invitation may live, in seconds: 30 days.
pub const LONGEST: i64 = 30 * 86_400;

/// An invitation that was not accepted yet.
#[derive(Debug, Clone, PartialEq)]
pub struct Invitation {
    /// `uinv_` and 16 letters and digits.
    pub id: String,
    /// The account it leads into.
    pub account_id: String,
    /// The link. It holds the ticket in the answer to its making, and never again.
    pub url: String,
    /// The ticket in the answer to its making; afterwards a name by which it is known and that opens nothing.
    pub ticket_id: String,
    /// `inviter`, `invitee`, `client_id`, `connection_id`, `app_metadata`, `user_metadata`, `roles`.
    pub fields: Fields,
    /// Microseconds since 1970 UTC.
    pub created_micros: i64,
    /// Microseconds since 1970 UTC.
    pub expires_micros: i64,
}

impl Invitation {
    fn from_row(row: Row) -> Invitation {
        let mut fields = fields(&row.doc);
        let url = match fields.shift_remove(URL) {
            Some(serde_json::Value::String(url)) => url,
            _ => String::new(),
        };
        Invitation {
            ticket_id: hex(row.ticket_hash.get(..16).unwrap_or_default()),
            url,
            id: row.id,
            account_id: row.account_id,
            fields,
            created_micros: row.created_micros,
            expires_micros: row.expires_micros,
        }
    }
}

/// The member of the document that holds the link without its ticket.
const URL: &str = "url";

fn hash(ticket: &str) -> Vec<u8> {
    digest(&SHA256, ticket.as_bytes()).as_ref().to_vec()
}
