//! Reading events.

use serde_json::Value;
use tenantry_store::identity::Window;
use tenantry_store::identity::logs::{LogFilter, LogOrder};

use crate::caller::Target;
use crate::logs::{query, shown};
use crate::{Caller, Identity, Kind, Listed, Refusal};

/// The order of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sort {
    /// Newest first.
    #[default]
    Newest,
    /// Oldest first.
    Oldest,
}

/// Which events are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogList {
    /// A page of those that a search finds.
    Page {
        /// Events to leave out.
        offset: i64,
        /// Events to answer at most.
        limit: i64,
        /// Is the number of all events asked for?
        total: bool,
        /// The order.
        sort: Sort,
        /// The search; empty finds all.
        search: String,
    },
    /// Those after an event, oldest first.
    After {
        /// The event's id.
        from: String,
        /// Events to answer at most.
        take: i64,
    },
}

impl Identity {
    /// The events of the platform.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] for a search that cannot be read.
    pub async fn logs(&self, caller: &Caller, list: &LogList) -> Result<Listed<Value>, Refusal> {
        caller.may(&["read:logs", "read:logs_users"], Target::Platform)?;
        self.listed_logs(LogFilter::default(), list).await
    }

    /// The events that concern a user.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] for a search that cannot be read.
    pub async fn user_logs(&self, caller: &Caller, user: &str, list: &LogList) -> Result<Listed<Value>, Refusal> {
        caller.may(&["read:logs", "read:logs_users"], Target::Platform)?;
        self.listed_logs(LogFilter { user_id: Some(user.to_owned()), all_of: Vec::new() }, list).await
    }

    /// The event of that id.
    ///
    /// # Errors
    /// [`Refusal::Missing`].
    pub async fn log_event(&self, caller: &Caller, id: &str) -> Result<Value, Refusal> {
        caller.may(&["read:logs", "read:logs_users"], Target::Platform)?;
        self.flush_logs().await;
        self.store.log(id).await?.map(shown).ok_or(Refusal::Missing(Kind::Log))
    }

    async fn listed_logs(&self, mut filter: LogFilter, list: &LogList) -> Result<Listed<Value>, Refusal> {
        // What the caller did before is seen.
        self.flush_logs().await;
        match list {
            LogList::Page { offset, limit, total, sort, search } => {
                filter.all_of.extend(query::parse(search)?);
                let order = match sort {
                    Sort::Newest => LogOrder::Newest,
                    Sort::Oldest => LogOrder::Oldest,
                };
                let window = Window { offset: *offset, limit: *limit };
                let rows = self.store.logs(&filter, order, window).await?;
                let total = if *total { Some(self.store.count_logs(&filter).await?) } else { None };
                Ok(Listed { items: rows.into_iter().map(shown).collect(), total, next: None })
            }
            LogList::After { from, take } => {
                let rows = self.store.logs_after(&filter, from, *take).await?;
                Ok(Listed { items: rows.into_iter().map(shown).collect(), total: None, next: None })
            }
        }
    }
}
