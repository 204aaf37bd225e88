//! A pool of connections that never lends out a doubtful one.
//!
//! INVARIANT: a connection comes back only when its borrower called [`Lease::finish`], which it does
//! after the server acknowledged the end of the transaction. A dropped future, an error on the wire
//! or a forgotten transaction all leave the lease unfinished, and its drop closes the connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tenantry_policy::Clock;
use tenantry_tls::Address;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::failure::Failure;
use super::runtime::{self, Finding, Governed};
use super::session::Session;
use crate::Options;
use crate::error::{RunError, SourceError};

/// How long a connection is used. A new one finds a server that took over, and is checked anew.
const AGE: Duration = Duration::from_secs(30 * 60);

/// How long the questions about a role may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// The pool. Cheap to clone.
#[derive(Clone)]
pub(super) struct Pool {
    inner: Arc<Inner>,
}

struct Inner {
    address: Address,
    statements: usize,
    wait: Duration,
    clock: Arc<dyn Clock>,
    permits: Arc<Semaphore>,
    idle: Mutex<Vec<Session>>,
    /// Counts the times that connections were found to be out of date.
    epoch: AtomicU64,
    governed: Mutex<Arc<[Governed]>>,
    /// Why no connection may be lent now.
    distrust: Mutex<Option<String>>,
}

/// Why there is no connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NoLease {
    /// All are lent, and none came back in time.
    Exhausted,
    /// The role must not be used.
    Unsafe(String),
    /// The server does not take a new one.
    Failed(Failure),
}

impl From<Finding> for NoLease {
    fn from(finding: Finding) -> Self {
        match finding {
            Finding::Unsafe(reason) => NoLease::Unsafe(reason),
            Finding::Failed(failure) => NoLease::Failed(failure),
        }
    }
}

impl Inner {
    fn usable(&self, session: &Session) -> bool {
        !session.client.is_closed() && session.epoch == self.epoch.load(Ordering::SeqCst)
    }
}

impl From<NoLease> for RunError {
    fn from(none: NoLease) -> Self {
        match none {
            NoLease::Exhausted => RunError::Busy,
            NoLease::Unsafe(reason) => RunError::Unsafe(reason),
            NoLease::Failed(failure) => failure.into(),
        }
    }
}

impl From<NoLease> for SourceError {
    fn from(none: NoLease) -> Self {
        match none {
            NoLease::Exhausted => SourceError::Unavailable("all connections are in use".to_owned()),
            NoLease::Unsafe(reason) => SourceError::Unsafe(reason),
            NoLease::Failed(failure) => failure.into(),
        }
    }
}

impl Pool {
    pub(super) fn new(address: Address, options: &Options, clock: Arc<dyn Clock>) -> Pool {
        let permits = Arc::new(Semaphore::new(options.connections.clamp(1, Semaphore::MAX_PERMITS)));
        Pool {
            inner: Arc::new(Inner {
                address,
                statements: options.statements,
                wait: options.busy,
                clock,
                permits,
                idle: Mutex::new(Vec::new()),
                epoch: AtomicU64::new(0),
                governed: Mutex::new(Arc::from([])),
                distrust: Mutex::new(None),
            }),
        }
    }

    /// A connection, idle or new.
    ///
    /// # Errors
    /// [`NoLease`].
    pub(super) async fn lease(&self) -> Result<Lease, NoLease> {
        if let Some(reason) = self.inner.distrust.lock().clone() {
            return Err(NoLease::Unsafe(reason));
        }
        let acquire = Arc::clone(&self.inner.permits).acquire_owned();
        let permit = match tokio::time::timeout(self.inner.wait, acquire).await {
            Ok(Ok(permit)) => permit,
            Ok(Err(_)) | Err(_) => return Err(NoLease::Exhausted),
        };
        loop {
            let Some(session) = self.inner.idle.lock().pop() else { break };
            if self.inner.usable(&session) && self.inner.clock.monotonic() < session.expires {
                return Ok(Lease::new(session, Arc::clone(&self.inner), permit));
            }
        }
        let session = self.connect().await?;
        Ok(Lease::new(session, Arc::clone(&self.inner), permit))
    }

    async fn connect(&self) -> Result<Session, NoLease> {
        let session = self.open().await?;
        let governed = Arc::clone(&self.inner.governed.lock());
        runtime::check_session(&session.client).await?;
        runtime::check_role(&session.client, &governed).await?;
        Ok(session)
    }

    async fn open(&self) -> Result<Session, NoLease> {
        let inner = &self.inner;
        let mut session = Session::open(&inner.address, inner.statements).await.map_err(NoLease::Failed)?;
        session.epoch = inner.epoch.load(Ordering::SeqCst);
        session.expires = inner.clock.monotonic().saturating_add(AGE);
        Ok(session)
    }

    /// Names the tables that row security must govern from now on, if it does govern them.
    ///
    /// # Errors
    /// [`NoLease`]; nothing has changed then.
    pub(super) async fn govern(&self, tables: Arc<[Governed]>) -> Result<(), NoLease> {
        self.ask(&tables).await?;
        *self.inner.governed.lock() = tables;
        *self.inner.distrust.lock() = None;
        Ok(())
    }

    /// Asks again whether the role may be used. After a refusal no connection is lent until a later
    /// question is answered well.
    ///
    /// # Errors
    /// [`NoLease`].
    pub(super) async fn check(&self) -> Result<(), NoLease> {
        let tables = Arc::clone(&self.inner.governed.lock());
        let answer = self.ask(&tables).await;
        match &answer {
            Ok(()) => *self.inner.distrust.lock() = None,
            Err(NoLease::Unsafe(reason)) => {
                *self.inner.distrust.lock() = Some(reason.clone());
                self.inner.idle.lock().clear();
            }
            // Not being able to ask is no reason for trust or distrust: requests fail by themselves.
            Err(_) => {}
        }
        answer
    }

    async fn ask(&self, tables: &[Governed]) -> Result<(), NoLease> {
        let asked = tokio::time::timeout(PATIENCE, self.ask_for_long(tables)).await;
        asked.unwrap_or(Err(NoLease::Failed(Failure::Unavailable)))
    }

    async fn ask_for_long(&self, tables: &[Governed]) -> Result<(), NoLease> {
        // Not through `lease`: that lends nothing while the role is distrusted, and a pool that is
        // lent out must not keep the question waiting.
        let idle = self.inner.idle.lock().pop();
        let session = match idle {
            Some(session) if self.inner.usable(&session) => session,
            _ => {
                let session = self.open().await?;
                runtime::check_session(&session.client).await?;
                session
            }
        };
        runtime::check_role(&session.client, tables).await?;
        let mut idle = self.inner.idle.lock();
        if idle.len() < self.inner.permits.available_permits() {
            idle.push(session);
        }
        Ok(())
    }

    /// Tables have changed, or the server went: every connection made before now is closed, at once or
    /// when it comes back.
    pub(super) fn outdate(&self) {
        self.inner.epoch.fetch_add(1, Ordering::SeqCst);
        self.inner.idle.lock().clear();
    }

    /// How many connections wait to be lent.
    #[cfg(test)]
    pub(super) fn idle(&self) -> usize {
        self.inner.idle.lock().len()
    }
}

/// How far a call has come, for whoever gives it up.
#[derive(Debug, Default)]
pub(super) struct Progress(AtomicU8);

/// A place on a call's way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// It waits for a connection.
    Waiting = 0,
    /// It has one, and nothing can have been committed.
    Working = 1,
    /// The server may have been asked to commit.
    Committing = 2,
}

impl Progress {
    fn reach(&self, place: Place) {
        self.0.store(place as u8, Ordering::SeqCst);
    }

    /// Where it is.
    pub(super) fn place(&self) -> Place {
        match self.0.load(Ordering::SeqCst) {
            0 => Place::Waiting,
            1 => Place::Working,
            _ => Place::Committing,
        }
    }
}

/// A connection on loan.
pub(super) struct Lease {
    session: Option<Session>,
    pool: Arc<Inner>,
    progress: Option<Arc<Progress>>,
    /// Declared last so that it is given back last: until then the connection counts.
    _permit: OwnedSemaphorePermit,
}

impl Lease {
    fn new(session: Session, pool: Arc<Inner>, permit: OwnedSemaphorePermit) -> Lease {
        Lease { session: Some(session), pool, progress: None, _permit: permit }
    }

    /// The same, for a call that is watched: it works from now on.
    pub(super) fn watched(mut self, progress: &Arc<Progress>) -> Lease {
        progress.reach(Place::Working);
        self.progress = Some(Arc::clone(progress));
        self
    }

    /// The call asks for a commit from now on. Said before it is sent.
    pub(super) fn commits(&self) {
        if let Some(progress) = &self.progress {
            progress.reach(Place::Committing);
        }
    }

    /// The connection.
    ///
    /// # Errors
    /// Never while the lease lives; the type says so without a panic.
    pub(super) fn session(&mut self) -> Result<&mut Session, Failure> {
        self.session.as_mut().ok_or(Failure::Internal)
    }

    /// Gives the connection back. Only after the server acknowledged COMMIT or ROLLBACK.
    pub(super) fn finish(mut self) {
        let Some(session) = self.session.take() else { return };
        if self.pool.usable(&session) && self.pool.distrust.lock().is_none() {
            self.pool.idle.lock().push(session);
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(session) = self.session.take() {
            session.abandon();
        }
    }
}
