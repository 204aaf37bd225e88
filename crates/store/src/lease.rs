//! Things that only one process may do at a time, on this machine or on another: whoever does one holds a
//! lease, and keeps it by holding on. A process that died holds it no longer than the lease's time.

use crate::backend::Param;
use crate::{Batch, Place, Store, StoreError};

/// Who holds a lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// What is done under it.
    pub name: String,
    /// The request's id of whoever holds it.
    pub holder: String,
    /// Since when, microseconds since 1970 UTC.
    pub taken_micros: i64,
    /// Until when, unless it is held on to.
    pub until_micros: i64,
}

impl Batch {
    /// Holds on to a lease for so long from now. Untouched when somebody else has it: nothing of the batch is
    /// written then, so whatever was decided under a lost lease does not happen.
    pub fn hold_lease(&mut self, name: &str, holder: &str, micros: i64) -> Place {
        let until = self.now.saturating_add(micros);
        self.must(
            "UPDATE tenantry_lease SET until_micros = $1 WHERE name = $2 AND holder = $3",
            vec![Param::int(until), Param::text(name), Param::text(holder)],
        )
    }
}

impl Store {
    /// Takes a lease for so long. `Some` is who has it instead.
    ///
    /// # Errors
    /// The store's.
    pub async fn take_lease(&self, name: &str, holder: &str, micros: i64) -> Result<Option<Lease>, StoreError> {
        const TAKE: &str = "INSERT INTO tenantry_lease (name, holder, taken_micros, until_micros) \
            VALUES ($1, $2, $3, $4) ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, \
            taken_micros = excluded.taken_micros, until_micros = excluded.until_micros \
            WHERE tenantry_lease.until_micros <= $3";
        let now = self.clock.now_micros();
        let params =
            vec![Param::text(name), Param::text(holder), Param::int(now), Param::int(now.saturating_add(micros))];
        if self.backend.write(TAKE, params).await? > 0 {
            return Ok(None);
        }
        // Whoever had it may have let go in between: the caller asks again.
        Ok(Some(self.lease(name).await?.unwrap_or_else(|| Lease {
            name: name.to_owned(),
            holder: String::new(),
            taken_micros: now,
            until_micros: now,
        })))
    }

    /// Holds on to a lease for so long from now; false when somebody else has it.
    ///
    /// # Errors
    /// The store's.
    pub async fn keep_lease(&self, name: &str, holder: &str, micros: i64) -> Result<bool, StoreError> {
        const KEEP: &str = "UPDATE tenantry_lease SET until_micros = $1 WHERE name = $2 AND holder = $3";
        let until = self.clock.now_micros().saturating_add(micros);
        let params = vec![Param::int(until), Param::text(name), Param::text(holder)];
        Ok(self.backend.write(KEEP, params).await? > 0)
    }

    /// Lets go of a lease. Somebody else's stays.
    ///
    /// # Errors
    /// The store's.
    pub async fn end_lease(&self, name: &str, holder: &str) -> Result<(), StoreError> {
        const END: &str = "DELETE FROM tenantry_lease WHERE name = $1 AND holder = $2";
        self.backend.write(END, vec![Param::text(name), Param::text(holder)]).await.map(drop)
    }

    /// Who holds a lease, or held it last without letting go.
    ///
    /// # Errors
    /// The store's.
    pub async fn lease(&self, name: &str) -> Result<Option<Lease>, StoreError> {
        const FIND: &str = "SELECT name, holder, taken_micros, until_micros FROM tenantry_lease WHERE name = $1";
        let found = self.backend.find(FIND, vec![Param::text(name)], |row| Lease {
            name: row.text(0).unwrap_or_default(),
            holder: row.text(1).unwrap_or_default(),
            taken_micros: row.int(2).unwrap_or_default(),
            until_micros: row.int(3).unwrap_or_default(),
        });
        Ok(found.await?.pop())
    }
}
