//! The store on SQLite: one writing connection with shared commits, and connections that read.

mod change;

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, Connection, OpenFlags, ToSql};

use super::{Cell, Param, Reading, Row};
use crate::audit::chain::{self, Encoder, Roster, SealKey, Tail};
use crate::audit::sql;
use crate::keys::{create_folder, private_file};
use crate::{Entry, Hash, Receipt, StoreError};

/// How long to wait for another process's transaction.
const BUSY: Duration = Duration::from_secs(5);

/// The most entries in one commit.
const MAX_BATCH: usize = 256;

/// How long an entry that nobody waits for may stay uncommitted.
const LATER: Duration = Duration::from_millis(5);

/// How many idle reading connections are kept.
const IDLE_READERS: usize = 4;

/// The store on SQLite.
///
/// Appending is a group commit without a thread of its own. Each caller puts its entry in `queue`.
/// The first one leads: it commits all that is queued, its own entry included, in one transaction,
/// tells the others, and hands the lead to the first of those who came meanwhile. A lone caller so
/// pays for no change of threads, and many share commits.
///
/// An entry that may come a little later ([`Sqlite::append_later`]) rides on the next commit, or on
/// that of a thread which looks for left-over ones.
pub(crate) struct Sqlite {
    /// `None` in memory, where the writer also reads.
    path: Option<PathBuf>,
    queue: Mutex<Queue>,
    /// Told when the first entry without a waiting caller comes in.
    left_over: Condvar,
    /// Told when nobody leads any more.
    settled: Condvar,
    writer: Mutex<Writer>,
    readers: Mutex<Vec<Connection>>,
}

struct Writer {
    connection: Connection,
    key: Option<SealKey>,
    encoder: Encoder,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Job>,
    /// INVARIANT: somebody leads, or will as soon as it wakes, whenever anybody waits.
    is_led: bool,
}

/// An entry to commit, and the caller that waits for it, if one does.
struct Job {
    entry: Entry,
    caller: Option<Arc<Slot>>,
}

/// Where a caller waits for its answer.
#[derive(Default)]
struct Slot {
    news: Mutex<Option<News>>,
    arrived: Condvar,
}

enum News {
    /// The entry was committed, or not, by another caller.
    Answer(Result<Receipt, StoreError>),
    /// The entry is the first in the queue and its caller leads.
    Lead,
}

impl Slot {
    fn tell(&self, news: News) {
        *self.news.lock() = Some(news);
        self.arrived.notify_one();
    }

    fn wait(&self) -> News {
        let mut news = self.news.lock();
        loop {
            match news.take() {
                Some(news) => return news,
                None => self.arrived.wait(&mut news),
            }
        }
    }
}

impl Sqlite {
    pub(crate) fn open(path: Option<&Path>) -> Result<Sqlite, StoreError> {
        let mut connection = match path {
            Some(path) => {
                if let Some(folder) = path.parent() {
                    create_folder(folder)?;
                }
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
        // outlives the process. Each checkpoint flushes to the disk. An append touches four or five
        // pages and each goes to the log whole, so small pages make it cheaper (measured: 2048 costs
        // a seventh less than 4096; with 1024 ordinary entries no longer fit a page).
        connection
            .execute_batch(
                "PRAGMA page_size = 2048; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; \
                PRAGMA wal_autocheckpoint = 8000;",
            )
            .map_err(|error| sqlite_error(&error))?;
        super::runner()?.run(&mut connection).map_err(|error| super::migration_error(&error))?;
        Ok(Sqlite {
            path: path.map(Path::to_path_buf),
            queue: Mutex::new(Queue::default()),
            left_over: Condvar::new(),
            settled: Condvar::new(),
            writer: Mutex::new(Writer { connection, key: None, encoder: Encoder::new() }),
            readers: Mutex::new(Vec::new()),
        })
    }

    pub(crate) fn unlock(&self, key: SealKey) {
        self.writer.lock().key = Some(key);
    }

    /// Starts the thread that commits entries which nobody waits for. It ends with the store.
    pub(crate) fn watch(sqlite: &Arc<Sqlite>) -> Result<(), StoreError> {
        let weak = Arc::downgrade(sqlite);
        std::thread::Builder::new()
            .name("tenantry-audit".to_owned())
            .spawn(move || {
                while let Some(sqlite) = weak.upgrade() {
                    sqlite.sweep();
                }
            })
            .map(drop)
            .map_err(|error| StoreError::Unavailable { why: error.kind().to_string() })
    }

    /// One round of that thread.
    fn sweep(&self) {
        let mut queue = self.queue.lock();
        if queue.waiting.is_empty() {
            // Woken by the first entry, or after a while to see whether the store is still used.
            self.left_over.wait_for(&mut queue, Duration::from_secs(1));
            if queue.waiting.is_empty() {
                return;
            }
        }
        // Others may come and take the entries along meanwhile.
        self.left_over.wait_for(&mut queue, LATER);
        drop(queue);
        self.flush();
    }

    /// Commits what is queued, unless somebody is about to.
    fn flush(&self) {
        let leads = {
            let mut queue = self.queue.lock();
            !queue.waiting.is_empty() && !std::mem::replace(&mut queue.is_led, true)
        };
        if leads {
            self.lead(None);
        }
    }

    /// Commits what is queued, or waits for who is at it; under constant load not for ever, since then
    /// what was queued at the beginning is long committed.
    fn settle(&self) {
        for _ in 0..4 {
            self.flush();
            let mut queue = self.queue.lock();
            if !queue.is_led && queue.waiting.is_empty() {
                return;
            }
            self.settled.wait_for(&mut queue, LATER * 4);
        }
    }

    pub(crate) fn append(&self, entry: Entry) -> Result<Receipt, StoreError> {
        let slot = Arc::new(Slot::default());
        let leads = {
            let mut queue = self.queue.lock();
            queue.waiting.push_back(Job { entry, caller: Some(Arc::clone(&slot)) });
            !std::mem::replace(&mut queue.is_led, true)
        };
        if !leads {
            match slot.wait() {
                News::Answer(answer) => return answer,
                News::Lead => {}
            }
        }
        self.lead(Some(&slot)).unwrap_or(Err(StoreError::Closed))
    }

    /// Queues an entry that nobody waits for. When too many wait, it is committed here and now.
    pub(crate) fn append_later(&self, entry: Entry) {
        let (first, full) = {
            let mut queue = self.queue.lock();
            queue.waiting.push_back(Job { entry, caller: None });
            (queue.waiting.len() == 1, queue.waiting.len() >= MAX_BATCH)
        };
        if full {
            self.flush();
        } else if first {
            self.left_over.notify_one();
        }
    }

    /// Commits a batch as the one who leads; answers the own entry's receipt when it was in it.
    fn lead(&self, own: Option<&Arc<Slot>>) -> Option<Result<Receipt, StoreError>> {
        let mut answer = None;
        loop {
            let batch: Vec<Job> = {
                let mut queue = self.queue.lock();
                let count = queue.waiting.len().min(MAX_BATCH);
                queue.waiting.drain(..count).collect()
            };
            let answers = self.writer.lock().commit(&batch);
            for (job, receipt) in batch.iter().zip(answers) {
                match (&job.caller, own) {
                    (Some(caller), Some(own)) if Arc::ptr_eq(caller, own) => answer = Some(receipt),
                    (Some(caller), _) => caller.tell(News::Answer(receipt)),
                    (None, _) => {
                        if let Err(error) = receipt {
                            tracing::error!(entry = %job.entry.id, %error, "an act's end is not on record");
                        }
                    }
                }
            }
            // Behind many entries of others, the own one may need another round.
            if own.is_some() && answer.is_none() && !batch.is_empty() {
                continue;
            }
            // The next leader last, so that those who were told can put their next entries in its batch.
            let mut queue = self.queue.lock();
            match queue.waiting.iter().find_map(|job| job.caller.as_ref()) {
                Some(next) => next.tell(News::Lead),
                // What is left, if anything, has no caller and may wait.
                None => {
                    queue.is_led = false;
                    self.settled.notify_all();
                }
            }
            break;
        }
        answer
    }

    pub(crate) fn read<S>(&self, readings: Vec<Reading<S>>, mut state: S) -> Result<S, StoreError> {
        // What was appended before is seen, also what nobody waited for.
        self.settle();
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

/// A store's hold on its database: when it is let go, nothing is left uncommitted. (The watching thread
/// may hold the database a moment longer, and a process may end without it.)
#[derive(Clone)]
pub(crate) struct Held(Arc<Sqlite>);

impl Held {
    pub(crate) fn new(sqlite: Sqlite) -> Result<Held, StoreError> {
        let sqlite = Arc::new(sqlite);
        Sqlite::watch(&sqlite)?;
        Ok(Held(sqlite))
    }

    /// For work on another thread.
    pub(crate) fn share(&self) -> Arc<Sqlite> {
        Arc::clone(&self.0)
    }
}

impl std::ops::Deref for Held {
    type Target = Sqlite;

    fn deref(&self) -> &Sqlite {
        &self.0
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.settle();
    }
}

impl Writer {
    /// Commits a batch; one answer per entry. When the commit fails, nothing of it is kept and all
    /// get the same error.
    fn commit(&mut self, batch: &[Job]) -> Vec<Result<Receipt, StoreError>> {
        let Some(key) = &self.key else {
            return batch.iter().map(|_| Err(StoreError::Closed)).collect();
        };
        match commit(&self.connection, key, &mut self.encoder, batch) {
            Ok(answers) => answers,
            Err(error) => {
                if !self.connection.is_autocommit() {
                    let _ = self.connection.execute_batch("ROLLBACK");
                }
                batch.iter().map(|_| Err(error.clone())).collect()
            }
        }
    }
}

/// A chain that this batch extends; `Err` when somebody changed its head from outside.
struct Open<'a> {
    account: &'a str,
    tail: Result<Tail, StoreError>,
    is_new: bool,
}

fn commit(
    connection: &Connection,
    key: &SealKey,
    encoder: &mut Encoder,
    batch: &[Job],
) -> Result<Vec<Result<Receipt, StoreError>>, StoreError> {
    let failed = |error: rusqlite::Error| sqlite_error(&error);
    let run =
        |sql: &str| connection.prepare_cached(sql).and_then(|mut statement| statement.raw_execute()).map_err(failed);
    run("BEGIN IMMEDIATE")?;
    let mut chains: Vec<Open<'_>> = Vec::new();
    let mut answers = Vec::with_capacity(batch.len());
    {
        let mut insert = connection.prepare_cached(sql::ENTRY_INSERT).map_err(failed)?;
        for Job { entry, .. } in batch {
            let place = match chains.iter().position(|chain| chain.account == entry.account) {
                Some(place) => place,
                None => {
                    chains.push(open_chain(connection, key, &entry.account)?);
                    chains.len() - 1
                }
            };
            let Some(chain) = chains.get_mut(place) else { continue };
            let tail = match &mut chain.tail {
                Ok(tail) => tail,
                Err(error) => {
                    answers.push(Err(error.clone()));
                    continue;
                }
            };
            let reasons = chain::reasons_text(&entry.reasons);
            let (receipt, cells) = tail.extend(encoder, entry, reasons.as_deref());
            for (place, cell) in cells.iter().enumerate() {
                insert.raw_bind_parameter(place + 1, cell).map_err(failed)?;
            }
            insert.raw_bind_parameter(cells.len() + 1, receipt.hash.0.as_slice()).map_err(failed)?;
            insert.raw_execute().map_err(failed)?;
            answers.push(Ok(receipt));
        }
    }
    for chain in &chains {
        if let Ok(tail) = &chain.tail {
            let (hash, seal) = (tail.hash.0.as_slice(), key.seal_head(chain.account, tail));
            let seal = seal.as_slice();
            if chain.is_new {
                let mut put = connection.prepare_cached(sql::HEAD_INSERT).map_err(failed)?;
                put.execute((chain.account, tail.ordinal, tail.seq, hash, seal)).map_err(failed)?;
            } else {
                let mut put = connection.prepare_cached(sql::HEAD_UPDATE).map_err(failed)?;
                put.execute((tail.seq, hash, seal, chain.account)).map_err(failed)?;
            }
        }
    }
    run("COMMIT")?;
    Ok(answers)
}

/// Reads the head of a chain, or adds the account to the roster.
fn open_chain<'a>(connection: &Connection, key: &SealKey, account: &'a str) -> Result<Open<'a>, StoreError> {
    let failed = |error: rusqlite::Error| sqlite_error(&error);
    let changed = |what, why| Err(StoreError::Tampered { what, why });
    let mut head: CachedStatement<'_> = connection.prepare_cached(sql::HEAD).map_err(failed)?;
    let mut rows = head.query([account]).map_err(failed)?;
    if let Some(row) = rows.next().map_err(failed)? {
        let row = Row::Sqlite(row);
        // INVARIANT: a head is extended only when its seal fits. Otherwise the next commit would seal
        // what somebody else had put there.
        let tail = match (row.int(0), row.array(1), row.int(2), row.bytes(3)) {
            (Some(seq), Some(hash), Some(ordinal), Some(seal)) => {
                let tail = Tail { ordinal, seq, hash: Hash(hash) };
                if key.head_fits(account, &tail, &seal) {
                    Ok(tail)
                } else {
                    changed("an audit chain's head", "its seal does not fit")
                }
            }
            _ => changed("an audit chain's head", "it is not of the right shape"),
        };
        return Ok(Open { account, tail, is_new: false });
    }
    drop(rows);
    let mut statement = connection.prepare_cached(sql::ROSTER).map_err(failed)?;
    let mut rows = statement.query([]).map_err(failed)?;
    let mut roster = match rows.next().map_err(failed)? {
        None => Roster::EMPTY,
        Some(row) => {
            let row = Row::Sqlite(row);
            let found = match (row.int(0), row.array(1), row.bytes(2)) {
                (Some(accounts), Some(hash), Some(seal)) => {
                    let roster = Roster { accounts, hash: Hash(hash) };
                    key.roster_fits(&roster, &seal).then_some(roster)
                }
                _ => None,
            };
            match found {
                Some(roster) => roster,
                None => {
                    let tail = changed("the audit's roster", "its seal does not fit");
                    return Ok(Open { account, tail, is_new: true });
                }
            }
        }
    };
    drop(rows);
    let ordinal = roster.add(account);
    let mut put = connection.prepare_cached(sql::ROSTER_PUT).map_err(failed)?;
    let seal = key.seal_roster(&roster);
    put.execute((roster.accounts, roster.hash.0.as_slice(), seal.as_slice())).map_err(failed)?;
    Ok(Open { account, tail: Ok(Tail::empty(ordinal)), is_new: true })
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
                .execute_batch("PRAGMA trusted_schema = OFF; PRAGMA foreign_keys = ON; PRAGMA cache_size = -16000;")
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
