//! SQLite's errors by their extended codes. The texts are for the log only.

use rusqlite::ErrorCode;
use rusqlite::ffi;

use crate::error::{Constraint, RunError, SourceError};

/// Why a step of a program did not succeed, before it is known what that means for the call.
#[derive(Debug)]
pub(super) enum Fault {
    /// The database said so.
    Sqlite(rusqlite::Error),
    /// It is decided.
    Run(RunError),
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Fault {
        Fault::Sqlite(error)
    }
}

impl From<RunError> for Fault {
    fn from(error: RunError) -> Fault {
        Fault::Run(error)
    }
}

impl Fault {
    /// Did the authorizer refuse?
    pub(super) fn refused(&self) -> bool {
        self.code() == Some(ffi::SQLITE_AUTH)
    }

    /// A unique key, a primary key or a rowid that is taken?
    pub(super) fn unique(&self) -> bool {
        matches!(
            self.code(),
            Some(ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY | ffi::SQLITE_CONSTRAINT_ROWID)
        )
    }

    /// Was it the progress handler that ended the statement?
    pub(super) fn interrupted(&self) -> bool {
        self.code() == Some(ffi::SQLITE_INTERRUPT)
    }

    /// Did another connection hold a lock?
    pub(super) fn busy(&self) -> bool {
        matches!(self.code().map(|code| code & 0xff), Some(ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED))
    }

    fn code(&self) -> Option<i32> {
        match self {
            Fault::Sqlite(rusqlite::Error::SqliteFailure(error, _) | rusqlite::Error::SqlInputError { error, .. }) => {
                Some(error.extended_code)
            }
            _ => None,
        }
    }

    /// What it means for the call.
    pub(super) fn run_error(self) -> RunError {
        let error = match self {
            Fault::Run(error) => return error,
            Fault::Sqlite(error) => error,
        };
        let (code, message) = match &error {
            rusqlite::Error::SqliteFailure(code, message) => (*code, message.clone().unwrap_or_default()),
            // The display of this one holds the statement's text.
            rusqlite::Error::SqlInputError { error, msg, .. } => (*error, msg.clone()),
            other => return RunError::Internal(other.to_string()),
        };
        match code.extended_code {
            ffi::SQLITE_INTERRUPT => RunError::Timeout,
            ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY | ffi::SQLITE_CONSTRAINT_ROWID => {
                RunError::UniqueConflict { own: false }
            }
            ffi::SQLITE_CONSTRAINT_NOTNULL => {
                let column = message.rsplit_once('.').map_or("", |(_, column)| column);
                RunError::Constraint(Constraint::NotNull(column.to_owned()))
            }
            ffi::SQLITE_CONSTRAINT_FOREIGNKEY => RunError::Constraint(Constraint::ForeignKey),
            ffi::SQLITE_ERROR if message == "integer overflow" => RunError::ValueOutOfRange,
            extended => match extended & 0xff {
                ffi::SQLITE_CONSTRAINT => RunError::Constraint(Constraint::Check),
                ffi::SQLITE_TOOBIG | ffi::SQLITE_MISMATCH => RunError::ValueOutOfRange,
                ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED => RunError::Busy,
                ffi::SQLITE_IOERR
                | ffi::SQLITE_CANTOPEN
                | ffi::SQLITE_CORRUPT
                | ffi::SQLITE_NOTADB
                | ffi::SQLITE_FULL
                | ffi::SQLITE_READONLY
                | ffi::SQLITE_PERM
                | ffi::SQLITE_NOMEM => RunError::Unavailable(described(&code, &message)),
                _ => RunError::Internal(described(&code, &message)),
            },
        }
    }
}

fn described(code: &ffi::Error, message: &str) -> String {
    [&code.to_string(), ": ", message].concat()
}

/// What it means while a database is opened or its catalog read.
pub(super) fn source_error(error: rusqlite::Error) -> SourceError {
    let unavailable = matches!(
        error.sqlite_error_code(),
        Some(
            ErrorCode::CannotOpen
                | ErrorCode::NotADatabase
                | ErrorCode::DatabaseCorrupt
                | ErrorCode::PermissionDenied
                | ErrorCode::ReadOnly
                | ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::SystemIoFailure
                | ErrorCode::DiskFull
        )
    );
    let text = match Fault::Sqlite(error).run_error() {
        RunError::Internal(text) | RunError::Unavailable(text) => text,
        other => other.to_string(),
    };
    if unavailable { SourceError::Unavailable(text) } else { SourceError::Internal(text) }
}
