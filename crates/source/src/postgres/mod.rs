//! PostgreSQL: a pool of connections, each request one transaction sent in as few flushes as can be.

mod bind;
mod catalog;
mod database;
mod failure;
mod flush;
mod numeric;
mod pool;
mod read;
mod record;
mod replay;
mod runtime;
pub(crate) mod scratch;
mod session;
mod statements;
mod write;

pub mod admin;
pub mod cluster;

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tenantry_policy::Clock;
use tenantry_policy::catalog::Catalog;
use tenantry_sql::Program;
use tenantry_sql::program::{Level, Steps};
use tenantry_tls::Address;
use tokio_postgres::Client;

use self::failure::Failure;
use self::flush::Stop;
use self::pool::{Place, Pool, Progress};
use self::session::Session;
use crate::Options;
use crate::answer::{Answer, Redactor};
use crate::error::{RunError, SourceError};

/// How long the network may take on top of what the statements may.
const GRACE: Duration = Duration::from_secs(2);

/// How long reading a catalog may take.
const CATALOG: Duration = Duration::from_secs(60);

/// A PostgreSQL database behind its pool.
#[derive(Clone)]
pub(crate) struct Postgres {
    name: Arc<str>,
    pool: Pool,
}

impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Postgres").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Postgres {
    /// Opens the pool and looks at the server and the role.
    pub(crate) async fn open(
        name: Arc<str>,
        address: &Address,
        options: &Options,
        clock: Arc<dyn Clock>,
    ) -> Result<Postgres, SourceError> {
        let pool = Pool::new(address.clone(), options, clock);
        pool.check().await?;
        Ok(Postgres { name, pool })
    }

    /// The database's tables as the runtime role sees them.
    pub(crate) async fn catalog(&self) -> Result<Catalog, SourceError> {
        let mut lease = self.pool.lease().await?;
        let catalog = patiently(&lease.session()?.client).await?;
        lease.finish();
        Ok(catalog)
    }

    /// Asks again whether the role may be used.
    pub(crate) async fn health(&self) -> Result<(), SourceError> {
        Ok(self.pool.check().await?)
    }

    /// Names the tables, by schema and name, that row security must be forced on from now on.
    pub(crate) async fn govern(&self, tables: &[(Arc<str>, Arc<str>)]) -> Result<(), SourceError> {
        let tables = tables.iter().map(|(schema, name)| (schema.to_string(), name.to_string())).collect();
        Ok(self.pool.govern(tables).await?)
    }

    /// Runs a program in one transaction.
    pub(crate) async fn run(&self, program: Program, redactor: Redactor) -> Result<Answer, RunError> {
        // A statement has its own limit at the server; this one is for a server or a network that
        // does not answer at all. Dropping the work closes its connection.
        let limit = program.timeout.saturating_mul(flushes(&program.steps)).saturating_add(GRACE);
        let progress = Arc::new(Progress::default());
        if let Ok(answer) = tokio::time::timeout(limit, self.attempts(&program, &redactor, &progress)).await {
            return answer;
        }
        let place = progress.place();
        if place != Place::Waiting {
            // A server that is there ends a statement by itself. This one has fallen silent, and on the
            // other connections as well: let one call find that out, not one for each of them.
            self.pool.outdate();
        }
        Err(if place == Place::Committing { RunError::Uncertain } else { RunError::Timeout })
    }

    async fn attempts(
        &self,
        program: &Program,
        redactor: &Redactor,
        progress: &Arc<Progress>,
    ) -> Result<Answer, RunError> {
        let write = !matches!(program.steps, Steps::Read(_) | Steps::Aggregate(_));
        match self.attempt(program, redactor, progress).await {
            Err(Stop::Failed(failure)) if failure.passes(write) => {
                // An idle connection may have died unseen, a prepared statement may be older than its
                // table, and then the other connections are no better. Nothing was committed, so once
                // more, on a new one.
                if failure != Failure::Busy {
                    self.pool.outdate();
                }
                self.attempt(program, redactor, progress).await.map_err(told)
            }
            other => other.map_err(told),
        }
    }

    async fn attempt(&self, program: &Program, redactor: &Redactor, progress: &Arc<Progress>) -> Result<Answer, Stop> {
        let lease = self.pool.lease().await.map_err(RunError::from)?.watched(progress);
        match &program.steps {
            Steps::Read(level) => read::read(lease, program, level, redactor).await,
            Steps::Aggregate(groups) => read::aggregate(lease, program, groups, redactor).await,
            Steps::Create(insert) => write::create(&self.pool, lease, program, insert, redactor).await,
            Steps::Update(change) => write::update(&self.pool, lease, program, change, redactor).await,
            Steps::Delete(remove) => write::delete(lease, program, remove, redactor).await,
            _ => Err(Stop::Run(RunError::Internal("a program of an unknown kind".to_owned()))),
        }
    }
}

fn told(stop: Stop) -> RunError {
    match stop {
        Stop::Failed(failure) => failure.into(),
        Stop::Uncertain => RunError::Uncertain,
        Stop::Run(error) => error,
    }
}

/// How many flushes a call takes at most, for its time limit.
fn flushes(steps: &Steps) -> u32 {
    match steps {
        Steps::Read(level) => depth(level),
        _ => 2,
    }
}

fn depth(level: &Level) -> u32 {
    level.children.iter().map(|child| depth(&child.level)).max().map_or(1, |below| below.saturating_add(1))
}

/// Reads a catalog over a connection of its own, as whoever the URL names.
pub(crate) async fn read_catalog(address: &Address) -> Result<Catalog, SourceError> {
    let session = Session::open(address, 1).await?;
    patiently(&session.client).await
}

async fn patiently(client: &Client) -> Result<Catalog, SourceError> {
    match tokio::time::timeout(CATALOG, catalog::read(client)).await {
        Ok(catalog) => Ok(catalog?),
        Err(_) => Err(Failure::Timeout.into()),
    }
}
