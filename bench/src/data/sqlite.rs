//! SQLite: the file, and the same work written by hand on rusqlite.

use std::path::Path;
use std::sync::Arc;

use parking_lot::Mutex;
use rusqlite::{Connection, OpenFlags};

use super::orders::{self, ASKED, COLUMNS, Case, Kind, Order, PAGE, ROWS, Shown, write_order, write_text};
use crate::{Doing, Problem};

const SCHEMA: &str = "\
CREATE TABLE orders (
  id INTEGER PRIMARY KEY, tenant_id TEXT NOT NULL, customer_id INTEGER NOT NULL, status TEXT NOT NULL,
  total_cents INTEGER NOT NULL, created_at TIMESTAMP NOT NULL, note TEXT);
CREATE INDEX orders_by_status ON orders (tenant_id, status, created_at DESC, id);
";

/// Makes and fills the file.
///
/// # Errors
/// [`Problem`] with SQLite's words.
pub(crate) fn fill(path: &Path) -> Result<(), Problem> {
    let mut connection = Connection::open(path).doing("make the SQLite file")?;
    let filled = (|| {
        connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
        connection.execute_batch(SCHEMA)?;
        let transaction = connection.transaction()?;
        {
            let mut insert = transaction.prepare(&format!("INSERT INTO orders ({COLUMNS}) VALUES (?,?,?,?,?,?,?)"))?;
            for order in (1..=ROWS).map(Order::numbered) {
                let created = order.created_text();
                insert.execute((
                    order.id,
                    &order.tenant_id,
                    order.customer_id,
                    order.status,
                    order.total_cents,
                    created,
                    &order.note,
                ))?;
            }
        }
        transaction.commit()?;
        connection.execute_batch("ANALYZE")
    })();
    filled.doing("fill the SQLite file")
}

/// The work by hand: a connection per caller for reads, one for writes behind a lock.
pub(crate) struct ByHand {
    readers: Vec<Mutex<Connection>>,
    writer: Mutex<Connection>,
}

impl ByHand {
    /// Opens the connections.
    ///
    /// # Errors
    /// [`Problem`] with SQLite's words.
    pub(crate) fn open(path: &Path, callers: usize) -> Result<Arc<ByHand>, Problem> {
        let open = |flags| Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX);
        let readers = (0..callers).map(|_| open(OpenFlags::SQLITE_OPEN_READ_ONLY).map(Mutex::new));
        let readers = readers.collect::<Result<_, _>>().doing("open SQLite by hand")?;
        let writer = open(OpenFlags::SQLITE_OPEN_READ_WRITE).doing("open SQLite by hand")?;
        // Another process may be at work on the same file in its own turn.
        writer.busy_timeout(std::time::Duration::from_secs(5)).doing("open SQLite by hand")?;
        Ok(Arc::new(ByHand { readers, writer: Mutex::new(writer) }))
    }

    /// One call: the rows as JSON.
    ///
    /// # Errors
    /// SQLite's.
    pub(crate) fn call(&self, caller: usize, kind: Kind, case: Case, tenant: &str) -> rusqlite::Result<Vec<u8>> {
        match (kind, self.readers.get(caller)) {
            (Kind::Create, _) => create(&self.writer.lock(), case, tenant),
            (_, Some(reader)) => read(&reader.lock(), kind, case, tenant),
            (_, None) => Ok(Vec::new()),
        }
    }
}

fn read(connection: &Connection, kind: Kind, case: Case, tenant: &str) -> rusqlite::Result<Vec<u8>> {
    let mut out = Vec::with_capacity(256);
    match kind {
        Kind::Get => {
            let mut statement = connection.prepare_cached(
                "SELECT id, tenant_id, customer_id, status, total_cents, created_at, note FROM orders \
                 WHERE tenant_id = ?1 AND id = ?2",
            )?;
            let mut rows = statement.query((tenant, case.id))?;
            if let Some(row) = rows.next()? {
                write_row(&mut out, row)?;
            }
        }
        Kind::Query => {
            let mut statement = connection.prepare_cached(
                "SELECT id, tenant_id, customer_id, status, total_cents, created_at, note FROM orders \
                 WHERE tenant_id = ?1 AND status = ?2 ORDER BY created_at DESC, id LIMIT ?3",
            )?;
            // One more than the page tells whether there are more.
            let mut rows = statement.query((tenant, ASKED, i64::try_from(PAGE).unwrap_or(0) + 1))?;
            let mut count = 0;
            out.push(b'[');
            while let Some(row) = rows.next()? {
                if count == PAGE {
                    break;
                }
                if count > 0 {
                    out.push(b',');
                }
                write_row(&mut out, row)?;
                count += 1;
            }
            out.push(b']');
        }
        Kind::Aggregate => {
            let mut statement = connection
                .prepare_cached("SELECT status, count(*) FROM orders WHERE tenant_id = ?1 GROUP BY status")?;
            let mut rows = statement.query([tenant])?;
            out.push(b'[');
            while let Some(row) = rows.next()? {
                if out.len() > 1 {
                    out.push(b',');
                }
                out.extend_from_slice(br#"{"status":"#);
                write_text(&mut out, text(row, 0)?);
                out.extend_from_slice(format!(r#","value":{}}}"#, row.get::<_, i64>(1)?).as_bytes());
            }
            out.push(b']');
        }
        Kind::Count => {
            let mut statement =
                connection.prepare_cached("SELECT count(*) FROM orders WHERE tenant_id = ?1 AND status = ?2")?;
            let value: i64 = statement.query_row((tenant, ASKED), |row| row.get(0))?;
            out.extend_from_slice(format!(r#"[{{"value":{value}}}]"#).as_bytes());
        }
        Kind::Create => {}
    }
    Ok(out)
}

fn create(connection: &Connection, case: Case, tenant: &str) -> rusqlite::Result<Vec<u8>> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO orders (tenant_id, customer_id, status, total_cents, created_at, note) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6) RETURNING id, tenant_id, customer_id, status, total_cents, created_at, note",
    )?;
    let values = (tenant, case.customer(), ASKED, case.cents(), "2026-11-22 12:00:00", orders::NOTE);
    let mut rows = statement.query(values)?;
    let mut out = Vec::with_capacity(256);
    if let Some(row) = rows.next()? {
        write_row(&mut out, row)?;
    }
    // Reads to the end: only then is the row there for good.
    while rows.next()?.is_some() {}
    Ok(out)
}

fn text<'a>(row: &'a rusqlite::Row<'_>, at: usize) -> rusqlite::Result<&'a str> {
    Ok(row.get_ref(at)?.as_str()?)
}

fn write_row(out: &mut Vec<u8>, row: &rusqlite::Row<'_>) -> rusqlite::Result<()> {
    let created = text(row, 5)?;
    let mut moment = [0_u8; 20];
    for (to, from) in moment.iter_mut().zip(created.bytes().chain(std::iter::once(b'Z'))) {
        *to = if from == b' ' { b'T' } else { from };
    }
    let created_at = std::str::from_utf8(&moment).unwrap_or_default();
    let shown = Shown {
        id: row.get(0)?,
        tenant_id: text(row, 1)?,
        customer_id: row.get(2)?,
        status: text(row, 3)?,
        total_cents: row.get(4)?,
        created_at,
        note: text(row, 6)?,
    };
    write_order(out, &shown);
    Ok(())
}
