//! What is kept of tokens: used assertions, opaque access tokens, and the turns of refresh tokens. Of
//! every token only the SHA-256.

use crate::backend::{Param, Row};
use crate::identity::refresh_tokens::{COLUMNS, RefreshToken, read};
use crate::{Batch, Place, Store, StoreError};

/// An opaque access token's row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpaqueToken {
    /// Whose; absent for a client's own.
    pub user_id: Option<String>,
    /// The client that it was given to.
    pub client_id: String,
    /// `scope` and more, a JSON object.
    pub doc: String,
    /// Microseconds since 1970 UTC.
    pub created_micros: i64,
    /// Microseconds since 1970 UTC.
    pub expires_micros: i64,
}

impl Batch {
    /// Notes that a client's assertion (the hash of its `jti`) was used; a duplicate was used before.
    pub fn spend_assertion(&mut self, client: &str, hash: &[u8], expires_micros: i64) -> Place {
        self.run(
            "INSERT INTO tenantry_assertion (client_id, hash, expires_micros) VALUES ($1, $2, $3)",
            vec![Param::text(client), Param::Bytes(hash.to_vec()), Param::int(expires_micros)],
        )
    }

    /// Keeps an opaque token. Dangling when the user does not exist any more.
    pub fn insert_opaque_token(&mut self, hash: &[u8], token: &OpaqueToken) -> Place {
        self.run(
            "INSERT INTO tenantry_opaque_token (hash, user_id, client_id, doc, created_micros, expires_micros) \
             VALUES ($1, $2, $3, $4, $5, $6)",
            vec![
                Param::Bytes(hash.to_vec()),
                Param::maybe(token.user_id.as_deref()),
                Param::text(&token.client_id),
                Param::text(&token.doc),
                Param::int(token.created_micros),
                Param::int(token.expires_micros),
            ],
        )
    }

    /// Ends an opaque token; does nothing when there is none.
    pub fn delete_opaque_token(&mut self, hash: &[u8]) -> Place {
        self.run("DELETE FROM tenantry_opaque_token WHERE hash = $1", vec![Param::Bytes(hash.to_vec())])
    }

    /// Lets the next token of a family take over from the one that was shown; untouched when another
    /// request was faster.
    pub fn rotate_refresh_token(&mut self, id: &str, shown: &[u8], next: &[u8], used: i64, idle: Option<i64>) -> Place {
        let place = self.must(
            "UPDATE tenantry_refresh_token SET hash = $1, generation = generation + 1, used_micros = $2, \
             idle_micros = $3 WHERE id = $4 AND hash = $5",
            vec![
                Param::Bytes(next.to_vec()),
                Param::int(used),
                Param::Int(idle),
                Param::text(id),
                Param::Bytes(shown.to_vec()),
            ],
        );
        self.run(
            "INSERT INTO tenantry_refresh_token_spent (hash, refresh_token_id, spent_micros) VALUES ($1, $2, $3)",
            vec![Param::Bytes(shown.to_vec()), Param::text(id), Param::int(used)],
        );
        place
    }

    /// Notes the use of a token that is not rotated; untouched when it is gone.
    pub fn use_refresh_token(&mut self, id: &str, shown: &[u8], used: i64, idle: Option<i64>) -> Place {
        self.must(
            "UPDATE tenantry_refresh_token SET used_micros = $1, idle_micros = $2 WHERE id = $3 AND hash = $4",
            vec![Param::int(used), Param::Int(idle), Param::text(id), Param::Bytes(shown.to_vec())],
        )
    }

    /// Forgets assertions and opaque tokens that ended before a time.
    pub fn purge_tokens(&mut self, before_micros: i64) {
        self.run("DELETE FROM tenantry_assertion WHERE expires_micros < $1", vec![Param::int(before_micros)]);
        self.run("DELETE FROM tenantry_opaque_token WHERE expires_micros < $1", vec![Param::int(before_micros)]);
    }
}

impl Store {
    /// The opaque token of that hash, ended or not.
    ///
    /// # Errors
    /// The store's.
    pub async fn opaque_token(&self, hash: &[u8]) -> Result<Option<OpaqueToken>, StoreError> {
        let found = self.backend.find(
            "SELECT user_id, client_id, doc, created_micros, expires_micros FROM tenantry_opaque_token WHERE hash = $1",
            vec![Param::Bytes(hash.to_vec())],
            |row: &Row<'_>| OpaqueToken {
                user_id: row.text(0),
                client_id: row.text(1).unwrap_or_default(),
                doc: row.text(2).unwrap_or_default(),
                created_micros: row.int(3).unwrap_or_default(),
                expires_micros: row.int(4).unwrap_or_default(),
            },
        );
        Ok(found.await?.pop())
    }

    /// The family whose token in force has that hash.
    ///
    /// # Errors
    /// The store's.
    pub async fn refresh_token_in_force(&self, hash: &[u8]) -> Result<Option<RefreshToken>, StoreError> {
        let sql = ["SELECT ", COLUMNS, " FROM tenantry_refresh_token WHERE hash = $1"].concat();
        Ok(self.backend.find(sql, vec![Param::Bytes(hash.to_vec())], read).await?.pop())
    }

    /// The family of a token of that hash that was rotated away, and when that was.
    ///
    /// # Errors
    /// The store's.
    pub async fn refresh_token_spent(&self, hash: &[u8]) -> Result<Option<(String, i64)>, StoreError> {
        let found = self.backend.find(
            "SELECT refresh_token_id, spent_micros FROM tenantry_refresh_token_spent WHERE hash = $1",
            vec![Param::Bytes(hash.to_vec())],
            |row: &Row<'_>| row.text(0).zip(row.int(1)),
        );
        Ok(found.await?.into_iter().flatten().next())
    }
}
