//! The demo's rows into a SQLite file.

use std::path::Path;

use rusqlite::types::{ToSql, ToSqlOutput, Value, ValueRef};

use crate::demo::data::Dataset;
use crate::demo::rows::{Cell, DemoTable};
use crate::output::Progress;

const SCHEMA: &str = include_str!("schema-sqlite.sql");
const INDEXES: &str = include_str!("indexes.sql");

/// Steps of the bar: not every row, which would cost more than the row.
const STEP: u64 = 1_000;

impl ToSql for Cell<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Cell::Null => ToSqlOutput::Owned(Value::Null),
            Cell::Int(number) | Cell::Time(number) => ToSqlOutput::Owned(Value::Integer(*number)),
            Cell::Bool(flag) => ToSqlOutput::Owned(Value::Integer(i64::from(*flag))),
            Cell::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
        })
    }
}

/// Makes the file at `path`, which must not exist, with all tables, rows and indexes.
///
/// # Errors
/// What SQLite says; a half-made file may be left behind then.
pub fn load(path: &Path, data: &Dataset, progress: &Progress) -> rusqlite::Result<()> {
    let mut connection = rusqlite::Connection::open(path)?;
    // A demo's file that a power cut breaks is made again; so nothing is synced while it is made.
    connection.execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF;")?;
    connection.execute_batch(SCHEMA)?;
    let transaction = connection.transaction()?;
    for table in DemoTable::ALL {
        progress.describe(table.name());
        let mut insert = transaction.prepare(&insert_statement(table))?;
        let mut since = 0;
        table.each_row(data, |cells| {
            insert.execute(rusqlite::params_from_iter(cells))?;
            since += 1;
            if since == STEP {
                progress.advance(since);
                since = 0;
            }
            Ok::<(), rusqlite::Error>(())
        })?;
        progress.advance(since);
    }
    progress.describe("indexes");
    transaction.execute_batch(INDEXES)?;
    transaction.commit()?;
    connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; ANALYZE;")?;
    connection.close().map_err(|(_, error)| error)
}

/// Made from the names of [`DemoTable`] only.
fn insert_statement(table: DemoTable) -> String {
    let columns = table.columns();
    ["INSERT INTO ", table.name(), " (", &columns.join(", "), ") VALUES (", &vec!["?"; columns.len()].join(", "), ")"]
        .concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_arrives_and_every_key_holds() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("demo.sqlite");
        let data = Dataset::generate(1, 4_000);
        load(&path, &data, &Progress::hidden()).unwrap();
        let connection = rusqlite::Connection::open(&path).unwrap();
        let count = |table: &str| {
            connection.query_row(&["SELECT count(*) FROM ", table].concat(), [], |row| row.get::<_, i64>(0)).unwrap()
        };
        let total: i64 = DemoTable::ALL.iter().map(|table| count(table.name())).sum();
        assert_eq!(usize::try_from(total).unwrap(), data.rows());
        let broken: i64 =
            connection.query_row("SELECT count(*) FROM pragma_foreign_key_check", [], |row| row.get(0)).unwrap();
        assert_eq!(broken, 0);
        let first: (String, i64) = connection
            .query_row("SELECT email, created_at FROM customers WHERE id = 1", [], |row| Ok((row.get(0)?, row.get(1)?)))
            .unwrap();
        assert_eq!(first, (data.customers[0].email.clone(), data.customers[0].created_at));
    }
}
