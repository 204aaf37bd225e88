//! PostgreSQL: the signatures that the facade in lib.rs calls.
use std::sync::Arc;

use tenantry_policy::Clock;
use tenantry_policy::catalog::Catalog;
use tenantry_sql::Program;

use crate::Options;
use crate::answer::{Answer, Redactor};
use crate::error::{RunError, SourceError};

#[derive(Debug, Clone)]
pub(crate) struct Postgres;

impl Postgres {
    pub(crate) async fn open(
        _: Arc<str>,
        _: &tokio_postgres::Config,
        _: &Options,
        _: Arc<dyn Clock>,
    ) -> Result<Postgres, SourceError> {
        Ok(Postgres)
    }
    pub(crate) async fn catalog(&self) -> Result<Catalog, SourceError> {
        Err(SourceError::Internal("not yet".into()))
    }
    pub(crate) async fn run(&self, _: Program, _: Redactor) -> Result<Answer, RunError> {
        Err(RunError::Internal("not yet".into()))
    }
    pub(crate) async fn health(&self) -> Result<(), SourceError> {
        Ok(())
    }
}
pub(crate) async fn read_catalog(_: &tokio_postgres::Config) -> Result<Catalog, SourceError> {
    Err(SourceError::Internal("not yet".into()))
}
