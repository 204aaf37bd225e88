//! How many users log in.

use crate::caller::Target;
use crate::{Caller, Identity, Refusal};

const DAY: i64 = 86_400_000_000;

/// A day's logins and sign-ups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayStats {
    /// The day's beginning, microseconds since 1970 UTC.
    pub date_micros: i64,
    /// Logins that succeeded.
    pub logins: i64,
    /// Users who signed up.
    pub signups: i64,
    /// The day's first event.
    pub created_micros: i64,
    /// Its last one.
    pub updated_micros: i64,
}

impl Identity {
    /// Users who logged in during the last 30 days.
    ///
    /// # Errors
    /// The store's.
    pub async fn active_users(&self, caller: &Caller) -> Result<i64, Refusal> {
        caller.may(&["read:stats"], Target::Platform)?;
        Ok(self.store.count_active_users(self.now().saturating_sub(30 * DAY)).await?)
    }

    /// Logins and sign-ups of each day on which there were any, from the first day to the last (days since
    /// 1970); the last 30 days when none are named. Events leave after 30 days, and these figures with them.
    ///
    /// # Errors
    /// The store's.
    pub async fn daily_stats(
        &self,
        caller: &Caller,
        first: Option<i64>,
        last: Option<i64>,
    ) -> Result<Vec<DayStats>, Refusal> {
        caller.may(&["read:stats"], Target::Platform)?;
        self.flush_logs().await;
        let today = self.now().div_euclid(DAY);
        let last = last.unwrap_or(today);
        let first = first.unwrap_or(last.saturating_sub(30));
        let to = last.saturating_add(1).saturating_mul(DAY);
        let days = self.store.days(first.saturating_mul(DAY), to).await?;
        let stats = days.into_iter().map(|day| DayStats {
            date_micros: day.day.saturating_mul(DAY),
            logins: day.logins,
            signups: day.signups,
            created_micros: day.first_micros,
            updated_micros: day.last_micros,
        });
        Ok(stats.collect())
    }
}
