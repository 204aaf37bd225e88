//! One connection, hardened: what it may never do is switched off, and all else goes through the fence.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::{OpenFlags, Statement};
use tenantry_policy::Clock;
use tenantry_sql::program::Touch;

use super::failure::Fault;
use super::fence::{Effect, Fence};
use crate::error::RunError;

/// How many of SQLite's instructions pass between two looks at the clock.
const INSTRUCTIONS: i32 = 1_000;

/// No limit.
const NEVER: u64 = u64::MAX;

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Reads only; the file is opened so that it cannot write.
    Reader,
    /// The one that writes.
    Writer,
}

/// How a connection is opened.
#[derive(Clone)]
pub(super) struct Opening {
    pub(super) path: PathBuf,
    pub(super) role: Role,
    /// How long to wait for another connection's lock.
    pub(super) busy: Duration,
    /// How many prepared statements to keep.
    pub(super) statements: usize,
    pub(super) clock: Arc<dyn Clock>,
}

/// An open connection.
pub(super) struct Connection {
    raw: rusqlite::Connection,
    fence: Fence,
    watch: Arc<Watch>,
    clock: Arc<dyn Clock>,
}

/// When the running statement must end. Written and read by one thread; atomics because the progress
/// handler must be `Send`.
#[derive(Debug)]
struct Watch {
    /// The clock's monotonic nanoseconds.
    until: AtomicU64,
    /// How many more looks at the clock before the work must move to another thread.
    looks: AtomicU64,
}

impl Opening {
    /// Opens the file, which must exist.
    pub(super) fn open(&self) -> rusqlite::Result<Connection> {
        let access = match self.role {
            Role::Reader => OpenFlags::SQLITE_OPEN_READ_ONLY,
            Role::Writer => OpenFlags::SQLITE_OPEN_READ_WRITE,
        };
        let raw = open_file(&self.path, access)?;
        raw.busy_timeout(self.busy)?;
        Connection::hardened(raw, self.role, self.statements, &self.clock, true)
    }
}

impl Connection {
    /// A database in memory, for one statement.
    pub(super) fn over(raw: rusqlite::Connection, clock: Arc<dyn Clock>) -> rusqlite::Result<Connection> {
        Connection::hardened(raw, Role::Writer, 4, &clock, false)
    }

    /// Switches off what a connection may never do, and puts up the fence. `file`: is it one's, whose mode is set?
    fn hardened(
        mut raw: rusqlite::Connection,
        role: Role,
        statements: usize,
        clock: &Arc<dyn Clock>,
        file: bool,
    ) -> rusqlite::Result<Connection> {
        for (setting, on) in [
            (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
            (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
            (DbConfig::SQLITE_DBCONFIG_WRITABLE_SCHEMA, false),
            (DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, true),
            (DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, true),
            (DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false),
            (DbConfig::SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER, false),
            // Plans must not depend on bound values: SQLite would prepare a statement anew when they
            // change, which the closed fence refuses.
            (DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true),
            // A plan must not depend on the parameters' values: a statement would be prepared again,
            // and refused, whenever they change.
            (DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true),
            // A misspelt column in double quotes is an error, not a text.
            (DbConfig::SQLITE_DBCONFIG_DQS_DML, false),
            (DbConfig::SQLITE_DBCONFIG_DQS_DDL, false),
        ] {
            raw.set_db_config(setting, on)?;
        }
        raw.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
        raw.set_limit(Limit::SQLITE_LIMIT_WORKER_THREADS, 0)?;
        match role {
            // Readers go on while a writer writes. The mode stays with the file.
            Role::Writer if file => {
                let mode: String = raw.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
                if !mode.eq_ignore_ascii_case("wal") {
                    tracing::warn!(mode, "the database does not take write-ahead logging; reads will wait for writes");
                }
            }
            Role::Writer => {}
            Role::Reader => raw.pragma_update(None, "query_only", true)?,
        }
        raw.set_prepared_statement_cache_capacity(statements);

        let watch = Arc::new(Watch { until: AtomicU64::new(NEVER), looks: AtomicU64::new(NEVER) });
        let seen = Arc::clone(&watch);
        let watching = Arc::clone(clock);
        raw.progress_handler(INSTRUCTIONS, Some(move || seen.ends(&*watching)))?;
        // Last: nothing of the above would pass the fence.
        let fence = Fence::default();
        fence.put_up(&mut raw)?;
        Ok(Connection { raw, fence, watch, clock: Arc::clone(clock) })
    }
}

/// Opens an existing file by its name, never as a URI.
pub(super) fn open_file(path: &Path, access: OpenFlags) -> rusqlite::Result<rusqlite::Connection> {
    // SQLite is built to take names that begin with `file:` for URIs; `./file:` is only a name.
    let path = if path.is_absolute() { path.to_owned() } else { Path::new(".").join(path) };
    rusqlite::Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)
}

impl Watch {
    /// Must the statement end now?
    fn ends(&self, clock: &dyn Clock) -> bool {
        let looks = self.looks.load(Ordering::Relaxed);
        if looks == 0 {
            return true;
        }
        if looks != NEVER {
            self.looks.store(looks - 1, Ordering::Relaxed);
        }
        nanos(clock.monotonic()) >= self.until.load(Ordering::Relaxed)
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(NEVER - 1)
}

impl Connection {
    /// Starts the time of the next statement.
    pub(super) fn start(&self, timeout: Duration) {
        self.watch.until.store(nanos(self.clock.monotonic().saturating_add(timeout)), Ordering::Relaxed);
    }

    /// Limits all further work to so many looks at the clock; `None` for no limit.
    pub(super) fn limit_work(&self, looks: Option<u64>) {
        self.watch.looks.store(looks.unwrap_or(NEVER), Ordering::Relaxed);
    }

    /// Did the limit of [`Connection::limit_work`] end the statement, rather than its time?
    pub(super) fn work_is_spent(&self) -> bool {
        self.watch.looks.load(Ordering::Relaxed) == 0
    }

    /// Runs `act` on the prepared statement of that text.
    ///
    /// `act` runs a second time, from the start, when the schema has changed since the statement was
    /// prepared; it has had no row by then.
    pub(super) fn with<T>(
        &self,
        sql: &str,
        touches: &[Touch],
        mut act: impl FnMut(&mut Statement<'_>) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        // Behind the closed fence only a statement from the cache comes through.
        match self.raw.prepare_cached(sql).map_err(Fault::from) {
            Ok(mut statement) => match act(&mut statement) {
                Err(fault) if fault.refused() => {
                    statement.discard();
                    // What was prepared before the change is no longer what was authorised.
                    self.raw.flush_prepared_statement_cache();
                }
                done => return done,
            },
            Err(fault) if fault.refused() => {}
            Err(fault) => return Err(fault),
        }
        // Another connection may have changed the schema: SQLite prepares by the one it knows, sees the
        // change when the statement begins to run, and is refused when it prepares anew. By then it
        // knows the change.
        let mut stale = true;
        loop {
            let effects = self.effects(touches);
            let mut statement = self.fence.for_statement(touches, effects, || self.raw.prepare_cached(sql))?;
            match act(&mut statement) {
                Err(fault) if stale && fault.refused() => {
                    stale = false;
                    statement.discard();
                    self.raw.flush_prepared_statement_cache();
                }
                done => return done,
            }
        }
    }

    /// What the schema makes the database do by itself when these tables are written: look up
    /// foreign keys, cascade, run triggers. SQLite is asked, by preparing (never running) a write of
    /// our own to each.
    fn effects(&self, touches: &[Touch]) -> Arc<[Effect]> {
        let mut effects = Vec::new();
        for touch in touches {
            let mut probes = Vec::new();
            let table = quoted(&touch.table);
            if touch.inserts {
                probes.push(["INSERT INTO main.", &table, " DEFAULT VALUES"].concat());
                // An insert of what a SELECT finds looks up more keys than one of a single row. Any
                // column will do; one that may not be written does not prepare.
                for column in &touch.reads {
                    probes.push(["INSERT INTO main.", &table, " (", &quoted(column), ") SELECT NULL WHERE 0"].concat());
                }
            }
            if touch.deletes {
                probes.push(["DELETE FROM main.", &table, " WHERE 0"].concat());
            }
            for column in &touch.updates {
                probes.push(["UPDATE main.", &table, " SET ", &quoted(column), " = NULL WHERE 0"].concat());
            }
            for probe in probes {
                let (prepared, asked) = self.fence.for_probe(|| self.raw.prepare(&probe).map(drop));
                if prepared.is_ok() {
                    effects.extend(asked);
                }
            }
        }
        Arc::from(effects)
    }

    /// Begins a transaction: with the write lock, or as a stable view for several reads.
    pub(super) fn begin(&self, role: Role) -> Result<(), Fault> {
        self.control(match role {
            Role::Writer => "BEGIN IMMEDIATE",
            Role::Reader => "BEGIN",
        })
    }

    /// Makes the transaction's changes last.
    pub(super) fn commit(&self) -> Result<(), Fault> {
        self.control("COMMIT")
    }

    /// Leaves no transaction open, whatever happened.
    ///
    /// # Errors
    /// When one stays open nevertheless: the connection must not be used again.
    pub(super) fn settle(&self) -> Result<(), Fault> {
        self.watch.until.store(NEVER, Ordering::Relaxed);
        self.limit_work(None);
        if !self.raw.is_autocommit() {
            self.control("ROLLBACK")?;
        }
        if self.raw.is_autocommit() {
            Ok(())
        } else {
            Err(Fault::Run(RunError::Internal("a transaction could not be ended".to_owned())))
        }
    }

    /// Is the thread there, and the connection free?
    pub(super) fn ping(&self) -> Result<(), Fault> {
        self.begin(Role::Reader)
    }

    fn control(&self, sql: &str) -> Result<(), Fault> {
        // Also the run stands under the grant: after a change of the schema SQLite prepares anew, and
        // asks again, when a cached statement runs.
        self.fence.for_transaction(|| self.raw.prepare_cached(sql)?.raw_execute())?;
        Ok(())
    }

    /// The driver's connection, for tests of the fence.
    #[cfg(test)]
    pub(super) fn raw(&self) -> &rusqlite::Connection {
        &self.raw
    }
}

/// A name in double quotes.
pub(super) fn quoted(name: &str) -> String {
    let mut text = String::with_capacity(name.len() + 2);
    text.push('"');
    for character in name.chars() {
        if character == '"' {
            text.push('"');
        }
        text.push(character);
    }
    text.push('"');
    text
}
