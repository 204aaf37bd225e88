//! Do the stored values fit the types that the policy takes them for?

use std::path::Path;

use rusqlite::Connection;
use tenantry_policy::Type;
use tenantry_policy::catalog::Storage;

use super::catalog::look;
use super::connection::quoted;
use crate::stored::{InUse, Misfit};

/// Counts the misfits, reading each table once.
pub(super) fn misfits(path: &Path, in_use: &[InUse]) -> rusqlite::Result<Vec<Misfit>> {
    let connection = look(path)?;
    let mut found = Vec::new();
    for table in in_use {
        one_table(&connection, table, &mut found)?;
    }
    Ok(found)
}

fn one_table(connection: &Connection, table: &InUse, found: &mut Vec<Misfit>) -> rusqlite::Result<()> {
    if table.columns.is_empty() {
        return Ok(());
    }
    let mut sql = String::from("SELECT ");
    for (index, (column, ty, storage)) in table.columns.iter().enumerate() {
        if index > 0 {
            sql.push_str(", ");
        }
        let column = quoted(column);
        sql.push_str("coalesce(sum(CASE WHEN ");
        sql.push_str(&column);
        sql.push_str(" IS NULL THEN 0 WHEN ");
        sql.push_str(&fits(*ty, *storage).0.replace('@', &column));
        sql.push_str(" THEN 0 ELSE 1 END), 0)");
    }
    sql.push_str(" FROM main.");
    sql.push_str(&quoted(&table.table));
    connection.query_row(&sql, [], |row| {
        for (index, (column, ty, storage)) in table.columns.iter().enumerate() {
            let rows = u64::try_from(row.get::<_, i64>(index)?).unwrap_or(0);
            if rows > 0 {
                found.push(Misfit {
                    table: table.table.to_string(),
                    column: column.to_string(),
                    ty: *ty,
                    rows,
                    wanted: fits(*ty, *storage).1,
                });
            }
        }
        Ok(())
    })
}

/// The test of a value, with `@` for the column, and what it asks for in words.
fn fits(ty: Type, storage: Storage) -> (&'static str, &'static str) {
    match (ty, storage) {
        (Type::Bool, _) => ("typeof(@) = 'integer' AND @ IN (0, 1)", "0 or 1"),
        (Type::Int, _) => ("typeof(@) = 'integer'", "integers"),
        (Type::Decimal, _) => ("typeof(@) IN ('integer', 'real')", "numbers"),
        (Type::Float, _) => ("typeof(@) IN ('integer', 'real')", "numbers"),
        (Type::Text, _) => ("typeof(@) = 'text'", "text"),
        (Type::Uuid, _) => (
            "typeof(@) = 'text' AND length(@) = 36 AND replace(@, '-', '') NOT GLOB '*[^0-9a-f]*' \
             AND length(replace(@, '-', '')) = 32 \
             AND substr(@, 9, 1) || substr(@, 14, 1) || substr(@, 19, 1) || substr(@, 24, 1) = '----'",
            "canonical lower-case UUIDs as text",
        ),
        (Type::Timestamp, Storage::TimestampMicros) => ("typeof(@) = 'integer'", "integer microseconds since 1970 UTC"),
        // Two texts of one moment must be the same text, since conditions compare them so.
        (Type::Timestamp, _) => (
            "typeof(@) = 'text' AND substr(@, 1, 19) IS datetime(substr(@, 1, 19)) AND (length(@) = 19 \
             OR (length(@) BETWEEN 21 AND 26 AND substr(@, 20, 1) = '.' AND substr(@, 21) NOT GLOB '*[^0-9]*' \
             AND substr(@, -1) <> '0'))",
            "`YYYY-MM-DD HH:MM:SS`, with at most six digits of fraction that do not end in 0",
        ),
        (Type::Date, _) => ("typeof(@) = 'text' AND length(@) = 10 AND @ IS date(@)", "`YYYY-MM-DD`"),
        (Type::Json, _) => (
            "CASE typeof(@) WHEN 'text' THEN json_valid(@) ELSE typeof(@) IN ('integer', 'real') END",
            "JSON documents as text",
        ),
        (Type::Bytes, _) => ("typeof(@) = 'blob'", "blobs"),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn misfits_are_counted_by_column() {
        let cases: &[(Type, Storage, &[&str], &[&str])] = &[
            (Type::Bool, Storage::BoolInt, &["0", "1", "NULL"], &["2", "'true'", "1.5"]),
            (Type::Int, Storage::Native, &["-5", "9223372036854775807"], &["'5'", "5.5", "x'05'"]),
            (Type::Decimal, Storage::DecimalNumber, &["5", "5.25"], &["'5.25'"]),
            (Type::Text, Storage::Native, &["''", "'é'"], &["5", "x'41'"]),
            (
                Type::Uuid,
                Storage::UuidText,
                &["'01890a5d-ac96-774b-bcce-b302099a8057'"],
                &["'01890A5D-AC96-774B-BCCE-B302099A8057'", "'01890a5dac96774bbcceb302099a8057'", "''", "'-'"],
            ),
            (
                Type::Timestamp,
                Storage::TimestampText,
                &["'2024-02-29 00:00:00'", "'2024-02-29 00:00:00.05'"],
                &[
                    "'2023-02-29 00:00:00'",
                    "'2024-02-29T00:00:00'",
                    "'2024-02-29 00:00:00.50'",
                    "'now'",
                    "1",
                    "'2024-02-29'",
                ],
            ),
            (Type::Timestamp, Storage::TimestampMicros, &["0"], &["'2024-02-29 00:00:00'"]),
            (Type::Date, Storage::DateText, &["'2024-02-29'"], &["'2023-02-29'", "'29.2.2024'", "'now'"]),
            (Type::Json, Storage::JsonText, &["'{\"a\":[1]}'", "1"], &["'{a'", "x'00'"]),
            (Type::Bytes, Storage::Native, &["x''"], &["'text'"]),
        ];
        for (ty, storage, good, bad) in cases {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("t.db");
            let connection = Connection::open(&path).unwrap();
            connection.execute_batch("CREATE TABLE \"a\"\"b\" (\"x y\")").unwrap();
            let in_use = InUse { table: Arc::from("a\"b"), columns: vec![(Arc::from("x y"), *ty, *storage)] };
            for value in *good {
                connection.execute_batch(&format!("INSERT INTO \"a\"\"b\" VALUES ({value})")).unwrap();
            }
            assert_eq!(misfits(&path, std::slice::from_ref(&in_use)).unwrap(), [], "{ty}");
            for value in *bad {
                connection.execute_batch(&format!("INSERT INTO \"a\"\"b\" VALUES ({value})")).unwrap();
            }
            let found = misfits(&path, &[in_use]).unwrap();
            assert_eq!(found.len(), 1, "{ty}");
            assert_eq!(found[0].rows, u64::try_from(bad.len()).unwrap(), "{}", found[0]);
        }
    }
}
