//! Invitations into accounts.

use crate::backend::{Param, Row};
use crate::identity::Stretch;
use crate::{Batch, Place, Store, StoreError};

/// An invitation that was not accepted yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// Its id.
    pub id: String,
    /// The account it leads into.
    pub account_id: String,
    /// Whom it is for, in lower case.
    pub email: String,
    /// SHA-256 of the ticket in its link.
    pub ticket_hash: Vec<u8>,
    /// The remaining fields, a JSON object.
    pub doc: String,
    /// Microseconds since 1970 UTC.
    pub created_micros: i64,
    /// Microseconds since 1970 UTC.
    pub expires_micros: i64,
}

const COLUMNS: &str = "id, account_id, email, ticket_hash, doc, created_micros, expires_micros";

fn read(row: &Row<'_>) -> Invitation {
    let text = |place| row.text(place).unwrap_or_default();
    Invitation {
        id: text(0),
        account_id: text(1),
        email: text(2),
        ticket_hash: row.bytes(3).unwrap_or_default(),
        doc: text(4),
        created_micros: row.int(5).unwrap_or_default(),
        expires_micros: row.int(6).unwrap_or_default(),
    }
}

impl Batch {
    /// Makes an invitation.
    pub fn insert_invitation(&mut self, invitation: &Invitation) -> Place {
        self.run(
            "INSERT INTO tenantry_invitation \
             (id, account_id, email, ticket_hash, doc, created_micros, expires_micros) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
            vec![
                Param::text(&invitation.id),
                Param::text(&invitation.account_id),
                Param::text(&invitation.email),
                Param::Bytes(invitation.ticket_hash.clone()),
                Param::text(&invitation.doc),
                Param::int(invitation.created_micros),
                Param::int(invitation.expires_micros),
            ],
        )
    }

    /// Removes an invitation of an account; untouched when there is none.
    pub fn delete_invitation(&mut self, account: &str, id: &str) -> Place {
        self.must(
            "DELETE FROM tenantry_invitation WHERE account_id = $1 AND id = $2",
            vec![Param::text(account), Param::text(id)],
        )
    }

    /// Uses an invitation up; untouched when it is used up, withdrawn or out of time at `now`.
    pub fn accept_invitation(&mut self, id: &str, now: i64) -> Place {
        self.must(
            "DELETE FROM tenantry_invitation WHERE id = $1 AND expires_micros > $2",
            vec![Param::text(id), Param::int(now)],
        )
    }
}

impl Store {
    /// The invitations of an account, oldest first; the newest first when `newest_first`.
    ///
    /// # Errors
    /// The store's.
    pub async fn invitations(
        &self,
        account: &str,
        newest_first: bool,
        part: &Stretch,
    ) -> Result<Vec<Invitation>, StoreError> {
        let order = if newest_first {
            // Only by numbers of items: nothing comes after a place in this order.
            " ORDER BY created_micros DESC, id DESC LIMIT $4 OFFSET $5"
        } else {
            " ORDER BY created_micros, id LIMIT $4 OFFSET $5"
        };
        let sql = [
            "SELECT ",
            COLUMNS,
            " FROM tenantry_invitation WHERE account_id = $1 AND (created_micros, id) > ($2, $3)",
            order,
        ]
        .concat();
        let mut params = vec![Param::text(account)];
        params.extend(part.params());
        self.backend.find(sql, params, read).await
    }

    /// How many invitations an account has.
    ///
    /// # Errors
    /// The store's.
    pub async fn count_invitations(&self, account: &str) -> Result<i64, StoreError> {
        let sql = "SELECT count(*) FROM tenantry_invitation WHERE account_id = $1";
        let found = self.backend.find(sql, vec![Param::text(account)], |row| row.int(0)).await?;
        Ok(found.into_iter().flatten().next().unwrap_or_default())
    }

    /// An invitation of an account.
    ///
    /// # Errors
    /// The store's.
    pub async fn invitation(&self, account: &str, id: &str) -> Result<Option<Invitation>, StoreError> {
        let sql = ["SELECT ", COLUMNS, " FROM tenantry_invitation WHERE account_id = $1 AND id = $2"].concat();
        Ok(self.backend.find(sql, vec![Param::text(account), Param::text(id)], read).await?.pop())
    }

    /// The invitation whose ticket has this hash.
    ///
    /// # Errors
    /// The store's.
    pub async fn invitation_by_ticket(&self, ticket_hash: &[u8]) -> Result<Option<Invitation>, StoreError> {
        let sql = ["SELECT ", COLUMNS, " FROM tenantry_invitation WHERE ticket_hash = $1"].concat();
        Ok(self.backend.find(sql, vec![Param::Bytes(ticket_hash.to_vec())], read).await?.pop())
    }
}
