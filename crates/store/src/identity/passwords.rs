//! Password hashes.

use crate::backend::{Param, Row};
use crate::{Batch, Place, Store, StoreError};

/// A user's password.
#[derive(Clone, PartialEq, Eq)]
pub struct Password {
    /// Whose.
    pub user_id: String,
    /// The hash, as text.
    pub hash: String,
    /// Past hashes, newest first, a JSON array.
    pub history: String,
    /// When it was set, microseconds since 1970 UTC.
    pub updated_micros: i64,
}

/// Hashes stay out of logs.
impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Password").field("user_id", &self.user_id).finish_non_exhaustive()
    }
}

fn read(row: &Row<'_>) -> Password {
    Password {
        user_id: row.text(0).unwrap_or_default(),
        hash: row.text(1).unwrap_or_default(),
        history: row.text(2).unwrap_or_default(),
        updated_micros: row.int(3).unwrap_or_default(),
    }
}

impl Batch {
    /// Sets a user's password, in place of the one before. Dangling when there is no such user.
    pub fn put_password(&mut self, password: &Password) -> Place {
        self.must(
            "INSERT INTO tenantry_password (user_id, hash, history, updated_micros) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (user_id) DO UPDATE SET hash = excluded.hash, history = excluded.history, \
             updated_micros = excluded.updated_micros",
            vec![
                Param::text(&password.user_id),
                Param::text(&password.hash),
                Param::text(&password.history),
                Param::int(password.updated_micros),
            ],
        )
    }

    /// Goes on only where this is the user's password still: whoever sets another one comes before or after.
    pub fn keep_hash(&mut self, user_id: &str, hash: &str) -> Place {
        self.must(
            "UPDATE tenantry_password SET hash = $1 WHERE user_id = $2 AND hash = $1",
            vec![Param::text(hash), Param::text(user_id)],
        )
    }

    /// Writes the same password's hash anew, when nobody set another one meanwhile.
    pub fn replace_hash(&mut self, user_id: &str, old: &str, new: &str) -> Place {
        self.run(
            "UPDATE tenantry_password SET hash = $1 WHERE user_id = $2 AND hash = $3",
            vec![Param::text(new), Param::text(user_id), Param::text(old)],
        )
    }
}

impl Store {
    /// A user's password.
    ///
    /// # Errors
    /// The store's.
    pub async fn password(&self, user_id: &str) -> Result<Option<Password>, StoreError> {
        let sql = "SELECT user_id, hash, history, updated_micros FROM tenantry_password WHERE user_id = $1";
        Ok(self.backend.find(sql, vec![Param::text(user_id)], read).await?.pop())
    }
}
