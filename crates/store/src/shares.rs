//! Rates that several servers share, and which servers there are. The time is the database's, so that clocks which
//! differ give nobody more.

use crate::backend::{Param, Row};
use crate::{Store, StoreError};

/// What became of an attempt to take a share of a rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It is ours.
    Whole,
    /// There is not so much: for this long the bucket is used up, in microseconds.
    Not(i64),
}

impl Store {
    /// May other servers share this store? Then what they may use together is divided through it.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.backend.is_shared()
    }

    /// Takes a share of a rate: `cost` microseconds' worth of a bucket that holds `burst` microseconds' worth, and
    /// fills again as time passes.
    ///
    /// # Errors
    /// The store's; then the share may be taken, and is lost.
    pub async fn take_share(&self, name: &str, cost_micros: i64, burst_micros: i64) -> Result<Taken, StoreError> {
        let params = vec![Param::text(name), Param::int(cost_micros), Param::int(burst_micros)];
        if cost_micros <= burst_micros && self.backend.write(self.backend.take_share(), params).await? > 0 {
            return Ok(Taken::Whole);
        }
        let found = self.backend.find(self.backend.share_ahead(), vec![Param::text(name)], |row| row.int(0)).await?;
        Ok(Taken::Not(found.into_iter().flatten().next().unwrap_or_default().max(0)))
    }

    /// For how long buckets are used up, in microseconds, by name; those that nobody took from are left out.
    ///
    /// # Errors
    /// The store's.
    pub async fn shares_ahead(&self, names: Vec<String>) -> Result<Vec<(String, i64)>, StoreError> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let read = |row: &Row<'_>| (row.text(0).unwrap_or_default(), row.int(1).unwrap_or_default());
        self.backend.search(self.backend.shares_ahead(), vec![Param::Texts(names)], read).await
    }

    /// Gives back what was taken and not used.
    ///
    /// # Errors
    /// The store's.
    pub async fn give_back_share(&self, name: &str, cost_micros: i64) -> Result<(), StoreError> {
        const GIVE: &str = "UPDATE tenantry_share SET tat_micros = tat_micros - $2 WHERE name = $1";
        self.backend.write(GIVE, vec![Param::text(name), Param::int(cost_micros)]).await.map(drop)
    }

    /// Says that this server answers for so long from now, and how many do.
    ///
    /// # Errors
    /// The store's.
    pub async fn announce_server(&self, id: &str, micros: i64) -> Result<u32, StoreError> {
        self.backend.write(self.backend.announce(), vec![Param::text(id), Param::int(micros)]).await?;
        let found = self.backend.find(self.backend.servers(), Vec::new(), |row| row.int(0)).await?;
        let many = found.into_iter().flatten().next().unwrap_or(1);
        Ok(u32::try_from(many).unwrap_or(1).max(1))
    }

    /// The database's time, microseconds since 1970 UTC: one for all servers, whatever their clocks say.
    ///
    /// # Errors
    /// The store's.
    pub async fn database_time(&self) -> Result<i64, StoreError> {
        let found = self.backend.find(self.backend.time(), Vec::new(), |row| row.int(0)).await?;
        Ok(found.into_iter().flatten().next().unwrap_or_else(|| self.clock.now_micros()))
    }

    /// Says that this server answers no more.
    ///
    /// # Errors
    /// The store's.
    pub async fn dismiss_server(&self, id: &str) -> Result<(), StoreError> {
        const GONE: &str = "DELETE FROM tenantry_server WHERE id = $1";
        self.backend.write(GONE, vec![Param::text(id)]).await.map(drop)
    }
}
