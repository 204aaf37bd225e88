//! The demo's rows into a PostgreSQL schema, by COPY.

use std::fmt::Write as _;

use bytes::Bytes;
use futures_util::{SinkExt, pin_mut};
use tokio_postgres::Client;

use crate::demo::data::Dataset;
use crate::demo::rows::{Cell, DemoTable};
use crate::output::Progress;

const SCHEMA: &str = include_str!("schema-postgres.sql");
const INDEXES: &str = include_str!("indexes.sql");

/// Bytes sent at once.
const CHUNK: usize = 256 * 1024;

/// Makes all tables, rows and indexes in the connection's current schema, in one transaction. The
/// connection is the owner's, not the runtime role's. The tables must not exist yet.
///
/// # Errors
/// What PostgreSQL says; nothing is left behind then.
pub async fn load(client: &mut Client, data: &Dataset, progress: &Progress) -> Result<(), tokio_postgres::Error> {
    let transaction = client.transaction().await?;
    transaction.batch_execute(SCHEMA).await?;
    for table in DemoTable::ALL {
        progress.describe(table.name());
        // Made from the names of DemoTable only.
        let statement = ["COPY ", table.name(), " (", &table.columns().join(", "), ") FROM STDIN"].concat();
        let sink = transaction.copy_in::<_, Bytes>(&statement).await?;
        pin_mut!(sink);
        let mut chunks: Vec<(String, u64)> = Vec::new();
        let (mut text, mut rows) = (String::with_capacity(CHUNK + 1024), 0);
        let _: Result<(), std::convert::Infallible> = table.each_row(data, |cells| {
            write_line(cells, &mut text);
            rows += 1;
            if text.len() >= CHUNK {
                chunks.push((std::mem::replace(&mut text, String::with_capacity(CHUNK + 1024)), rows));
                rows = 0;
            }
            Ok(())
        });
        chunks.push((text, rows));
        for (chunk, rows) in chunks {
            sink.send(Bytes::from(chunk)).await?;
            progress.advance(rows);
        }
        sink.as_mut().finish().await?;
    }
    progress.describe("indexes");
    transaction.batch_execute(INDEXES).await?;
    for table in DemoTable::ALL.into_iter().filter(|table| *table != DemoTable::Plans) {
        // Keys were given by hand; new rows must go on after them.
        let statement = [
            "SELECT setval(pg_get_serial_sequence('",
            table.name(),
            "', 'id'), (SELECT max(id) FROM ",
            table.name(),
            "))",
        ]
        .concat();
        transaction.batch_execute(&statement).await?;
    }
    transaction.commit().await?;
    client.batch_execute("ANALYZE plans, customers, orders, order_lines, tickets, documents").await
}

/// One line of COPY's text format.
fn write_line(cells: &[Cell<'_>], out: &mut String) {
    for (at, cell) in cells.iter().enumerate() {
        if at > 0 {
            out.push('\t');
        }
        match cell {
            Cell::Null => out.push_str("\\N"),
            Cell::Int(number) => {
                // Writing to a String cannot fail.
                let _ = write!(out, "{number}");
            }
            Cell::Bool(flag) => out.push(if *flag { 't' } else { 'f' }),
            Cell::Time(micros) => match tenantry_policy::value::format_timestamp(*micros) {
                Some(text) => out.push_str(&text),
                None => out.push_str("\\N"),
            },
            Cell::Text(text) => {
                for character in text.chars() {
                    match character {
                        '\\' => out.push_str("\\\\"),
                        '\t' => out.push_str("\\t"),
                        '\n' => out.push_str("\\n"),
                        '\r' => out.push_str("\\r"),
                        other => out.push(other),
                    }
                }
            }
        }
    }
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_escaped() {
        let mut out = String::new();
        write_line(
            &[Cell::Int(-1), Cell::Text("a\tb\\c\nd"), Cell::Null, Cell::Bool(true), Cell::Time(1_000_000)],
            &mut out,
        );
        assert_eq!(out, "-1\ta\\tb\\\\c\\nd\t\\N\tt\t1970-01-01T00:00:01Z\n");
    }
}
