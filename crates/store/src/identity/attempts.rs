//! Failed logins, counted by whom they were tried for and from where.

use crate::backend::{Param, Row};
use crate::{Batch, Place, Store, StoreError};

/// A count's row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempts {
    /// For whom: `user:ID`, `name:HASH`, `account:ID`, or `address` for all tried from an address.
    pub subject: String,
    /// From where; empty when it is counted from everywhere.
    pub address: String,
    /// How many failed since `since_micros`.
    pub failures: i64,
    /// When the count began, microseconds since 1970 UTC.
    pub since_micros: i64,
    /// Is it blocked until somebody lifts it?
    pub blocked: bool,
}

fn read(row: &Row<'_>) -> Attempts {
    Attempts {
        subject: row.text(0).unwrap_or_default(),
        address: row.text(1).unwrap_or_default(),
        failures: row.int(2).unwrap_or_default(),
        since_micros: row.int(3).unwrap_or_default(),
        blocked: row.int(4).unwrap_or_default() != 0,
    }
}

const COLUMNS: &str = "SELECT subject, address, failures, since_micros, blocked FROM tenantry_attempt ";

impl Batch {
    /// Counts an attempt. A count that began before `cutoff_micros` begins anew.
    pub fn count_attempt(&mut self, subject: &str, address: &str, cutoff_micros: i64) -> Place {
        let now = self.now;
        self.run(
            "INSERT INTO tenantry_attempt (subject, address, failures, since_micros, blocked) VALUES ($1, $2, 1, $3, 0) \
             ON CONFLICT (subject, address) DO UPDATE SET \
             failures = CASE WHEN tenantry_attempt.since_micros < $4 THEN 1 ELSE tenantry_attempt.failures + 1 END, \
             since_micros = CASE WHEN tenantry_attempt.since_micros < $4 THEN $3 ELSE tenantry_attempt.since_micros END, \
             blocked = CASE WHEN tenantry_attempt.since_micros < $4 THEN 0 ELSE tenantry_attempt.blocked END",
            vec![Param::text(subject), Param::text(address), Param::int(now), Param::int(cutoff_micros)],
        )
    }

    /// Takes one attempt back, since it did not fail.
    pub fn uncount_attempt(&mut self, subject: &str, address: &str) -> Place {
        self.run(
            "UPDATE tenantry_attempt SET failures = failures - 1 WHERE subject = $1 AND address = $2 AND failures > 0",
            vec![Param::text(subject), Param::text(address)],
        )
    }

    /// Blocks a count until somebody lifts it.
    pub fn block_attempts(&mut self, subject: &str, address: &str) -> Place {
        self.run(
            "UPDATE tenantry_attempt SET blocked = 1 WHERE subject = $1 AND address = $2",
            vec![Param::text(subject), Param::text(address)],
        )
    }

    /// Forgets a count.
    pub fn forget_attempts(&mut self, subject: &str, address: &str) -> Place {
        self.run(
            "DELETE FROM tenantry_attempt WHERE subject = $1 AND address = $2",
            vec![Param::text(subject), Param::text(address)],
        )
    }

    /// Forgets all counts for somebody, from wherever.
    pub fn forget_attempts_of(&mut self, subject: &str) -> Place {
        self.run("DELETE FROM tenantry_attempt WHERE subject = $1", vec![Param::text(subject)])
    }

    /// Removes counts that began before a time.
    pub fn purge_attempts(&mut self, before_micros: i64) -> Place {
        self.run("DELETE FROM tenantry_attempt WHERE since_micros < $1", vec![Param::int(before_micros)])
    }
}

impl Store {
    /// Several counts at once; those that do not exist are left out.
    ///
    /// # Errors
    /// The store's.
    pub async fn attempts(&self, which: &[(String, String)]) -> Result<Vec<Attempts>, StoreError> {
        let sql =
            [COLUMNS, "WHERE ", &self.backend.among("subject", 1), " AND ", &self.backend.among("address", 2)].concat();
        let params = vec![
            Param::texts(which.iter().map(|(subject, _)| subject)),
            Param::texts(which.iter().map(|(_, address)| address)),
        ];
        let mut found = self.backend.find(sql, params, read).await?;
        found.retain(|row| which.iter().any(|(subject, address)| row.subject == *subject && row.address == *address));
        Ok(found)
    }

    /// The blocked counts for these, by address.
    ///
    /// # Errors
    /// The store's.
    pub async fn blocked_attempts(&self, subjects: &[String]) -> Result<Vec<Attempts>, StoreError> {
        let sql = [
            COLUMNS,
            "WHERE blocked = 1 AND ",
            &self.backend.among("subject", 1),
            " ORDER BY since_micros, address LIMIT 1000",
        ]
        .concat();
        self.backend.find(sql, vec![Param::texts(subjects)], read).await
    }
}
