//! Changes and single readings on SQLite.

use rusqlite::{Connection, ToSql, ffi};

use super::{Sqlite, numbered, sqlite_error};
use crate::StoreError;
use crate::backend::{Param, Row};
use crate::batch::{Batch, BatchError, Place, change_inserts};

impl Sqlite {
    pub(crate) fn change(&self, batch: &Batch) -> Result<Vec<u64>, BatchError> {
        let writer = self.writer.lock();
        let outcome = run(&writer.connection, batch);
        if outcome.is_err() && !writer.connection.is_autocommit() {
            let _ = writer.connection.execute_batch("ROLLBACK");
        }
        outcome
    }

    /// The rows of one statement, read by a connection that only reads.
    pub(crate) fn rows<T>(&self, sql: &str, params: &[Param], read: fn(&Row<'_>) -> T) -> Result<Vec<T>, StoreError> {
        self.with_reader(|connection| {
            let failed = |error: rusqlite::Error| sqlite_error(&error);
            let mut statement = connection.prepare_cached(&numbered(sql)).map_err(failed)?;
            let params: Vec<&dyn ToSql> = params.iter().map(|param| param as &dyn ToSql).collect();
            let mut rows = statement.query(params.as_slice()).map_err(failed)?;
            let mut found = Vec::new();
            while let Some(row) = rows.next().map_err(failed)? {
                found.push(read(&Row::Sqlite(row)));
            }
            Ok(found)
        })
    }
}

fn run(connection: &Connection, batch: &Batch) -> Result<Vec<u64>, BatchError> {
    let begin = connection.prepare_cached("BEGIN IMMEDIATE").and_then(|mut statement| statement.execute([]));
    begin.map_err(|error| sqlite_error(&error))?;
    let mut counts = Vec::with_capacity(batch.statements.len());
    for (place, statement) in batch.statements.iter().enumerate() {
        let params: Vec<&dyn ToSql> = statement.params.iter().map(|param| param as &dyn ToSql).collect();
        let done = connection
            .prepare_cached(&numbered(&statement.sql))
            .and_then(|mut prepared| prepared.execute(params.as_slice()));
        let count = done.map_err(|error| refused(place, &error))?;
        if (count as u64) < statement.least {
            return Err(BatchError::Untouched(Place(place)));
        }
        counts.push(count as u64);
    }
    for (sql, params) in change_inserts(batch.now, &batch.affected) {
        let params: Vec<&dyn ToSql> = params.iter().map(|param| param as &dyn ToSql).collect();
        connection
            .prepare_cached(&numbered(&sql))
            .and_then(|mut statement| statement.execute(params.as_slice()))
            .map_err(|error| sqlite_error(&error))?;
    }
    let commit = connection.prepare_cached("COMMIT").and_then(|mut statement| statement.execute([]));
    commit.map_err(|error| sqlite_error(&error))?;
    Ok(counts)
}

fn refused(place: usize, error: &rusqlite::Error) -> BatchError {
    match error.sqlite_error().map(|error| error.extended_code) {
        Some(ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY) => BatchError::Duplicate(Place(place)),
        Some(ffi::SQLITE_CONSTRAINT_FOREIGNKEY) => BatchError::Dangling(Place(place)),
        _ => BatchError::Store(sqlite_error(error)),
    }
}
