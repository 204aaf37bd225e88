//! The store on SQLite: a journal for what is appended, one connection that writes, and some that read.

mod chains;
mod change;
mod ledger;
mod state;
#[cfg(test)]
mod tests;

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, OpenFlags, ToSql};

use self::ledger::Ledger;
pub use self::ledger::Lost;
use super::{Cell, Param, Reading, Row};
use crate::address::beside;
use crate::audit::chain::SealKey;
use crate::keys::{create_folder, file_error, private_file};
use crate::{Entry, StoreError};

/// How long to wait for another process's transaction.
const BUSY: Duration = Duration::from_secs(5);

/// How long an entry may be in the journal only, when nobody reads the audit.
const AT_LEAST_EVERY: Duration = Duration::from_secs(1);

/// How long the end of an act waits for the next entry.
const SOON: Duration = Duration::from_millis(5);

/// How long that thread goes on looking every [`SOON`] after it was last needed.
const WATCHFUL: u32 = 200;

/// How many idle reading connections are kept.
const IDLE_READERS: usize = 4;

/// The store on SQLite. The audit is in `ledger.rs`.
///
/// Locks are taken in this order: `ledger`, the journal's file, `soon`, `writer`, SQLite's own. `thread` is taken
/// by itself.
pub(crate) struct Sqlite {
    /// `None` in memory, where the writer also reads.
    path: Option<PathBuf>,
    /// Where the journal is; `None` in memory, where there is none.
    journal: Option<PathBuf>,
    key: OnceLock<SealKey>,
    ledger: Mutex<Ledger>,
    /// Ends of acts that are put on record with the next entry, or after [`SOON`].
    soon: Mutex<Vec<Entry>>,
    writer: Mutex<Writer>,
    readers: Mutex<Vec<Connection>>,
    thread: Mutex<Thread>,
    /// Told when there is something to do for that thread.
    woken: Condvar,
}

struct Writer {
    connection: Connection,
}

/// What the thread that tends the journal is told.
#[derive(Default)]
struct Thread {
    is_due: bool,
    is_over: bool,
    /// For how many more times it looks after [`SOON`] whether an end of an act waits. Whoever appends one need not
    /// wake it meanwhile, which would cost more than appending.
    looks: u32,
}

/// Why that thread goes on.
enum Waited {
    /// It tends the journal.
    Due,
    /// It looks whether an end of an act waits.
    Soon,
    /// The store is closed.
    Over,
}

impl Sqlite {
    pub(crate) fn open(path: Option<&Path>) -> Result<Sqlite, StoreError> {
        // Two processes that begin with one new store take turns: each must find the tables whole or absent.
        let turn = match path {
            Some(path) => {
                if let Some(folder) = path.parent() {
                    create_folder(folder)?;
                }
                let turn = private_file(&beside(path, ".opening"))?;
                turn.lock().map_err(|error| file_error("lock", path, &error))?;
                Some(turn)
            }
            None => None,
        };
        let mut connection = match path {
            Some(path) => {
                // SQLite gives its journal files the permissions of the database, so this covers them.
                drop(private_file(path)?);
                let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
                Connection::open_with_flags(path, flags)
            }
            None => Connection::open_in_memory(),
        }
        .map_err(|error| sqlite_error(&error))?;
        prepare(&connection)?;
        // WAL with NORMAL: a commit is in the operating system's hands when it returns, so it
        // outlives the process. Each checkpoint flushes to the disk. Small pages make entries cheaper
        // (measured: 2048 costs a seventh less than 4096; with 1024 ordinary ones no longer fit a page).
        connection
            .execute_batch(
                "PRAGMA page_size = 2048; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; \
                PRAGMA wal_autocheckpoint = 8000;",
            )
            .map_err(|error| sqlite_error(&error))?;
        super::runner()?.run(&mut connection).map_err(|error| super::migration_error(&error))?;
        drop(turn);
        Ok(Sqlite {
            path: path.map(Path::to_path_buf),
            journal: path.map(|path| beside(path, ".journal")),
            key: OnceLock::new(),
            ledger: Mutex::new(Ledger::new()),
            soon: Mutex::default(),
            writer: Mutex::new(Writer { connection }),
            readers: Mutex::new(Vec::new()),
            thread: Mutex::new(Thread::default()),
            woken: Condvar::new(),
        })
    }

    /// Gives the store the key of the seals. Appending before that is refused.
    pub(crate) fn unlock(&self, key: SealKey) -> Result<(), StoreError> {
        if self.journal.is_some() {
            state::begin(&self.writer.lock(), &key)?;
        }
        let _ = self.key.set(key);
        Ok(())
    }

    fn key(&self) -> Result<&SealKey, StoreError> {
        self.key.get().ok_or(StoreError::Closed)
    }

    /// Starts the thread that tends the journal. It ends with the store.
    fn watch(sqlite: &Arc<Sqlite>) -> Result<(), StoreError> {
        let weak = Arc::downgrade(sqlite);
        let tend = move || {
            let mut failure = None;
            let mut looked = 0;
            while let Some(sqlite) = weak.upgrade() {
                let tends = match sqlite.wait() {
                    Waited::Over => return,
                    Waited::Due => true,
                    Waited::Soon => {
                        looked += 1;
                        looked % WATCHFUL == 0
                    }
                };
                let outcome = if tends { sqlite.tend() } else { sqlite.write_soon(&mut sqlite.ledger.lock()) }.err();
                // Once, not every second.
                if let Some(error) = &outcome
                    && outcome != failure
                {
                    tracing::error!(%error, "the audit's journal is not moved into the store");
                }
                if tends || outcome.is_some() {
                    failure = outcome;
                }
            }
        };
        std::thread::Builder::new()
            .name("tenantry-audit".to_owned())
            .spawn(tend)
            .map(drop)
            .map_err(|error| StoreError::Unavailable { why: error.kind().to_string() })
    }

    /// What the thread that tends the journal does until there is something to do.
    fn wait(&self) -> Waited {
        let mut thread = self.thread.lock();
        let is_watchful = thread.looks > 0;
        if !thread.is_due && !thread.is_over {
            self.woken.wait_for(&mut thread, if is_watchful { SOON } else { AT_LEAST_EVERY });
        }
        if thread.is_over {
            return Waited::Over;
        }
        if std::mem::take(&mut thread.is_due) || !is_watchful {
            return Waited::Due;
        }
        thread.looks -= 1;
        Waited::Soon
    }

    /// Sees to it that what waits is looked for.
    fn look_soon(&self) {
        let mut thread = self.thread.lock();
        if std::mem::replace(&mut thread.looks, WATCHFUL) == 0 {
            self.woken.notify_one();
        }
    }

    fn wake(&self) {
        self.thread.lock().is_due = true;
        self.woken.notify_one();
    }

    pub(crate) fn read<S>(&self, readings: Vec<Reading<S>>, mut state: S) -> Result<S, StoreError> {
        self.with_reader(|connection| read_all(connection, readings, &mut state))?;
        Ok(state)
    }

    /// Lends a connection that only reads; in memory, the writer's.
    fn with_reader<T>(&self, work: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let Some(path) = &self.path else {
            let writer = self.writer.lock();
            return work(&writer.connection);
        };
        let idle = self.readers.lock().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => {
                let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
                let connection = Connection::open_with_flags(path, flags).map_err(|error| sqlite_error(&error))?;
                prepare(&connection)?;
                connection
            }
        };
        let answer = work(&connection)?;
        let mut readers = self.readers.lock();
        if readers.len() < IDLE_READERS {
            readers.push(connection);
        }
        Ok(answer)
    }

    pub(crate) fn write(&self, sql: &'static str, params: &[Param]) -> Result<u64, StoreError> {
        let writer = self.writer.lock();
        let mut statement = writer.connection.prepare_cached(&numbered(sql)).map_err(|error| sqlite_error(&error))?;
        let params: Vec<&dyn ToSql> = params.iter().map(|param| param as &dyn ToSql).collect();
        let count = statement.execute(params.as_slice()).map_err(|error| sqlite_error(&error))?;
        Ok(count as u64)
    }
}

/// A store's hold on its database: when the last one is let go, the journal is brought to its end. A process
/// may also end without it; then the next one finds the journal.
#[derive(Clone)]
pub(crate) struct Held(Arc<Owner>);

struct Owner(Arc<Sqlite>);

impl Held {
    pub(crate) fn new(sqlite: Sqlite) -> Result<Held, StoreError> {
        let sqlite = Arc::new(sqlite);
        if sqlite.journal.is_some() {
            Sqlite::watch(&sqlite)?;
        }
        Ok(Held(Arc::new(Owner(sqlite))))
    }

    /// One whose journal nobody tends, so that a test does.
    #[cfg(test)]
    fn unwatched(sqlite: Sqlite) -> Held {
        Held(Arc::new(Owner(Arc::new(sqlite))))
    }

    /// For work on another thread.
    pub(crate) fn share(&self) -> Arc<Sqlite> {
        Arc::clone(&self.0.0)
    }
}

impl std::ops::Deref for Held {
    type Target = Sqlite;

    fn deref(&self) -> &Sqlite {
        &self.0.0
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.0.thread.lock().is_over = true;
        self.0.woken.notify_one();
        match self.0.finish() {
            // A store that was never unlocked has no journal.
            Ok(()) | Err(StoreError::Closed) => {}
            // Whoever reads or appends is told, and so is the log of who tends it.
            Err(error @ StoreError::Tampered { .. }) => tracing::debug!(%error, "the audit's journal stays as it is"),
            Err(error) => tracing::error!(%error, "the audit's journal stays as it is"),
        }
    }
}

impl Writer {
    /// Runs work in one transaction that writes: all of it or nothing. A `durable` one has reached the
    /// disk when this returns; the others have when the database was checkpointed.
    fn transaction<T>(
        &self,
        durable: bool,
        work: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let run = |sql: &str| {
            let ran = self.connection.prepare_cached(sql).and_then(|mut statement| statement.raw_execute());
            ran.map(drop).map_err(|error| sqlite_error(&error))
        };
        // Prepared anew each time: this one takes effect when it is prepared.
        let synchronous = |sql: &str| self.connection.execute_batch(sql).map_err(|error| sqlite_error(&error));
        if durable {
            synchronous("PRAGMA synchronous = FULL")?;
        }
        let outcome = run("BEGIN IMMEDIATE").and_then(|()| work(&self.connection)).and_then(|answer| {
            run("COMMIT")?;
            Ok(answer)
        });
        if outcome.is_err() && !self.connection.is_autocommit() {
            let _ = self.connection.execute_batch("ROLLBACK");
        }
        if durable {
            synchronous("PRAGMA synchronous = NORMAL")?;
        }
        outcome
    }
}

fn read_all<S>(connection: &Connection, readings: Vec<Reading<S>>, state: &mut S) -> Result<(), StoreError> {
    let failed = |error: rusqlite::Error| sqlite_error(&error);
    // Several readings see one snapshot; one statement is a snapshot by itself.
    let snapshot = readings.len() > 1;
    if snapshot {
        connection.execute_batch("BEGIN").map_err(failed)?;
    }
    let outcome = readings.into_iter().try_for_each(|reading| {
        let mut statement = connection.prepare_cached(&numbered(reading.sql)).map_err(failed)?;
        let params: Vec<&dyn ToSql> = reading.params.iter().map(|param| param as &dyn ToSql).collect();
        let mut rows = statement.query(params.as_slice()).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            if (reading.step)(state, &Row::Sqlite(row)) == ControlFlow::Break(()) {
                break;
            }
        }
        Ok(())
    });
    if snapshot {
        connection.execute_batch("ROLLBACK").map_err(failed)?;
    }
    outcome
}

/// What every connection is set to.
fn prepare(connection: &Connection) -> Result<(), StoreError> {
    connection.set_prepared_statement_cache_capacity(64);
    connection
        .busy_timeout(BUSY)
        .and_then(|()| {
            connection
                .execute_batch("PRAGMA trusted_schema = OFF; PRAGMA foreign_keys = ON; PRAGMA cache_size = -16000; PRAGMA temp_store = MEMORY;")
        })
        .map_err(|error| sqlite_error(&error))
}

/// SQLite counts `$1` as a name and numbers it by its first appearance; `?1` is a number on both ways.
fn numbered(sql: &str) -> String {
    sql.replace('$', "?")
}

pub(super) fn cell<'a>(row: &'a rusqlite::Row<'a>, place: usize) -> Cell<'a> {
    match row.get_ref(place) {
        Ok(ValueRef::Null) => Cell::Null,
        Ok(ValueRef::Integer(value)) => Cell::Int(value),
        Ok(ValueRef::Text(bytes)) => std::str::from_utf8(bytes).map_or(Cell::Foreign, Cell::Text),
        Ok(ValueRef::Blob(bytes)) => Cell::Bytes(bytes),
        Ok(ValueRef::Real(_)) | Err(_) => Cell::Foreign,
    }
}

impl ToSql for Cell<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Cell::Null | Cell::Foreign => ValueRef::Null,
            Cell::Int(value) => ValueRef::Integer(*value),
            Cell::Text(text) => ValueRef::Text(text.as_bytes()),
            Cell::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

impl ToSql for Param {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Param::Int(value) => value.map_or(ValueRef::Null, ValueRef::Integer),
            Param::Text(text) => text.as_ref().map_or(ValueRef::Null, |text| ValueRef::Text(text.as_bytes())),
            Param::Bytes(bytes) => ValueRef::Blob(bytes),
            Param::MaybeBytes(bytes) => bytes.as_ref().map_or(ValueRef::Null, |bytes| ValueRef::Blob(bytes)),
            Param::Texts(texts) => {
                let list = serde_json::to_string(texts)
                    .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
                return Ok(ToSqlOutput::Owned(rusqlite::types::Value::Text(list)));
            }
        }))
    }
}

/// SQLite's code and its fixed text, without what the statement held.
fn sqlite_error(error: &rusqlite::Error) -> StoreError {
    match error {
        rusqlite::Error::SqliteFailure(failure, _) => match failure.code {
            rusqlite::ErrorCode::DiskFull => StoreError::Full,
            rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked => StoreError::Busy,
            rusqlite::ErrorCode::CannotOpen
            | rusqlite::ErrorCode::SystemIoFailure
            | rusqlite::ErrorCode::DatabaseCorrupt
            | rusqlite::ErrorCode::NotADatabase => StoreError::Unavailable { why: failure.to_string() },
            _ => StoreError::Database { why: failure.to_string() },
        },
        rusqlite::Error::SqlInputError { error, .. } => StoreError::Database { why: error.to_string() },
        _ => StoreError::Database { why: "the driver refused a value".to_owned() },
    }
}
