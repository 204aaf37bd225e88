//! The keys that sign tokens.

use crate::backend::{Param, Row};
use crate::{Batch, Place, Store, StoreError};

/// A signing key's row.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningKey {
    /// Its thumbprint (RFC 7638).
    pub kid: String,
    /// `RS256` or `ES256`.
    pub algorithm: String,
    /// `next`, `current`, `previous` or `revoked`.
    pub state: String,
    /// The private part, sealed.
    pub private: Vec<u8>,
    /// The public part, a JWK.
    pub public: String,
    /// Microseconds since 1970 UTC.
    pub created_micros: i64,
    /// Since when it is in its state, microseconds since 1970 UTC.
    pub state_micros: i64,
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningKey").field("kid", &self.kid).field("state", &self.state).finish_non_exhaustive()
    }
}

fn read(row: &Row<'_>) -> SigningKey {
    let text = |place| row.text(place).unwrap_or_default();
    SigningKey {
        kid: text(0),
        algorithm: text(1),
        state: text(2),
        private: row.bytes(3).unwrap_or_default(),
        public: text(4),
        created_micros: row.int(5).unwrap_or_default(),
        state_micros: row.int(6).unwrap_or_default(),
    }
}

impl Batch {
    /// Keeps a key. A duplicate means that the algorithm has a key in that state (`next`, `current`).
    pub fn insert_signing_key(&mut self, key: &SigningKey) -> Place {
        self.run(
            "INSERT INTO tenantry_signing_key (kid, algorithm, state, private, public, created_micros, state_micros) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
            vec![
                Param::text(&key.kid),
                Param::text(&key.algorithm),
                Param::text(&key.state),
                Param::Bytes(key.private.clone()),
                Param::text(&key.public),
                Param::int(key.created_micros),
                Param::int(key.state_micros),
            ],
        )
    }

    /// Moves a key from one state to another; untouched when it is not in that state any more.
    pub fn move_signing_key(&mut self, kid: &str, from: &str, to: &str) -> Place {
        let now = self.now;
        self.must(
            "UPDATE tenantry_signing_key SET state = $1, state_micros = $2 WHERE kid = $3 AND state = $4",
            vec![Param::text(to), Param::int(now), Param::text(kid), Param::text(from)],
        )
    }

    /// Drops the private part of keys that will never sign again and whose tokens have all ended.
    pub fn forget_signing_keys(&mut self, before_micros: i64) -> Place {
        self.run(
            "DELETE FROM tenantry_signing_key WHERE state IN ('previous', 'revoked') AND state_micros < $1",
            vec![Param::int(before_micros)],
        )
    }
}

impl Store {
    /// Every key, the newest first.
    ///
    /// # Errors
    /// The store's.
    pub async fn signing_keys(&self) -> Result<Vec<SigningKey>, StoreError> {
        const ALL: &str = "SELECT kid, algorithm, state, private, public, created_micros, state_micros \
            FROM tenantry_signing_key ORDER BY created_micros DESC, kid";
        self.backend.find(ALL, vec![], read).await
    }
}
