//! Answers to requests that carried an Idempotency-Key, so that one sent again is answered and not done
//! again.

use crate::backend::{Param, Row};
use crate::{Batch, Place, Store, StoreError};

/// A request that was made, and its answer once there is one.
#[derive(Clone, PartialEq, Eq)]
pub struct Answered {
    /// What was asked.
    pub digest: Vec<u8>,
    /// The answer's status; `None` while it is not known.
    pub status: Option<i64>,
    /// The answer's body, sealed.
    pub body: Option<Vec<u8>>,
}

/// Bodies stay out of logs.
impl std::fmt::Debug for Answered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Answered").field("status", &self.status).finish_non_exhaustive()
    }
}

impl Batch {
    /// Takes a caller's key for a request; a duplicate when it was taken before.
    pub fn insert_idempotency(&mut self, caller: &str, name: &str, digest: &[u8]) -> Place {
        let now = self.now;
        self.run(
            "INSERT INTO tenantry_idempotency (caller, name, digest, created_micros) VALUES ($1, $2, $3, $4)",
            vec![Param::text(caller), Param::text(name), Param::Bytes(digest.to_vec()), Param::int(now)],
        )
    }

    /// Keeps the answer.
    pub fn answer_idempotency(&mut self, caller: &str, name: &str, status: i64, body: Option<Vec<u8>>) -> Place {
        self.run(
            "UPDATE tenantry_idempotency SET status = $1, body = $2 WHERE caller = $3 AND name = $4 AND status IS NULL",
            vec![Param::int(status), Param::MaybeBytes(body), Param::text(caller), Param::text(name)],
        )
    }

    /// Gives a key back: nothing was done.
    pub fn release_idempotency(&mut self, caller: &str, name: &str) -> Place {
        self.run(
            "DELETE FROM tenantry_idempotency WHERE caller = $1 AND name = $2 AND status IS NULL",
            vec![Param::text(caller), Param::text(name)],
        )
    }

    /// Forgets requests that were made before a time.
    pub fn purge_idempotency(&mut self, before_micros: i64) -> Place {
        self.run("DELETE FROM tenantry_idempotency WHERE created_micros < $1", vec![Param::int(before_micros)])
    }
}

fn read(row: &Row<'_>) -> Answered {
    Answered { digest: row.bytes(0).unwrap_or_default(), status: row.int(1), body: row.bytes(2) }
}

impl Store {
    /// The request that a caller made with a key.
    ///
    /// # Errors
    /// The store's.
    pub async fn idempotency(&self, caller: &str, name: &str) -> Result<Option<Answered>, StoreError> {
        let sql = "SELECT digest, status, body FROM tenantry_idempotency WHERE caller = $1 AND name = $2";
        Ok(self.backend.find(sql, vec![Param::text(caller), Param::text(name)], read).await?.pop())
    }
}
