//! What went wrong, told by SQLSTATE alone: the server's text may hold a row's values.

use tenantry_tls::Refusal;
use tokio_postgres::Error;
use tokio_postgres::error::{DbError, Severity, SqlState};

use crate::error::{Constraint, RunError, SourceError};

/// A failed request, by what can be done about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failure {
    /// The connection is gone, or the server is going or full.
    Unavailable,
    /// The server refuses our login, or the database is not there.
    Login,
    /// TLS did not come about, or not with the server that the URL names.
    Tls(Refusal),
    /// It ran longer than it may.
    Timeout,
    /// Another transaction is in the way: a deadlock, a lock, a serialization failure.
    Busy,
    /// A unique key, or an exclusion, is taken.
    Unique,
    /// A foreign key points at nothing, or is still pointed at.
    Reference,
    /// A column that must be set is not; its name.
    Null(String),
    /// A check of the table refuses the value.
    Check,
    /// A value does not fit its column.
    Value,
    /// Row security refuses the new row.
    RowSecurity,
    /// The runtime role may not touch this table or function.
    Grant,
    /// The prepared statement is older than the table: prepare it again.
    Stale,
    /// A table or column of the policy is no longer there.
    Missing,
    /// An earlier statement of the transaction failed; that one tells why.
    Aborted,
    /// The server accepts reads only.
    ReadOnly,
    /// Anything else: our fault.
    Internal,
}

impl Failure {
    /// What an error of the driver means.
    pub(super) fn of(error: &Error) -> Failure {
        let failure = match error.as_db_error() {
            Some(told) => Failure::told(told),
            None if let Some(refusal) = Refusal::of(error) => Failure::Tls(refusal),
            // Everything that is not the server's own answer and not our own parameters is the wire.
            None if error.is_closed() || is_io(error) => Failure::Unavailable,
            None => Failure::Internal,
        };
        tracing::debug!(code = error.code().map(SqlState::code), ?failure, "PostgreSQL refused a request");
        failure
    }

    fn told(told: &DbError) -> Failure {
        let by_code = Failure::of_code(told.code().code());
        match by_code {
            // Both are 42501; the place in the server that raised it tells them apart.
            Failure::RowSecurity if told.routine().is_some_and(|at| at.starts_with("aclcheck")) => Failure::Grant,
            Failure::Null(_) => Failure::Null(told.column().unwrap_or_default().to_owned()),
            // After a fatal error the server has closed the connection, whatever the code.
            Failure::Internal if matches!(told.parsed_severity(), Some(Severity::Fatal | Severity::Panic)) => {
                Failure::Unavailable
            }
            _ => by_code,
        }
    }

    fn of_code(code: &str) -> Failure {
        match code {
            "23505" | "23P01" => Failure::Unique,
            "23503" | "23001" => Failure::Reference,
            "23502" => Failure::Null(String::new()),
            "23514" | "44000" => Failure::Check,
            "42501" => Failure::RowSecurity,
            "57014" | "25P04" => Failure::Timeout,
            "40001" | "40P01" | "55P03" | "55006" => Failure::Busy,
            "0A000" | "26000" => Failure::Stale,
            "42P01" | "42703" | "42883" | "42704" | "3F000" => Failure::Missing,
            "25P02" => Failure::Aborted,
            "25006" => Failure::ReadOnly,
            "3D000" => Failure::Login,
            _ if code.starts_with("22") => Failure::Value,
            _ if code.starts_with("28") => Failure::Login,
            _ if code.starts_with("40") => Failure::Busy,
            _ if code.starts_with("08") || code.starts_with("53") || code.starts_with("57") => Failure::Unavailable,
            _ => Failure::Internal,
        }
    }

    /// Can the connection still be used once its transaction is rolled back?
    pub(super) fn leaves_connection(&self) -> bool {
        !matches!(self, Failure::Unavailable | Failure::Login | Failure::Tls(_) | Failure::Internal | Failure::Stale)
    }

    /// May the same request, of which nothing was committed, be tried once more?
    pub(super) fn passes(&self, write: bool) -> bool {
        match self {
            Failure::Unavailable | Failure::Stale => true,
            Failure::Busy => !write,
            _ => false,
        }
    }
}

impl From<Failure> for RunError {
    fn from(failure: Failure) -> Self {
        let internal = |text: &str| RunError::Internal(text.to_owned());
        match failure {
            Failure::Unavailable => RunError::Unavailable("the connection was lost, or none can be made".to_owned()),
            Failure::Login => RunError::Unavailable(
                "the server refuses the login: the role is absent, which `tenantry apply` mends, or its password another"
                    .to_owned(),
            ),
            Failure::Tls(refusal) => RunError::Unavailable(refusal.to_string()),
            Failure::ReadOnly => RunError::Unavailable("the server accepts reads only".to_owned()),
            Failure::Timeout => RunError::Timeout,
            Failure::Busy => RunError::Busy,
            Failure::Unique => RunError::UniqueConflict { own: false },
            Failure::Reference => RunError::Constraint(Constraint::ForeignKey),
            Failure::Null(column) => RunError::Constraint(Constraint::NotNull(column)),
            Failure::Check => RunError::Constraint(Constraint::Check),
            Failure::Value => RunError::ValueOutOfRange,
            Failure::RowSecurity => RunError::RuleRefusesRow,
            Failure::Grant => internal("the runtime role lacks a grant; run `tenantry apply`"),
            Failure::Stale | Failure::Missing => {
                internal("a table or column of the policy has changed in the database")
            }
            Failure::Aborted => internal("the transaction had failed before"),
            Failure::Internal => internal("PostgreSQL refused a statement"),
        }
    }
}

impl From<Failure> for SourceError {
    fn from(failure: Failure) -> Self {
        if let Failure::Tls(refusal) = failure {
            return SourceError::Tls(refusal);
        }
        match RunError::from(failure) {
            RunError::Unavailable(text) => SourceError::Unavailable(text),
            RunError::Timeout => SourceError::Unavailable("it did not answer in time".to_owned()),
            RunError::Busy => SourceError::Unavailable("it is busy".to_owned()),
            other => SourceError::Internal(other.to_string()),
        }
    }
}

fn is_io(error: &Error) -> bool {
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        if inner.is::<std::io::Error>() {
            return true;
        }
        source = inner.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_meanings() {
        for (code, expected) in [
            ("23505", Failure::Unique),
            ("23503", Failure::Reference),
            ("23502", Failure::Null(String::new())),
            ("23514", Failure::Check),
            ("22003", Failure::Value),
            ("22P02", Failure::Value),
            ("42501", Failure::RowSecurity),
            ("57014", Failure::Timeout),
            ("57P01", Failure::Unavailable),
            ("40001", Failure::Busy),
            ("40P01", Failure::Busy),
            ("08006", Failure::Unavailable),
            ("53300", Failure::Unavailable),
            ("28P01", Failure::Login),
            ("XX000", Failure::Internal),
        ] {
            assert_eq!(Failure::of_code(code), expected, "{code}");
        }
    }
}
