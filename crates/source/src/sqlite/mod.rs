//! SQLite: reader threads, one writer thread, and what makes them safe.
//!
//! Every connection belongs to one thread at a time and stands behind the [`fence`]. A small read
//! runs where it is asked for, on a spare connection and with a bound on its work: handing a lookup
//! of a few microseconds to another thread costs more than the lookup. What passes that bound, and
//! all that writes, goes to a thread of our own, so that no slow statement holds up the caller's.

use std::path::Path;
use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, TrySendError};
use parking_lot::Mutex;
use tenantry_policy::Clock;
use tenantry_policy::catalog::Catalog;
use tenantry_sql::Program;
use tenantry_sql::program::Steps;
use tokio::sync::oneshot;

use self::connection::{Connection, Opening, Role};
use self::failure::{Fault, source_error};
use self::read::Desk;
use crate::Options;
use crate::answer::{Answer, Redactor};
use crate::error::{RunError, SourceError};
use crate::stored::{InUse, Misfit};

mod bind;
mod catalog;
mod connection;
mod failure;
mod fence;
pub(crate) mod memory;
mod read;
mod record;
#[cfg(test)]
mod tests;
mod verify;
mod write;

/// How many jobs may wait for a thread; more are refused as [`RunError::Busy`].
const QUEUE: usize = 4_096;

/// How much a read may do on the caller's own thread: looks at the clock, each a thousand of
/// SQLite's instructions. About a millisecond.
const SMALL: u64 = 40;

/// A SQLite file, open.
#[derive(Clone)]
pub(crate) struct Sqlite(Arc<Shared>);

struct Shared {
    name: Arc<str>,
    opening: Opening,
    reads: Sender<Job>,
    writes: Sender<Job>,
    /// Connections for small reads.
    spare: Mutex<Vec<Connection>>,
}

/// Work for a thread.
struct Job {
    work: Work,
    reply: oneshot::Sender<Result<Answer, RunError>>,
}

/// What is done with the thread's connection, which is settled afterwards.
type Work = Box<dyn FnOnce(&Connection) -> Result<Answer, Fault> + Send>;

impl std::fmt::Debug for Sqlite {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Sqlite").field(&self.0.name).finish()
    }
}

impl Sqlite {
    pub(crate) async fn open(
        name: Arc<str>,
        path: &Path,
        options: &Options,
        clock: Arc<dyn Clock>,
    ) -> Result<Sqlite, SourceError> {
        let readers = options
            .readers
            .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from).min(4))
            .max(1);
        let opening = Opening {
            path: path.to_owned(),
            role: Role::Reader,
            busy: options.busy,
            statements: options.statements,
            clock,
        };
        let started = tokio::task::spawn_blocking(move || Sqlite::start(name, opening, readers)).await;
        started.map_err(|_| SourceError::Internal("the thread that opens the database ended".to_owned()))?
    }

    fn start(name: Arc<str>, opening: Opening, readers: usize) -> Result<Sqlite, SourceError> {
        let (reads, read_jobs) = crossbeam_channel::bounded(QUEUE);
        let (writes, write_jobs) = crossbeam_channel::bounded(QUEUE);
        // The writer first: it sets the file's mode, and recovers it after a crash.
        let writer = Opening { role: Role::Writer, ..opening.clone() };
        spawn(&name, writer, write_jobs)?;
        let mut spare = Vec::with_capacity(readers);
        for _ in 0..readers {
            spawn(&name, opening.clone(), read_jobs.clone())?;
            spare.push(small(&opening).open().map_err(source_error)?);
        }
        Ok(Sqlite(Arc::new(Shared { name, opening, reads, writes, spare: Mutex::new(spare) })))
    }

    pub(crate) async fn run(&self, program: Program, redactor: Redactor) -> Result<Answer, RunError> {
        let reads = matches!(program.steps, Steps::Read(_) | Steps::Aggregate(_));
        if reads && let Some(done) = self.here(|connection| perform(connection, &program, &redactor)) {
            return done;
        }
        let work: Work = Box::new(move |connection| perform(connection, &program, &redactor));
        self.send(if reads { &self.0.reads } else { &self.0.writes }, work).await
    }

    /// Runs a read on a spare connection; `None` when there is none or the read is not small.
    fn here(&self, work: impl FnOnce(&Connection) -> Result<Answer, Fault>) -> Option<Result<Answer, RunError>> {
        let connection = self.0.spare.lock().pop()?;
        connection.limit_work(Some(SMALL));
        let result = work(&connection);
        let unfinished = match &result {
            Err(fault) => fault.busy() || (fault.interrupted() && connection.work_is_spent()),
            Ok(_) => false,
        };
        match connection.settle() {
            Ok(()) => self.0.spare.lock().push(connection),
            Err(_) => {
                drop(connection);
                if let Ok(fresh) = small(&self.0.opening).open() {
                    self.0.spare.lock().push(fresh);
                }
            }
        }
        (!unfinished).then(|| result.map_err(Fault::run_error))
    }

    async fn send(&self, to: &Sender<Job>, work: Work) -> Result<Answer, RunError> {
        let (reply, answer) = oneshot::channel();
        to.try_send(Job { work, reply }).map_err(|error| match error {
            TrySendError::Full(_) => RunError::Busy,
            TrySendError::Disconnected(_) => RunError::Unavailable("the database's threads have ended".to_owned()),
        })?;
        answer.await.map_err(|_| RunError::Unavailable("the database's thread ended".to_owned()))?
    }

    pub(crate) async fn health(&self) -> Result<(), SourceError> {
        for channel in [&self.0.reads, &self.0.writes] {
            let ping: Work = Box::new(|connection| connection.ping().map(|()| Answer::default()));
            self.send(channel, ping).await.map_err(|error| SourceError::Unavailable(error.to_string()))?;
        }
        let path = self.0.opening.path.clone();
        blocking(move || catalog::answers(&path)).await
    }

    pub(crate) async fn catalog(&self) -> Result<Catalog, SourceError> {
        read_catalog(&self.0.opening.path).await
    }

    pub(crate) async fn verify_stored_types(&self, in_use: Vec<InUse>) -> Result<Vec<Misfit>, SourceError> {
        let path = self.0.opening.path.clone();
        blocking(move || verify::misfits(&path, &in_use)).await
    }
}

/// Reads the catalog over a connection of its own, which can only read.
pub(crate) async fn read_catalog(path: &Path) -> Result<Catalog, SourceError> {
    let path = path.to_owned();
    blocking(move || catalog::read(&path)).await
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> rusqlite::Result<T> + Send + 'static,
) -> Result<T, SourceError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result.map_err(source_error),
        Err(_) => Err(SourceError::Internal("the thread that reads the database ended".to_owned())),
    }
}

/// A connection for small reads: it waits for no lock.
fn small(opening: &Opening) -> Opening {
    Opening { busy: std::time::Duration::ZERO, ..opening.clone() }
}

/// Opens a connection and starts its thread, which ends with the last sender of its jobs.
fn spawn(name: &str, opening: Opening, jobs: Receiver<Job>) -> Result<(), SourceError> {
    let connection = opening.open().map_err(source_error)?;
    let kind = if opening.role == Role::Writer { "writer" } else { "reader" };
    std::thread::Builder::new()
        .name([name, "-", kind].concat())
        .spawn(move || serve(connection, &opening, &jobs))
        .map(drop)
        .map_err(|error| SourceError::Unavailable(error.to_string()))
}

/// Does jobs until there will be no more.
fn serve(connection: Connection, opening: &Opening, jobs: &Receiver<Job>) {
    let mut connection = Some(connection);
    for Job { work, reply } in jobs {
        // Nobody waits any more: what has not begun does not begin.
        if reply.is_closed() {
            continue;
        }
        let current = match connection.take() {
            Some(current) => Ok(current),
            None => opening.open(),
        };
        let result = match current {
            Ok(current) => {
                let result = work(&current);
                // INVARIANT: nothing of one call is left for the next; a connection of which that is
                // not certain is closed.
                match current.settle() {
                    Ok(()) => connection = Some(current),
                    Err(fault) => tracing::warn!(?fault, "a connection is replaced"),
                }
                result
            }
            Err(error) => Err(Fault::from(error)),
        };
        let _ = reply.send(result.map_err(Fault::run_error));
    }
}

/// Runs a program's steps. The caller settles the connection afterwards.
fn perform(connection: &Connection, program: &Program, redactor: &Redactor) -> Result<Answer, Fault> {
    let desk = Desk { connection, redactor, timeout: program.timeout, max_bytes: program.max_bytes };
    match &program.steps {
        Steps::Read(level) => desk.read(level),
        Steps::Aggregate(groups) => desk.aggregate(groups),
        Steps::Create(insert) => desk.insert(insert),
        Steps::Update(change) => desk.change(change),
        Steps::Delete(remove) => desk.remove(remove),
        _ => Err(RunError::Internal("a step that SQLite does not know".to_owned()).into()),
    }
}
