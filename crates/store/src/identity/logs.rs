//! What happened, for people who look after users.

use crate::backend::{Param, Row};
use crate::identity::Window;
use crate::{Batch, Store, StoreError};

/// An event's row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// Its id; later events have greater ones.
    pub id: String,
    /// When, microseconds since 1970 UTC.
    pub time_micros: i64,
    /// The event's code: `s`, `fp`, `sapi`, ….
    pub kind: String,
    /// Whom it concerns.
    pub user_id: Option<String>,
    /// The client.
    pub client_id: Option<String>,
    /// The account.
    pub account_id: Option<String>,
    /// The remaining fields, a JSON object.
    pub doc: String,
}

/// A test of an event: a column or a member of `doc`, and what it must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogTerm {
    /// `type`, `user_id`, `client_id`, `account_id`, `log_id`, or a member of `doc`.
    pub field: String,
    /// How it is compared.
    pub test: LogTest,
    /// Must it not be so?
    pub negated: bool,
}

/// How a value is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogTest {
    /// Equal, without regard to case.
    Is(String),
    /// Begins so, without regard to case.
    Begins(String),
    /// There is one.
    Exists,
    /// The time lies between these (microseconds), both included.
    Between(i64, i64),
}

/// Which events: each inner list is met by any one of its terms, all lists must be met.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogFilter {
    /// Only of this user.
    pub user_id: Option<String>,
    /// All of these, each by any of its terms.
    pub all_of: Vec<Vec<LogTerm>>,
}

/// By what events are ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogOrder {
    /// Newest first.
    Newest,
    /// Oldest first.
    Oldest,
}

const COLUMNS: &str = "id, time_micros, kind, user_id, client_id, account_id, doc";

/// Events of one statement.
const ROWS: usize = 64;

fn read(row: &Row<'_>) -> Log {
    let text = |place| row.text(place).unwrap_or_default();
    Log {
        id: text(0),
        time_micros: row.int(1).unwrap_or_default(),
        kind: text(2),
        user_id: row.text(3),
        client_id: row.text(4),
        account_id: row.text(5),
        doc: text(6),
    }
}

impl Batch {
    /// Keeps an event.
    pub fn insert_log(&mut self, log: &Log) {
        self.insert_logs(std::slice::from_ref(log));
    }

    /// Keeps events, many in a statement.
    pub fn insert_logs(&mut self, logs: &[Log]) {
        let mut rest = logs;
        while !rest.is_empty() {
            // Whole statements, then single rows: two texts for the database to know.
            let (now, later) = rest.split_at_checked(ROWS).unwrap_or_else(|| rest.split_at(1));
            rest = later;
            let mut sql = ["INSERT INTO tenantry_log (", COLUMNS, ") VALUES "].concat();
            super::places(&mut sql, now.len(), 7);
            let params = now.iter().flat_map(|log| {
                [
                    Param::text(&log.id),
                    Param::int(log.time_micros),
                    Param::text(&log.kind),
                    Param::maybe(log.user_id.as_deref()),
                    Param::maybe(log.client_id.as_deref()),
                    Param::maybe(log.account_id.as_deref()),
                    Param::text(&log.doc),
                ]
            });
            self.run(sql, params.collect());
        }
    }

    /// Removes events from before a time.
    pub fn purge_logs(&mut self, before_micros: i64) {
        self.run("DELETE FROM tenantry_log WHERE time_micros < $1", vec![Param::int(before_micros)]);
    }
}

/// Events of a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Day {
    /// Days since 1970.
    pub day: i64,
    /// Logins that succeeded.
    pub logins: i64,
    /// Users who signed up.
    pub signups: i64,
    /// The first event, microseconds since 1970 UTC.
    pub first_micros: i64,
    /// The last one.
    pub last_micros: i64,
}

impl Store {
    /// The event of that id.
    ///
    /// # Errors
    /// The store's.
    pub async fn log(&self, id: &str) -> Result<Option<Log>, StoreError> {
        let sql = ["SELECT ", COLUMNS, " FROM tenantry_log WHERE id = $1"].concat();
        Ok(self.backend.find(sql, vec![Param::text(id)], read).await?.pop())
    }

    /// Events by page.
    ///
    /// # Errors
    /// The store's.
    pub async fn logs(&self, filter: &LogFilter, order: LogOrder, window: Window) -> Result<Vec<Log>, StoreError> {
        let (tests, mut params) = self.tests(filter);
        let direction = match order {
            LogOrder::Newest => "time_micros DESC, id DESC",
            LogOrder::Oldest => "time_micros, id",
        };
        let (limit, offset) = (params.len() + 1, params.len() + 2);
        let sql = format!(
            "SELECT {COLUMNS} FROM tenantry_log WHERE {tests} ORDER BY {direction} LIMIT ${limit} OFFSET ${offset}"
        );
        params.extend([Param::int(window.limit), Param::int(window.offset)]);
        self.backend.search(sql, params, read).await
    }

    /// Events after the one of that id, oldest first.
    ///
    /// # Errors
    /// The store's.
    pub async fn logs_after(&self, filter: &LogFilter, after: &str, limit: i64) -> Result<Vec<Log>, StoreError> {
        let (tests, mut params) = self.tests(filter);
        let (from, most) = (params.len() + 1, params.len() + 2);
        let sql =
            format!("SELECT {COLUMNS} FROM tenantry_log WHERE {tests} AND id > ${from} ORDER BY id LIMIT ${most}");
        params.extend([Param::text(after), Param::int(limit)]);
        self.backend.search(sql, params, read).await
    }

    /// How many events there are.
    ///
    /// # Errors
    /// The store's.
    pub async fn count_logs(&self, filter: &LogFilter) -> Result<i64, StoreError> {
        let (tests, params) = self.tests(filter);
        let sql = format!("SELECT count(*) FROM tenantry_log WHERE {tests}");
        let found = self.backend.search(sql, params, |row| row.int(0)).await?;
        Ok(found.into_iter().flatten().next().unwrap_or_default())
    }

    /// Logins and sign-ups by day, between two times.
    ///
    /// # Errors
    /// The store's.
    pub async fn days(&self, from_micros: i64, to_micros: i64) -> Result<Vec<Day>, StoreError> {
        let sql = "SELECT time_micros / 86400000000, count(CASE WHEN kind IN ('s', 'ssa') THEN 1 END), \
             count(CASE WHEN kind = 'ss' THEN 1 END), min(time_micros), max(time_micros) FROM tenantry_log \
             WHERE time_micros >= $1 AND time_micros < $2 AND kind IN ('s', 'ssa', 'ss') \
             GROUP BY time_micros / 86400000000 ORDER BY 1";
        let read = |row: &Row<'_>| {
            let int = |place| row.int(place).unwrap_or_default();
            Day { day: int(0), logins: int(1), signups: int(2), first_micros: int(3), last_micros: int(4) }
        };
        self.backend.search(sql, vec![Param::int(from_micros), Param::int(to_micros)], read).await
    }

    /// How many users logged in since a time.
    ///
    /// # Errors
    /// The store's.
    pub async fn count_active_users(&self, since_micros: i64) -> Result<i64, StoreError> {
        let sql = "SELECT count(*) FROM tenantry_user WHERE last_login_micros >= $1";
        let found = self.backend.search(sql, vec![Param::int(since_micros)], |row| row.int(0)).await?;
        Ok(found.into_iter().flatten().next().unwrap_or_default())
    }

    /// The tests of a filter and their parameters. What callers wrote stands in parameters alone.
    fn tests(&self, filter: &LogFilter) -> (String, Vec<Param>) {
        let mut params = Vec::new();
        let mut all = vec!["1 = 1".to_owned()];
        if let Some(user) = &filter.user_id {
            params.push(Param::text(user));
            all.push(format!("user_id = ${}", params.len()));
        }
        for any_of in &filter.all_of {
            let terms: Vec<String> = any_of.iter().map(|term| self.test(term, &mut params)).collect();
            all.push(format!("({})", if terms.is_empty() { "1 = 0".to_owned() } else { terms.join(" OR ") }));
        }
        (all.join(" AND "), params)
    }

    fn test(&self, term: &LogTerm, params: &mut Vec<Param>) -> String {
        let column = match term.field.as_str() {
            "type" => "kind".to_owned(),
            "date" => "time_micros".to_owned(),
            "user_id" => "user_id".to_owned(),
            "client_id" => "client_id".to_owned(),
            "account_id" | "organization_id" => "account_id".to_owned(),
            "log_id" | "_id" => "id".to_owned(),
            path => {
                params.push(Param::texts(path.split('.')));
                self.backend.json_text("doc", params.len())
            }
        };
        let test = match &term.test {
            LogTest::Exists => format!("{column} IS NOT NULL"),
            LogTest::Is(text) => {
                params.push(Param::text(&text.to_lowercase()));
                format!("lower({column}) = ${}", params.len())
            }
            LogTest::Begins(text) => {
                let mut pattern = String::with_capacity(text.len() + 1);
                for c in text.to_lowercase().chars() {
                    if matches!(c, '%' | '_' | '\\') {
                        pattern.push('\\');
                    }
                    pattern.push(c);
                }
                pattern.push('%');
                params.push(Param::text(&pattern));
                format!("lower({column}) LIKE ${} ESCAPE '\\'", params.len())
            }
            LogTest::Between(from, to) => {
                params.extend([Param::int(*from), Param::int(*to)]);
                format!("time_micros BETWEEN ${} AND ${}", params.len() - 1, params.len())
            }
        };
        if term.negated { format!("NOT coalesce({test}, 1 = 0)") } else { test }
    }
}
