//! The catalog of a SQLite file: what its tables declare, and what Tenantry takes that for.

use std::collections::BTreeMap;
use std::path::Path;

use rusqlite::config::DbConfig;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::{Connection, OpenFlags};
use tenantry_policy::Type;
use tenantry_policy::catalog::{Catalog, CatalogColumn, CatalogTable, Dialect, ForeignKey, Storage};

use super::connection::open_file;

/// The pragmas that describe tables; the only ones that a looking connection may ask.
const DESCRIBING: [&str; 5] = ["table_list", "table_xinfo", "foreign_key_list", "index_list", "index_xinfo"];

/// Opens a connection that can look and nothing else.
pub(super) fn look(path: &Path) -> rusqlite::Result<Connection> {
    let mut connection = open_file(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    for (setting, on) in [
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
        (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
        (DbConfig::SQLITE_DBCONFIG_DQS_DML, false),
    ] {
        connection.set_db_config(setting, on)?;
    }
    connection.pragma_update(None, "query_only", true)?;
    connection.authorizer(Some(|context: AuthContext<'_>| match context.action {
        AuthAction::Select | AuthAction::Read { .. } | AuthAction::Function { .. } | AuthAction::Recursive => {
            Authorization::Allow
        }
        AuthAction::Pragma { pragma_name, .. } if DESCRIBING.contains(&pragma_name) => Authorization::Allow,
        _ => Authorization::Deny,
    }))?;
    Ok(connection)
}

/// Is the file there, and still a database?
pub(super) fn answers(path: &Path) -> rusqlite::Result<()> {
    look(path)?.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))
}

/// Reads the catalog.
pub(super) fn read(path: &Path) -> rusqlite::Result<Catalog> {
    let connection = look(path)?;
    let estimates = estimates(&connection)?;
    let mut tables = Vec::new();
    let mut statement = connection.prepare(
        "SELECT name, type, wr, strict FROM pragma_table_list WHERE schema = 'main' AND type <> 'shadow' \
         AND lower(substr(name, 1, 7)) <> 'sqlite_' ORDER BY name",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let name: String = row.get(0)?;
        let kind: String = row.get(1)?;
        let listed = Listed { is_table: kind == "table", without_rowid: row.get(2)?, strict: row.get(3)? };
        let described = table(&connection, &name, &listed);
        let mut table = match described {
            Ok(table) => table,
            // A view whose tables are gone has no columns; nothing governs it anyway.
            Err(_) if !listed.is_table => {
                CatalogTable { schema: "main".to_owned(), name, strict: false, ..CatalogTable::default() }
            }
            Err(error) => return Err(error),
        };
        table.rows = estimates.get(&table.name).copied();
        tables.push(table);
    }
    resolve(&mut tables);
    Ok(Catalog { dialect: Dialect::Sqlite, tables })
}

struct Listed {
    is_table: bool,
    without_rowid: bool,
    strict: bool,
}

/// The numbers of rows that ANALYZE counted, by table.
fn estimates(connection: &Connection) -> rusqlite::Result<BTreeMap<String, i64>> {
    let mut found: BTreeMap<String, i64> = BTreeMap::new();
    let counted: bool =
        connection.query_row("SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'sqlite_stat1')", [], |row| {
            row.get(0)
        })?;
    if counted {
        let mut statement = connection.prepare("SELECT tbl, stat FROM sqlite_stat1")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (table, stat): (String, Option<String>) = (row.get(0)?, row.get(1)?);
            // The first number counts the index's rows: of a partial index fewer than the table's.
            let count = stat.as_deref().and_then(|stat| stat.split(' ').next()).and_then(|count| count.parse().ok());
            if let Some(count) = count {
                let most = found.entry(table).or_insert(count);
                *most = count.max(*most);
            }
        }
    }
    Ok(found)
}

fn table(connection: &Connection, name: &str, listed: &Listed) -> rusqlite::Result<CatalogTable> {
    let mut columns = Vec::new();
    let mut key: Vec<(i64, usize)> = Vec::new();
    let mut statement = connection.prepare_cached(
        "SELECT name, type, \"notnull\", dflt_value IS NOT NULL, pk, hidden FROM pragma_table_xinfo(?1, 'main') \
         WHERE hidden <> 1 ORDER BY cid",
    )?;
    let mut rows = statement.query([name])?;
    while let Some(row) = rows.next()? {
        let column: String = row.get(0)?;
        let native: String = row.get::<_, Option<String>>(1)?.unwrap_or_default();
        let not_null: bool = row.get(2)?;
        let has_default: bool = row.get(3)?;
        let place: i64 = row.get(4)?;
        let hidden: i64 = row.get(5)?;
        if place > 0 {
            key.push((place, columns.len()));
        }
        let (ty, storage, scale) = kind(&native);
        let whole_digits = if ty == Some(Type::Decimal) { whole_digits(&native) } else { None };
        columns.push(CatalogColumn {
            loose_collation: if listed.is_table { collation(connection, name, &column)? } else { None },
            name: column,
            ty,
            native,
            storage,
            scale,
            whole_digits,
            nullable: !not_null && !(place > 0 && (listed.without_rowid || listed.strict)),
            has_default,
            generated: hidden == 2 || hidden == 3,
            padded: false,
        });
    }
    key.sort_unstable();
    let primary_key: Vec<usize> = key.into_iter().map(|(_, position)| position).collect();
    // `INTEGER PRIMARY KEY` is the row's number, which SQLite gives out itself.
    if let [only] = primary_key.as_slice()
        && !listed.without_rowid
        && let Some(column) = columns.get_mut(*only)
        && column.native.eq_ignore_ascii_case("INTEGER")
    {
        column.has_default = true;
        column.nullable = false;
    }
    let mut table = CatalogTable {
        schema: "main".to_owned(),
        name: name.to_owned(),
        is_table: listed.is_table,
        strict: listed.strict,
        columns,
        primary_key,
        ..CatalogTable::default()
    };
    if listed.is_table {
        table.unique = unique(connection, &table)?;
        table.foreign_keys = foreign_keys(connection, &table)?;
    }
    Ok(table)
}

/// The column's collation, when it is not the bytes' own order.
fn collation(connection: &Connection, table: &str, column: &str) -> rusqlite::Result<Option<String>> {
    let (_, collation, ..) = connection.column_metadata(Some("main"), table, column)?;
    let name = collation.map(|name| name.to_string_lossy().into_owned());
    Ok(name.filter(|name| !name.eq_ignore_ascii_case("BINARY")))
}

/// The unique keys over whole columns of the whole table, besides the primary key.
fn unique(connection: &Connection, table: &CatalogTable) -> rusqlite::Result<Vec<Vec<usize>>> {
    let mut indexes = connection.prepare_cached(
        "SELECT name FROM pragma_index_list(?1, 'main') WHERE \"unique\" = 1 AND partial = 0 AND origin <> 'pk' \
         ORDER BY seq DESC",
    )?;
    let mut parts = connection
        .prepare_cached("SELECT cid, name FROM pragma_index_xinfo(?1, 'main') WHERE key = 1 ORDER BY seqno")?;
    let names: Vec<String> = indexes.query_map([&table.name], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let mut found: Vec<Vec<usize>> = Vec::new();
    for index in names {
        let columns: Vec<Option<usize>> = parts
            .query_map([&index], |row| {
                // -1 is the row's number, -2 an expression.
                let place: i64 = row.get(0)?;
                let name: Option<String> = row.get(1)?;
                Ok(if place >= 0 { name.and_then(|name| table.column(&name)) } else { None })
            })?
            .collect::<Result<_, _>>()?;
        if let Some(columns) = columns.into_iter().collect::<Option<Vec<usize>>>()
            && !found.contains(&columns)
            && columns != table.primary_key
        {
            found.push(columns);
        }
    }
    Ok(found)
}

/// The foreign keys; columns pointed at stay empty where the schema leaves them out.
fn foreign_keys(connection: &Connection, table: &CatalogTable) -> rusqlite::Result<Vec<ForeignKey>> {
    let mut statement = connection.prepare_cached(
        "SELECT id, \"table\", \"from\", \"to\" FROM pragma_foreign_key_list(?1, 'main') ORDER BY id DESC, seq",
    )?;
    let mut rows = statement.query([&table.name])?;
    let mut found: Vec<(i64, ForeignKey)> = Vec::new();
    while let Some(row) = rows.next()? {
        let id: i64 = row.get(0)?;
        let (from, to): (String, Option<String>) = (row.get(2)?, row.get(3)?);
        let Some(column) = table.columns.iter().position(|column| column.name.eq_ignore_ascii_case(&from)) else {
            continue;
        };
        if found.last().is_none_or(|(last, _)| *last != id) {
            let key = ForeignKey {
                columns: Vec::new(),
                to_schema: "main".to_owned(),
                to_table: row.get(1)?,
                to_columns: Vec::new(),
            };
            found.push((id, key));
        }
        if let Some((_, key)) = found.last_mut() {
            key.columns.push(column);
            key.to_columns.extend(to);
        }
    }
    Ok(found.into_iter().map(|(_, key)| key).collect())
}

/// Gives foreign keys the names as stored: a schema may write them in another case, and may leave
/// out the columns when it means the other table's key. Those that point at nothing are dropped.
fn resolve(tables: &mut [CatalogTable]) {
    let targets: Vec<(String, Vec<String>, Vec<String>)> = tables
        .iter()
        .map(|table| {
            let names: Vec<String> = table.columns.iter().map(|column| column.name.clone()).collect();
            let key = table.primary_key.iter().filter_map(|at| names.get(*at).cloned()).collect();
            (table.name.clone(), names, key)
        })
        .collect();
    for table in tables {
        table.foreign_keys.retain_mut(|foreign| {
            let Some((name, names, key)) =
                targets.iter().find(|(name, ..)| name.eq_ignore_ascii_case(&foreign.to_table))
            else {
                return false;
            };
            foreign.to_table.clone_from(name);
            if foreign.to_columns.is_empty() {
                foreign.to_columns.clone_from(key);
            }
            for column in &mut foreign.to_columns {
                match names.iter().find(|name| name.eq_ignore_ascii_case(column)) {
                    Some(stored) => column.clone_from(stored),
                    None => return false,
                }
            }
            foreign.to_columns.len() == foreign.columns.len()
        });
    }
}

/// What a declared type is taken for: type, storage, and digits after the point.
fn kind(declared: &str) -> (Option<Type>, Storage, Option<u8>) {
    let upper = declared.trim().to_ascii_uppercase();
    let (word, arguments) = upper.split_once('(').map_or((upper.as_str(), ""), |(word, rest)| (word, rest));
    let word = word.trim();
    let plain = |ty| (Some(ty), Storage::Native, None);
    match word {
        "BOOLEAN" | "BOOL" => (Some(Type::Bool), Storage::BoolInt, None),
        "DATE" => (Some(Type::Date), Storage::DateText, None),
        "UUID" => (Some(Type::Uuid), Storage::UuidText, None),
        "JSON" => (Some(Type::Json), Storage::JsonText, None),
        "DECIMAL" | "NUMERIC" => (Some(Type::Decimal), Storage::DecimalNumber, scale(arguments)),
        _ if word.starts_with("TIMESTAMP") || word.starts_with("DATETIME") => {
            (Some(Type::Timestamp), Storage::TimestampText, None)
        }
        // From here on SQLite's own rules of affinity, in its order.
        _ if word.contains("INT") => plain(Type::Int),
        _ if ["CHAR", "CLOB", "TEXT"].iter().any(|part| word.contains(part)) => plain(Type::Text),
        _ if word.contains("BLOB") => plain(Type::Bytes),
        _ if ["REAL", "FLOA", "DOUB"].iter().any(|part| word.contains(part)) => plain(Type::Float),
        // ANY, no type at all, and names that SQLite calls numeric.
        _ => (None, Storage::Native, None),
    }
}

/// The scale in `10,2)`; a precision alone means whole numbers.
fn scale(arguments: &str) -> Option<u8> {
    let inside = arguments.split_once(')')?.0;
    match inside.split_once(',') {
        Some((_, scale)) => scale.trim().parse().ok(),
        None => inside.trim().parse::<u16>().ok().map(|_| 0),
    }
}

/// The digits before the point in `DECIMAL(10,2)`. SQLite itself does not count them, PostgreSQL does.
fn whole_digits(declared: &str) -> Option<u8> {
    let inside = declared.split_once('(')?.1.split_once(')')?.0;
    let (precision, scale) = inside.split_once(',').unwrap_or((inside, "0"));
    let (precision, scale): (i32, i32) = (precision.trim().parse().ok()?, scale.trim().parse().ok()?);
    u8::try_from(precision.saturating_sub(scale).max(0)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declared_digits() {
        for (declared, digits) in [
            ("NUMERIC(10,2)", Some(8)),
            ("decimal ( 10 , 3 )", Some(7)),
            ("DECIMAL(8)", Some(8)),
            ("NUMERIC", None),
            ("NUMERIC(2,4)", Some(0)),
            ("DECIMAL(x)", None),
        ] {
            assert_eq!(whole_digits(declared), digits, "{declared}");
        }
    }

    fn catalog(schema: &str) -> (tempfile::TempDir, Catalog) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("shop.db");
        Connection::open(&path).unwrap().execute_batch(schema).unwrap();
        let catalog = read(&path).unwrap();
        (dir, catalog)
    }

    #[test]
    fn declared_types() {
        for (declared, ty, storage, scale) in [
            ("BOOLEAN", Some(Type::Bool), Storage::BoolInt, None),
            ("bool", Some(Type::Bool), Storage::BoolInt, None),
            ("INTEGER", Some(Type::Int), Storage::Native, None),
            ("UNSIGNED BIG INT", Some(Type::Int), Storage::Native, None),
            ("NUMERIC(10,2)", Some(Type::Decimal), Storage::DecimalNumber, Some(2)),
            ("decimal ( 10 , 3 )", Some(Type::Decimal), Storage::DecimalNumber, Some(3)),
            ("DECIMAL(8)", Some(Type::Decimal), Storage::DecimalNumber, Some(0)),
            ("NUMERIC", Some(Type::Decimal), Storage::DecimalNumber, None),
            ("NVARCHAR(160)", Some(Type::Text), Storage::Native, None),
            ("UUID", Some(Type::Uuid), Storage::UuidText, None),
            ("TIMESTAMP WITH TIME ZONE", Some(Type::Timestamp), Storage::TimestampText, None),
            ("DATETIME", Some(Type::Timestamp), Storage::TimestampText, None),
            ("DATE", Some(Type::Date), Storage::DateText, None),
            ("DOUBLE PRECISION", Some(Type::Float), Storage::Native, None),
            ("BLOB", Some(Type::Bytes), Storage::Native, None),
            ("JSON", Some(Type::Json), Storage::JsonText, None),
            ("ANY", None, Storage::Native, None),
            ("", None, Storage::Native, None),
            ("STRING", None, Storage::Native, None),
        ] {
            assert_eq!(kind(declared), (ty, storage, scale), "{declared}");
        }
    }

    #[test]
    fn tables_with_keys_and_relations() {
        let (_dir, catalog) = catalog(
            "CREATE TABLE Customer (id INTEGER PRIMARY KEY, email TEXT COLLATE NOCASE NOT NULL UNIQUE, note ANY);
             CREATE TABLE line (order_no TEXT, pos INT, customer INT REFERENCES CUSTOMER, \
                sku TEXT, price NUMERIC(8,2) DEFAULT 0, total AS (price * 2), PRIMARY KEY (pos, order_no), \
                FOREIGN KEY (sku, order_no) REFERENCES stock (SKU, place)) WITHOUT ROWID;
             CREATE TABLE stock (place TEXT, sku TEXT, n INT, PRIMARY KEY (sku, place)) STRICT;
             CREATE UNIQUE INDEX stock_n ON stock (n);
             CREATE UNIQUE INDEX stock_some ON stock (place) WHERE n > 0;
             CREATE UNIQUE INDEX stock_expr ON stock (lower(place));
             CREATE VIEW v AS SELECT 1 AS one;
             CREATE VIEW broken AS SELECT * FROM nowhere;
             INSERT INTO stock VALUES ('a', 'b', 1); ANALYZE;",
        );
        let names: Vec<&str> = catalog.tables.iter().map(|table| table.name.as_str()).collect();
        assert_eq!(names, ["Customer", "broken", "line", "stock", "v"]);
        let table = |name: &str| catalog.tables.iter().find(|table| table.name == name).unwrap();
        let customer = table("Customer");
        assert!(customer.is_table && customer.columns[0].has_default && !customer.columns[0].nullable);
        assert_eq!(customer.columns[1].loose_collation.as_deref(), Some("NOCASE"));
        assert_eq!(customer.unique, [vec![1]]);
        assert_eq!(customer.columns[2].ty, None);
        let line = table("line");
        assert_eq!(line.primary_key, [1, 0]);
        assert!(!line.columns[0].nullable && line.columns[2].nullable && line.columns[4].has_default);
        assert!(line.columns[5].generated && !line.columns[4].generated);
        assert_eq!(line.foreign_keys.len(), 2);
        assert_eq!(line.foreign_keys[0].to_table, "Customer");
        assert_eq!(line.foreign_keys[0].to_columns, ["id"]);
        assert_eq!(line.foreign_keys[1].columns, [3, 0]);
        assert_eq!(line.foreign_keys[1].to_columns, ["sku", "place"]);
        let stock = table("stock");
        assert!(stock.strict && stock.rows == Some(1));
        assert_eq!(stock.unique, [vec![2]]);
        assert!(!table("v").is_table && table("broken").columns.is_empty());
    }

    #[test]
    fn a_looking_connection_only_looks() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("shop.db");
        assert!(read(&path).is_err(), "a file that is not there is not made");
        assert!(!path.exists());
        Connection::open(&path).unwrap().execute_batch("CREATE TABLE t (a)").unwrap();
        let connection = look(&path).unwrap();
        for sql in ["INSERT INTO t VALUES (1)", "ATTACH ':memory:' AS x", "PRAGMA query_only = 0", "CREATE TABLE u (a)"]
        {
            assert!(connection.execute_batch(sql).is_err(), "{sql}");
        }
        std::fs::write(&path, "no database").unwrap();
        assert!(read(&path).is_err());
    }
}
