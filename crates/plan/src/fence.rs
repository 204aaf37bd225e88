//! The second fence: row security on a PostgreSQL source, made from the same rules as the compiled
//! predicates, and the privileges of the role that Tenantry connects as.

use tenantry_policy::Policy;
use tenantry_policy::catalog::Dialect;
use tenantry_source::admin::{Admin, AdminError};
use tenantry_source::{SourceError, SourceUrl};
use tenantry_sql::security::{Ddl, row_security};

/// Everything that one source's fence is made of.
#[derive(Debug, Clone)]
pub struct Fence {
    source: String,
    role: String,
    statements: Vec<Ddl>,
}

/// What applying did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Applied {
    /// Was the runtime role made? Otherwise it was there.
    pub made_role: bool,
    /// How many statements ran, all in one transaction.
    pub statements: usize,
}

/// The fence cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum FenceError {
    /// The policy does not render. Our fault.
    #[error(transparent)]
    Render(#[from] tenantry_sql::RenderError),
    /// No governed table lives in the source.
    #[error("no table of the file lives in source `{0}`")]
    NothingGoverned(String),
    /// The source is not PostgreSQL.
    #[error("source `{0}` is SQLite: its second fence is the authorizer, which needs no applying")]
    NotPostgres(String),
    /// The runtime URL names no role.
    #[error("the URL of source `{0}` names no role to connect as")]
    NoRole(String),
    /// Owner and runtime role are one.
    #[error(
        "`url` and `admin_url` of source `{source_name}` both connect as `{role}`: the runtime role must not own tables"
    )]
    OneRole {
        /// The source.
        source_name: String,
        /// The role.
        role: String,
    },
    /// The database does not answer.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The database refuses a statement; nothing was changed.
    #[error("{error} (statement {number}: {purpose})")]
    Statement {
        /// From 1.
        number: usize,
        /// What it was for.
        purpose: String,
        /// The database's answer in our words.
        error: AdminError,
    },
    /// The role cannot be made.
    #[error("the runtime role cannot be made: {0}")]
    Role(AdminError),
}

impl Fence {
    /// The fence of a source for the role that its runtime URL connects as.
    ///
    /// # Errors
    /// [`FenceError`] when there is nothing to fence, or nobody to fence in.
    pub fn build(policy: &Policy, source: &str, runtime: &SourceUrl) -> Result<Fence, FenceError> {
        match policy.tables.iter().find(|table| table.source.as_ref() == source) {
            None => return Err(FenceError::NothingGoverned(source.to_owned())),
            Some(table) if table.dialect == Dialect::Sqlite => return Err(FenceError::NotPostgres(source.to_owned())),
            Some(_) => {}
        }
        let (role, _) = runtime.login().ok_or_else(|| FenceError::NoRole(source.to_owned()))?;
        let statements = row_security(policy, source, role)?;
        Ok(Fence { source: source.to_owned(), role: role.to_owned(), statements })
    }

    /// The statements in order, with what each is for.
    #[must_use]
    pub fn statements(&self) -> &[Ddl] {
        &self.statements
    }

    /// The role that is fenced in.
    #[must_use]
    pub fn role(&self) -> &str {
        &self.role
    }

    /// Makes the runtime role when it is absent, then applies everything in one transaction. The
    /// password, if the runtime URL holds one, travels only as a SCRAM verifier.
    ///
    /// # Errors
    /// [`FenceError`]; no table has changed then.
    pub async fn apply(&self, owner: &SourceUrl, runtime: &SourceUrl) -> Result<Applied, FenceError> {
        if owner.login().is_some_and(|(role, _)| role == self.role) {
            return Err(FenceError::OneRole { source_name: self.source.clone(), role: self.role.clone() });
        }
        let mut admin = Admin::connect(owner).await?;
        let password = runtime.login().and_then(|(_, password)| std::str::from_utf8(password?).ok());
        let made_role = admin.ensure_role(&self.role, password).await.map_err(FenceError::Role)?;
        let script: Vec<String> = self.statements.iter().map(|ddl| ddl.sql.clone()).collect();
        admin.apply(&script).await.map_err(|error| match &error {
            AdminError::Refused { statement, .. } => FenceError::Statement {
                number: statement + 1,
                purpose: self.statements.get(*statement).map_or_else(String::new, |ddl| ddl.purpose.to_string()),
                error,
            },
            _ => FenceError::Statement { number: 0, purpose: "connecting".to_owned(), error },
        })?;
        Ok(Applied { made_role, statements: script.len() })
    }
}
