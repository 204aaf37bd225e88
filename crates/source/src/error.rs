//! What goes wrong with a tenant database.

use tenantry_tls::Refusal;

/// A program did not run. Nothing has changed, except perhaps after [`RunError::Uncertain`].
///
/// Texts inside are for the server's log; callers get the variant's meaning only.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// A statement took longer than the program allows.
    #[error("the statement took longer than allowed")]
    Timeout,
    /// The rows are more bytes than the program allows.
    #[error("the answer is larger than allowed")]
    TooManyBytes,
    /// An aggregate has more groups than the program allows.
    #[error("there are more groups than allowed")]
    TooManyGroups,
    /// A write would change more rows than the program allows.
    #[error("more than {limit} rows would change")]
    MaxRows {
        /// The most rows allowed.
        limit: u32,
    },
    /// A row that had to be there is not there, or not the caller's to change.
    #[error("no such row")]
    NotFound,
    /// A row pointed at is not there, or not the caller's to see.
    #[error("a referenced row is not visible: {}", names.join(", "))]
    ReferenceNotVisible {
        /// The relations' names.
        names: Vec<String>,
    },
    /// The row as it would become does not satisfy the caller's rules.
    #[error("the new row does not satisfy the rules")]
    RuleRefusesRow,
    /// A unique key is taken.
    #[error("a unique key is taken")]
    UniqueConflict {
        /// By a row that the caller may see? Otherwise the answer must not tell that it exists.
        own: bool,
    },
    /// A constraint of the table refuses the row.
    #[error("a constraint refuses the row: {0}")]
    Constraint(Constraint),
    /// A number or moment does not fit its column, or a calculation overflows.
    #[error("a value is out of range")]
    ValueOutOfRange,
    /// Another writer held the database for too long; the call may be tried again.
    #[error("the database is busy")]
    Busy,
    /// The database does not answer.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// The connection was lost after a write was asked to commit: it has happened as a whole, or not at
    /// all.
    #[error("the connection was lost while a write was committed: it may have happened or not")]
    Uncertain,
    /// The runtime role has power that it must not have.
    #[error("the runtime role must not be used: {0}")]
    Unsafe(String),
    /// Our fault, or the stored data's.
    #[error("the program failed: {0}")]
    Internal(String),
}

/// A kind of constraint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Constraint {
    /// A column without a value; its name as stored.
    #[error("column {0} must have a value")]
    NotNull(String),
    /// A check of the table, or a strict table's type.
    #[error("a check of the table fails")]
    Check,
    /// A foreign key: the row pointed at is absent, or other rows point at this one.
    #[error("a foreign key fails")]
    ForeignKey,
}

/// A source cannot be opened or read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// The URL is not one of ours. The text never holds a password.
    #[error("this is not a source's URL: {0}")]
    Url(String),
    /// The database does not answer, or the file is not there or is not a database.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// TLS did not come about, or not with the server that the URL names.
    #[error("the database is not spoken to: {0}")]
    Tls(Refusal),
    /// The runtime role has power that it must not have.
    #[error("the runtime role must not be used: {0}")]
    Unsafe(String),
    /// The database answered something that cannot be.
    #[error("the database cannot be read: {0}")]
    Internal(String),
}

impl SourceError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            SourceError::Url(_) => "source-url",
            SourceError::Unavailable(_) => "source-unavailable",
            SourceError::Tls(_) => "source-tls",
            SourceError::Unsafe(_) => "source-unsafe",
            SourceError::Internal(_) => "source-internal",
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            SourceError::Url(_) => "write `sqlite:PATH` or `postgres://USER@HOST:PORT/DATABASE`",
            SourceError::Unavailable(_) => "is the server running, the address right, and the file there?",
            SourceError::Tls(refusal) => refusal.hint(),
            SourceError::Unsafe(_) => "connect as a role that owns nothing and has neither SUPERUSER nor BYPASSRLS",
            SourceError::Internal(_) => "look at the server's log; this is a fault of the program or of the database",
        }
    }
}
