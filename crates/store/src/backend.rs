//! The one place that knows which database the store is on. Everything else writes statements in
//! the common subset of SQLite and PostgreSQL, with parameters `$1`, `$2`, ….

#[cfg(test)]
mod earlier;
mod postgres;
mod sqlite;

use std::borrow::Cow;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use tokio::runtime::Handle;

use crate::audit::chain::SealKey;
use crate::{Entry, Phase, Receipt, StoreError, StoreUrl};

use crate::batch::{Batch, BatchError};

pub(crate) use postgres::Postgres;
pub use sqlite::Lost;
pub(crate) use sqlite::{Held, Sqlite};

/// The migrations, oldest first. Forward only: a file here never changes once released.
const MIGRATIONS: &[(&str, &str)] = &[
    ("V1__audit_and_approvals", include_str!("../migrations/V1__audit_and_approvals.sql")),
    ("V2__identity", include_str!("../migrations/V2__identity.sql")),
    ("V3__plan", include_str!("../migrations/V3__plan.sql")),
    ("V4__models", include_str!("../migrations/V4__models.sql")),
    ("V5__account_total", include_str!("../migrations/V5__account_total.sql")),
    ("V6__limits", include_str!("../migrations/V6__limits.sql")),
    ("V7__kept_tokens", include_str!("../migrations/V7__kept_tokens.sql")),
];

/// The statements on what servers share, with the database's own time in microseconds since 1970 UTC.
macro_rules! with_time {
    ($now:literal) => {
        SharedStatements {
            take: concat!(
                "INSERT INTO tenantry_share (name, tat_micros) VALUES ($1, ",
                $now,
                " + $2) \
                 ON CONFLICT (name) DO UPDATE SET tat_micros = $2 + CASE WHEN tenantry_share.tat_micros > ",
                $now,
                " THEN tenantry_share.tat_micros ELSE ",
                $now,
                " END \
                 WHERE $2 + CASE WHEN tenantry_share.tat_micros > ",
                $now,
                " THEN tenantry_share.tat_micros ELSE ",
                $now,
                " END <= $3 + ",
                $now
            ),
            ahead: concat!("SELECT tat_micros - ", $now, " FROM tenantry_share WHERE name = $1"),
            announce: concat!(
                "INSERT INTO tenantry_server (id, until_micros) VALUES ($1, ",
                $now,
                " + $2) \
                 ON CONFLICT (id) DO UPDATE SET until_micros = excluded.until_micros"
            ),
            servers: concat!("SELECT count(*) FROM tenantry_server WHERE until_micros > ", $now),
            time: concat!("SELECT ", $now),
            several: concat!("SELECT name, tat_micros - ", $now, " FROM tenantry_share WHERE "),
        }
    };
}

struct SharedStatements {
    take: &'static str,
    ahead: &'static str,
    announce: &'static str,
    servers: &'static str,
    several: &'static str,
    time: &'static str,
}

const ON_SQLITE: SharedStatements = with_time!("CAST(unixepoch('subsec') * 1000000 AS INTEGER)");
const ON_POSTGRES: SharedStatements = with_time!("CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)");

/// The table in which the migrations that ran are noted.
const MIGRATION_TABLE: &str = "tenantry_migrations";

/// More statements than this take a thread of their own on SQLite.
const LONG_CHANGE: usize = 32;

/// A value on its way into a statement, typed even when absent.
#[derive(Debug, Clone)]
pub(crate) enum Param {
    Int(Option<i64>),
    Text(Option<String>),
    Bytes(Vec<u8>),
    MaybeBytes(Option<Vec<u8>>),
    /// A list of texts, for [`Backend::among`].
    Texts(Vec<String>),
}

impl Param {
    pub(crate) fn text(text: &str) -> Param {
        Param::Text(Some(text.to_owned()))
    }

    pub(crate) fn int(value: i64) -> Param {
        Param::Int(Some(value))
    }

    pub(crate) fn maybe(text: Option<&str>) -> Param {
        Param::Text(text.map(str::to_owned))
    }

    pub(crate) fn texts<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> Param {
        Param::Texts(texts.into_iter().map(|text| text.as_ref().to_owned()).collect())
    }
}

/// A value read, borrowed from the row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Cell<'a> {
    Null,
    Int(i64),
    Text(&'a str),
    Bytes(&'a [u8]),
    /// Something that Tenantry never writes.
    Foreign,
}

/// A row read.
pub(crate) enum Row<'a> {
    Sqlite(&'a rusqlite::Row<'a>),
    Postgres(&'a tokio_postgres::Row),
}

impl Row<'_> {
    pub(crate) fn cell(&self, place: usize) -> Cell<'_> {
        match self {
            Row::Sqlite(row) => sqlite::cell(row, place),
            Row::Postgres(row) => postgres::cell(row, place),
        }
    }

    pub(crate) fn int(&self, place: usize) -> Option<i64> {
        match self.cell(place) {
            Cell::Int(value) => Some(value),
            _ => None,
        }
    }

    pub(crate) fn text(&self, place: usize) -> Option<String> {
        match self.cell(place) {
            Cell::Text(text) => Some(text.to_owned()),
            _ => None,
        }
    }

    pub(crate) fn bytes(&self, place: usize) -> Option<Vec<u8>> {
        match self.cell(place) {
            Cell::Bytes(bytes) => Some(bytes.to_vec()),
            _ => None,
        }
    }

    pub(crate) fn array(&self, place: usize) -> Option<[u8; 32]> {
        match self.cell(place) {
            Cell::Bytes(bytes) => bytes.try_into().ok(),
            _ => None,
        }
    }
}

/// What to do with each row of a statement; `Break` skips the statement's remaining rows.
pub(crate) type Step<S> = fn(&mut S, &Row<'_>) -> ControlFlow<()>;

/// A statement to read, its parameters, and what to do with its rows.
pub(crate) struct Reading<S> {
    pub(crate) sql: &'static str,
    pub(crate) params: Vec<Param>,
    pub(crate) step: Step<S>,
}

/// A part of a pattern that a text may fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// These letters.
    Text(String),
    /// Any one letter.
    One,
    /// Any letters, or none.
    Many,
}

/// The database.
#[derive(Clone)]
pub(crate) enum Backend {
    Sqlite(Held),
    Postgres(Arc<Postgres>),
}

impl Backend {
    /// Opens the database and brings its tables up to date. The seal key is set afterwards, since
    /// making it depends on whether the database is new.
    pub(crate) async fn open(url: &StoreUrl) -> Result<Backend, StoreError> {
        let open_sqlite = |path: Option<&Path>| Ok(Backend::Sqlite(Held::new(Sqlite::open(path)?)?));
        match url {
            StoreUrl::Sqlite(path) => open_sqlite(Some(path)),
            StoreUrl::Memory => open_sqlite(None),
            StoreUrl::Postgres(url) => Ok(Backend::Postgres(Arc::new(Postgres::open(url).await?))),
        }
    }

    /// Gives the writer the key of the seals. Appending before that is refused.
    pub(crate) fn unlock(&self, key: SealKey) -> Result<(), StoreError> {
        match self {
            Backend::Sqlite(sqlite) => sqlite.unlock(key),
            Backend::Postgres(postgres) => {
                postgres.unlock(key);
                Ok(())
            }
        }
    }

    /// Appends an entry; durable when it returns.
    pub(crate) async fn append(&self, entry: &Entry) -> Result<Receipt, StoreError> {
        match self {
            // On the caller's thread: it costs less than changing threads once.
            Backend::Sqlite(sqlite) => sqlite.append(entry),
            Backend::Postgres(postgres) => postgres.append(entry.clone(), None).await,
        }
    }

    /// Appends the end of an act, in a moment where that is cheaper.
    pub(crate) async fn append_soon(&self, entry: Entry) -> Result<(), StoreError> {
        match self {
            Backend::Sqlite(sqlite) => sqlite.append_soon(entry),
            Backend::Postgres(postgres) => postgres.append(entry, None).await.map(drop),
        }
    }

    /// Appends the start of an act that is over, and its end.
    pub(crate) async fn append_ended(&self, entry: &Entry, phase: Phase, micros: i64) -> Result<Receipt, StoreError> {
        match self {
            Backend::Sqlite(sqlite) => {
                let receipt = sqlite.append(entry)?;
                sqlite.append(&entry.ended(&receipt, phase, micros))?;
                Ok(receipt)
            }
            Backend::Postgres(postgres) => postgres.append(entry.clone(), Some((phase, micros))).await,
        }
    }

    /// The same, waiting without async.
    pub(crate) fn append_blocking(&self, entry: &Entry) -> Result<Receipt, StoreError> {
        match self {
            Backend::Sqlite(sqlite) => sqlite.append(entry),
            Backend::Postgres(postgres) => postgres.append_blocking(entry.clone()),
        }
    }

    /// Puts everything that has been appended where readings of the audit find it.
    pub(crate) async fn settle(&self) -> Result<(), StoreError> {
        let Backend::Sqlite(sqlite) = self else { return Ok(()) };
        let Ok(runtime) = Handle::try_current() else {
            return sqlite.settle();
        };
        let sqlite = sqlite.share();
        runtime
            .spawn_blocking(move || sqlite.settle())
            .await
            .map_err(|_| StoreError::Unavailable { why: "a reading thread stopped".to_owned() })?
    }

    /// Gives up what is in a journal that is missing or was changed; `None` when nothing is lost.
    pub(crate) fn accept_loss(&self) -> Result<Option<Lost>, StoreError> {
        match self {
            Backend::Sqlite(sqlite) => sqlite.accept_loss(),
            Backend::Postgres(_) => Ok(None),
        }
    }

    /// Runs the readings one after another in one snapshot, streaming their rows through `state`. Those of
    /// the audit call [`Backend::settle`] before.
    pub(crate) async fn read<S: Send + 'static>(&self, readings: Vec<Reading<S>>, state: S) -> Result<S, StoreError> {
        match self {
            Backend::Sqlite(sqlite) => {
                let Ok(runtime) = Handle::try_current() else {
                    return sqlite.read(readings, state);
                };
                let sqlite = sqlite.share();
                runtime
                    .spawn_blocking(move || sqlite.read(readings, state))
                    .await
                    .map_err(|_| StoreError::Unavailable { why: "a reading thread stopped".to_owned() })?
            }
            Backend::Postgres(postgres) => postgres.read(readings, state).await,
        }
    }

    /// Runs one statement that writes, in a transaction of its own, and answers how many rows it
    /// touched.
    pub(crate) async fn write(&self, sql: &'static str, params: Vec<Param>) -> Result<u64, StoreError> {
        match self {
            Backend::Sqlite(sqlite) => sqlite.write(sql, &params),
            Backend::Postgres(postgres) => postgres.write(sql, &params).await,
        }
    }

    /// Runs a change in one transaction: all of it or nothing.
    pub(crate) async fn change(&self, batch: Batch) -> Result<Vec<u64>, BatchError> {
        match self {
            // A long one would keep others waiting whose tasks share the thread.
            Backend::Sqlite(sqlite) if batch.statements.len() > LONG_CHANGE && Handle::try_current().is_ok() => {
                let sqlite = sqlite.share();
                let stopped = |_| StoreError::Unavailable { why: "a writing thread stopped".to_owned() };
                tokio::task::spawn_blocking(move || sqlite.change(&batch)).await.map_err(stopped)?
            }
            Backend::Sqlite(sqlite) => sqlite.change(&batch),
            Backend::Postgres(postgres) => postgres.change(&batch).await,
        }
    }

    /// Reads the rows of one statement. On SQLite it runs on the calling thread, so it is for statements
    /// that find their rows by an index and answer few.
    pub(crate) async fn find<T: Send + 'static>(
        &self,
        sql: impl Into<Cow<'static, str>>,
        params: Vec<Param>,
        read: fn(&Row<'_>) -> T,
    ) -> Result<Vec<T>, StoreError> {
        match self {
            Backend::Sqlite(sqlite) => sqlite.rows(&sql.into(), &params, read),
            Backend::Postgres(postgres) => postgres.rows(&sql.into(), &params, read).await,
        }
    }

    /// The same for statements that may take long: on SQLite it runs on a thread for such work.
    pub(crate) async fn search<T: Send + 'static>(
        &self,
        sql: impl Into<Cow<'static, str>>,
        params: Vec<Param>,
        read: fn(&Row<'_>) -> T,
    ) -> Result<Vec<T>, StoreError> {
        let sql = sql.into();
        match self {
            Backend::Sqlite(sqlite) => {
                let sqlite = sqlite.share();
                tokio::task::spawn_blocking(move || sqlite.rows(&sql, &params, read))
                    .await
                    .map_err(|_| StoreError::Unavailable { why: "a reading thread stopped".to_owned() })?
            }
            Backend::Postgres(postgres) => postgres.rows(&sql, &params, read).await,
        }
    }

    /// The same for statements whose text depends on what somebody asked: they are not kept prepared, since
    /// there is no end of them.
    pub(crate) async fn explore<T: Send + 'static>(
        &self,
        sql: String,
        params: Vec<Param>,
        read: fn(&Row<'_>) -> T,
    ) -> Result<Vec<T>, StoreError> {
        match self {
            // There the number of those kept is bounded.
            Backend::Sqlite(_) => self.search(sql, params, read).await,
            Backend::Postgres(postgres) => postgres.rows_once(&sql, &params, read).await,
        }
    }

    /// The test `COLUMN is one of the texts in parameter $PLACE` ([`Param::Texts`]), the one form of a
    /// statement that the two databases do not share.
    pub(crate) fn among(&self, column: &'static str, place: usize) -> String {
        match self {
            Backend::Sqlite(_) => format!("{column} IN (SELECT value FROM json_each(${place}))"),
            Backend::Postgres(_) => format!("{column} = ANY(${place}::text[])"),
        }
    }

    /// The text at a path ([`Param::Texts`] in parameter `$PLACE`) of a column that holds JSON; NULL where
    /// there is none. Arrays and objects answer their JSON.
    pub(crate) fn json_text(&self, column: &'static str, place: usize) -> String {
        match self {
            Backend::Sqlite(_) => format!(
                "json_extract({column}, (SELECT char(36) || group_concat('.' || json_quote(value), '') FROM json_each(${place})))"
            ),
            Backend::Postgres(_) => format!("({column}::jsonb #>> ${place}::text[])"),
        }
    }

    /// The test `COLUMN fits the pattern in parameter $PLACE` (a text that [`Backend::pattern`] made). Letters
    /// count as written.
    pub(crate) fn like(&self, column: &str, place: usize) -> String {
        match self {
            Backend::Sqlite(_) => format!("{column} GLOB ${place}"),
            Backend::Postgres(_) => format!("{column} LIKE ${place}"),
        }
    }

    /// A pattern for [`Backend::like`].
    pub(crate) fn pattern(&self, pieces: &[Piece]) -> String {
        let mut text = String::new();
        for piece in pieces {
            match (self, piece) {
                (Backend::Sqlite(_), Piece::Many) => text.push('*'),
                (Backend::Sqlite(_), Piece::One) => text.push('?'),
                (Backend::Sqlite(_), Piece::Text(literal)) => {
                    for letter in literal.chars() {
                        if matches!(letter, '*' | '?' | '[') {
                            text.extend(['[', letter, ']']);
                        } else {
                            text.push(letter);
                        }
                    }
                }
                (Backend::Postgres(_), Piece::Many) => text.push('%'),
                (Backend::Postgres(_), Piece::One) => text.push('_'),
                (Backend::Postgres(_), Piece::Text(literal)) => {
                    for letter in literal.chars() {
                        if matches!(letter, '%' | '_' | '\\') {
                            text.push('\\');
                        }
                        text.push(letter);
                    }
                }
            }
        }
        text
    }

    /// May other servers be on the same database?
    pub(crate) fn is_shared(&self) -> bool {
        matches!(self, Backend::Postgres(_))
    }

    fn shared(&self) -> &'static SharedStatements {
        match self {
            Backend::Sqlite(_) => &ON_SQLITE,
            Backend::Postgres(_) => &ON_POSTGRES,
        }
    }

    /// Takes `$2` microseconds' worth of the bucket `$1` that holds `$3`; no row is touched when there is less.
    pub(crate) fn take_share(&self) -> &'static str {
        self.shared().take
    }

    /// For how long the bucket `$1` is used up.
    pub(crate) fn share_ahead(&self) -> &'static str {
        self.shared().ahead
    }

    /// The database's time.
    pub(crate) fn time(&self) -> &'static str {
        self.shared().time
    }

    /// The same for those of several names ([`Param::Texts`] in `$1`).
    pub(crate) fn shares_ahead(&self) -> String {
        [self.shared().several, &self.among("name", 1)].concat()
    }

    /// Says that the server `$1` answers for `$2` microseconds.
    pub(crate) fn announce(&self) -> &'static str {
        self.shared().announce
    }

    /// How many servers answer.
    pub(crate) fn servers(&self) -> &'static str {
        self.shared().servers
    }

    /// The name in logs and in `tenantry doctor`.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Backend::Sqlite(_) => "sqlite",
            Backend::Postgres(_) => "postgres",
        }
    }
}

fn runner() -> Result<refinery::Runner, StoreError> {
    runner_with("")
}

/// For PostgreSQL, whose texts compare by the database's language unless told otherwise.
fn postgres_runner() -> Result<refinery::Runner, StoreError> {
    runner_with("COLLATE \"C\"")
}

fn runner_with(bytewise: &str) -> Result<refinery::Runner, StoreError> {
    let mut migrations = Vec::with_capacity(MIGRATIONS.len());
    for &(name, sql) in MIGRATIONS {
        let sql = sql.replace("/*C*/", bytewise);
        migrations.push(refinery::Migration::unapplied(name, &sql).map_err(|error| migration_error(&error))?);
    }
    let mut runner = refinery::Runner::new(&migrations);
    runner.set_migration_table_name(MIGRATION_TABLE);
    Ok(runner)
}

fn migration_error(error: &refinery::Error) -> StoreError {
    StoreError::Database { why: ["migration: ", &error.to_string()].concat() }
}
