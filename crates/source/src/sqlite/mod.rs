//! SQLite.
use std::path::Path;
use std::sync::Arc;

use tenantry_policy::Clock;
use tenantry_policy::catalog::Catalog;
use tenantry_sql::Program;

use crate::answer::{Answer, Redactor};
use crate::error::{RunError, SourceError};
use crate::stored::{InUse, Misfit};
use crate::Options;

#[derive(Debug, Clone)]
pub(crate) struct Sqlite;

impl Sqlite {
    pub(crate) async fn open(_: Arc<str>, _: &Path, _: &Options, _: Arc<dyn Clock>) -> Result<Sqlite, SourceError> {
        Ok(Sqlite)
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
    pub(crate) async fn verify_stored_types(&self, _: Vec<InUse>) -> Result<Vec<Misfit>, SourceError> {
        Err(SourceError::Internal("not yet".into()))
    }
}
pub(crate) async fn read_catalog(_: &Path) -> Result<Catalog, SourceError> {
    Err(SourceError::Internal("not yet".into()))
}
