//! The tenant databases: the only room with drivers for tenant data.
//!
//! A [`Source`] runs [`Program`]s, which only the renderer can make and only from decided queries,
//! and reads catalogs. There is no other way in: no method takes SQL text.
//!
//! Both databases share the facade here, the shape of an answer ([`answer`]) and the writing of
//! JSON ([`emit`]); all else is behind `sqlite` and `postgres`.

use std::sync::Arc;
use std::time::Duration;

use tenantry_policy::Clock;
use tenantry_policy::catalog::{Catalog, Dialect};
use tenantry_sql::Program;

pub mod answer;
mod emit;
mod error;
mod include;
mod postgres;
pub mod rehearsal;
mod sqlite;
mod stored;
mod url;

pub use postgres::{admin, cluster};

pub use answer::{Answer, ChangeRecord, Redactor};
pub use error::{Constraint, RunError, SourceError};
pub use stored::{InUse, Misfit};
pub use url::SourceUrl;

/// How a source is opened.
#[derive(Debug, Clone)]
pub struct Options {
    /// SQLite: how many threads read. `None` means as many as the machine has cores, at most 4.
    pub readers: Option<usize>,
    /// PostgreSQL: how many connections the pool may hold.
    pub connections: usize,
    /// How long a write waits for another writer (SQLite), or a request for a connection (PostgreSQL).
    pub busy: Duration,
    /// How many prepared statements each connection keeps.
    pub statements: usize,
}

impl Default for Options {
    fn default() -> Self {
        Options { readers: None, connections: 16, busy: Duration::from_secs(5), statements: 256 }
    }
}

/// A tenant database, open.
///
/// Cheap to clone; the connections close when the last clone goes. The one way to its rows is a
/// [`Program`], which only `tenantry_sql::render` makes, and only from what was decided:
///
/// ```no_run
/// # use tenantry_source::{Redactor, Source};
/// # async fn run(source: Source, redactor: Redactor, program: tenantry_sql::Program) {
/// let answer = source.run(program, redactor).await;
/// # }
/// ```
///
/// A statement that somebody wrote does not compile:
///
/// ```compile_fail
/// # use tenantry_source::{Redactor, Source};
/// # async fn run(source: Source, redactor: Redactor) {
/// let answer = source.run("SELECT 1", redactor).await;
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Source {
    name: Arc<str>,
    backend: Backend,
}

#[derive(Debug, Clone)]
enum Backend {
    Sqlite(sqlite::Sqlite),
    Postgres(postgres::Postgres),
}

impl Source {
    /// Opens the database that `url` names; `name` is the source's key in the file.
    ///
    /// A SQLite file must exist already. PostgreSQL: the role is checked on every new connection and
    /// refused with [`SourceError::Unsafe`] when it has power that the runtime role must not have.
    ///
    /// # Errors
    /// [`SourceError`] when the database cannot be reached or must not be used.
    pub async fn open(
        name: &str,
        url: &SourceUrl,
        options: Options,
        clock: Arc<dyn Clock>,
    ) -> Result<Source, SourceError> {
        let name: Arc<str> = Arc::from(name);
        let backend = match url.target() {
            url::Target::Sqlite(path) => {
                Backend::Sqlite(sqlite::Sqlite::open(Arc::clone(&name), path, &options, clock).await?)
            }
            url::Target::Postgres(address) => {
                Backend::Postgres(postgres::Postgres::open(Arc::clone(&name), address, &options, clock).await?)
            }
        };
        Ok(Source { name, backend })
    }

    /// The source's key in the file.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its kind.
    #[must_use]
    pub fn dialect(&self) -> Dialect {
        match self.backend {
            Backend::Sqlite(_) => Dialect::Sqlite,
            Backend::Postgres(_) => Dialect::Postgres,
        }
    }

    /// What the database says about its tables, as the runtime role sees them.
    ///
    /// # Errors
    /// [`SourceError`] when it cannot be read.
    pub async fn catalog(&self) -> Result<Catalog, SourceError> {
        match &self.backend {
            Backend::Sqlite(sqlite) => sqlite.catalog().await,
            Backend::Postgres(postgres) => postgres.catalog().await,
        }
    }

    /// Runs a program: all of it, or none of it.
    ///
    /// When the returned future is dropped, a read is given up; a write that was already handed to
    /// the database either completes or is rolled back as a whole, and the next caller's connection
    /// never holds anything of it.
    ///
    /// # Errors
    /// [`RunError`]; nothing has changed then, except perhaps after [`RunError::Uncertain`].
    pub async fn run(&self, program: Program, redactor: Redactor) -> Result<Answer, RunError> {
        match &self.backend {
            Backend::Sqlite(sqlite) => sqlite.run(program, redactor).await,
            Backend::Postgres(postgres) => postgres.run(program, redactor).await,
        }
    }

    /// Does the database answer, and is it still safe to use?
    ///
    /// # Errors
    /// [`SourceError`] when it does not, or when the runtime role gained power that it must not have.
    pub async fn health(&self) -> Result<(), SourceError> {
        match &self.backend {
            Backend::Sqlite(sqlite) => sqlite.health().await,
            Backend::Postgres(postgres) => postgres.health().await,
        }
    }

    /// Names the tables, by schema and name, that the database's own fence must stand around from now
    /// on: row security enabled and forced, and the runtime role neither their owner nor above it.
    /// [`Source::health`] and every new connection ask for all of them again. SQLite has no such
    /// fence, and answers at once.
    ///
    /// # Errors
    /// [`SourceError::Unsafe`] when one is not fenced; the tables named before stay named then.
    pub async fn check_runtime(&self, tables: &[(Arc<str>, Arc<str>)]) -> Result<(), SourceError> {
        match &self.backend {
            Backend::Sqlite(_) => Ok(()),
            Backend::Postgres(postgres) => postgres.govern(tables).await,
        }
    }

    /// Checks that what is stored fits the declared types, for the columns that a policy uses.
    /// SQLite's tables that are not STRICT hold any value in any column, and conditions are typed.
    /// Reads each such table once. PostgreSQL needs no check and answers at once.
    ///
    /// # Errors
    /// [`SourceError`] when the check itself fails; misfits are the answer, not an error.
    pub async fn verify_stored_types(&self, in_use: Vec<InUse>) -> Result<Vec<Misfit>, SourceError> {
        match &self.backend {
            Backend::Sqlite(sqlite) => sqlite.verify_stored_types(in_use).await,
            Backend::Postgres(_) => Ok(Vec::new()),
        }
    }
}

/// Reads a catalog over a connection of its own; for an owner's or administrator's URL, which the
/// runtime never uses.
///
/// # Errors
/// [`SourceError`] when the database cannot be reached or read.
pub async fn read_catalog(url: &SourceUrl) -> Result<Catalog, SourceError> {
    match url.target() {
        url::Target::Sqlite(path) => sqlite::read_catalog(path).await,
        url::Target::Postgres(address) => postgres::read_catalog(address).await,
    }
}
