//! Tickets: links that were sent out, each good for one use.

use crate::backend::{Param, Row};
use crate::{Batch, Place, Store, StoreError};

/// A ticket's row.
#[derive(Clone, PartialEq, Eq)]
pub struct Ticket {
    /// The hash of what stands in the link.
    pub hash: Vec<u8>,
    /// `password_change`, `email_verification`, ….
    pub kind: String,
    /// Whom it concerns.
    pub user_id: Option<String>,
    /// The remaining fields, a JSON object.
    pub doc: String,
    /// When it was made, microseconds since 1970 UTC.
    pub created_micros: i64,
    /// When it ends.
    pub expires_micros: i64,
    /// When it was used.
    pub used_micros: Option<i64>,
}

/// Hashes stay out of logs.
impl std::fmt::Debug for Ticket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ticket").field("kind", &self.kind).field("user_id", &self.user_id).finish_non_exhaustive()
    }
}

fn read(row: &Row<'_>) -> Ticket {
    let text = |place| row.text(place).unwrap_or_default();
    let int = |place| row.int(place).unwrap_or_default();
    Ticket {
        hash: row.bytes(0).unwrap_or_default(),
        kind: text(1),
        user_id: row.text(2),
        doc: text(3),
        created_micros: int(4),
        expires_micros: int(5),
        used_micros: row.int(6),
    }
}

impl Batch {
    /// Keeps a ticket. Dangling when there is no such user.
    pub fn insert_ticket(&mut self, ticket: &Ticket) -> Place {
        self.run(
            "INSERT INTO tenantry_ticket (hash, kind, user_id, doc, created_micros, expires_micros, used_micros) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
            vec![
                Param::Bytes(ticket.hash.clone()),
                Param::text(&ticket.kind),
                Param::maybe(ticket.user_id.as_deref()),
                Param::text(&ticket.doc),
                Param::int(ticket.created_micros),
                Param::int(ticket.expires_micros),
                Param::Int(ticket.used_micros),
            ],
        )
    }

    /// Uses a ticket; untouched when it was used before or has ended, whoever tries at the same time.
    pub fn use_ticket(&mut self, hash: &[u8], now_micros: i64) -> Place {
        self.must(
            "UPDATE tenantry_ticket SET used_micros = $1 WHERE hash = $2 AND used_micros IS NULL AND expires_micros > $1",
            vec![Param::int(now_micros), Param::Bytes(hash.to_vec())],
        )
    }

    /// Writes a ticket's remaining fields, where they are still `old`; untouched when somebody was faster.
    pub fn note_ticket(&mut self, hash: &[u8], old: &str, new: &str) -> Place {
        self.must(
            "UPDATE tenantry_ticket SET doc = $1 WHERE hash = $2 AND doc = $3",
            vec![Param::text(new), Param::Bytes(hash.to_vec()), Param::text(old)],
        )
    }

    /// Removes a user's unused tickets of one kind.
    pub fn delete_tickets(&mut self, user_id: &str, kind: &str) -> Place {
        self.run(
            "DELETE FROM tenantry_ticket WHERE user_id = $1 AND kind = $2 AND used_micros IS NULL",
            vec![Param::text(user_id), Param::text(kind)],
        )
    }

    /// Removes tickets that ended before a time.
    pub fn purge_tickets(&mut self, before_micros: i64) -> Place {
        self.run("DELETE FROM tenantry_ticket WHERE expires_micros < $1", vec![Param::int(before_micros)])
    }
}

impl Store {
    /// The ticket of that hash, used or not.
    ///
    /// # Errors
    /// The store's.
    pub async fn ticket(&self, hash: &[u8]) -> Result<Option<Ticket>, StoreError> {
        let sql = "SELECT hash, kind, user_id, doc, created_micros, expires_micros, used_micros \
             FROM tenantry_ticket WHERE hash = $1";
        Ok(self.backend.find(sql, vec![Param::Bytes(hash.to_vec())], read).await?.pop())
    }
}
