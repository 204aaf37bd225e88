//! What PostgreSQL says about its tables: four queries over `pg_catalog`, in one snapshot.
//!
//! Names in other schemas may be anything, so types are told apart by their own schema too.

use std::collections::HashMap;

use tenantry_policy::Type;
use tenantry_policy::catalog::{Catalog, CatalogColumn, CatalogTable, Dialect, ForeignKey, Storage};
use tokio_postgres::types::FromSql;
use tokio_postgres::{Client, Row};

use super::failure::Failure;
use super::flush::control;

/// Tables, partitioned tables, views, materialized views and foreign tables. A partition is left
/// out: read by its own name it would not be under its parent's row security.
const TABLES: &str = "\
SELECT c.oid, n.nspname, c.relname, c.relkind IN ('r', 'p'),
       CASE WHEN c.reltuples >= 0 THEN c.reltuples::pg_catalog.int8 END
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
   AND NOT c.relispartition
   AND n.nspname NOT IN ('pg_catalog', 'information_schema')
   AND n.nspname !~ '^pg_(toast|temp)'
 ORDER BY n.nspname::pg_catalog.text COLLATE \"C\", c.relname::pg_catalog.text COLLATE \"C\"
";

const COLUMNS: &str = "\
WITH RECURSIVE domain(oid, base, typmod, strict, filled) AS (
  SELECT t.oid, t.typbasetype, t.typtypmod, t.typnotnull, t.typdefault IS NOT NULL
    FROM pg_catalog.pg_type t WHERE t.typtype = 'd'
  UNION ALL
  SELECT d.oid, t.typbasetype, CASE WHEN t.typtypmod >= 0 THEN t.typtypmod ELSE d.typmod END,
         d.strict OR t.typnotnull, d.filled OR t.typdefault IS NOT NULL
    FROM domain d JOIN pg_catalog.pg_type t ON t.oid = d.base WHERE t.typtype = 'd'
)
SELECT a.attrelid, a.attnum, a.attname, tn.nspname, t.typname, t.typtype = 'e',
       CASE WHEN d.oid IS NULL THEN a.atttypmod ELSE d.typmod END,
       NOT (a.attnotnull OR coalesce(d.strict, false))
         OR EXISTS (SELECT FROM pg_catalog.pg_constraint f
                     WHERE f.contype = 'n' AND f.conrelid = a.attrelid AND f.conkey[1] = a.attnum AND NOT f.convalidated)
         OR (c.relkind = 'r' AND EXISTS (SELECT FROM pg_catalog.pg_inherits h WHERE h.inhparent = c.oid)),
       a.atthasdef OR a.attidentity <> '' OR coalesce(d.filled, false),
       a.attgenerated <> '' OR a.attidentity = 'a',
       CASE WHEN co.collisdeterministic THEN NULL ELSE co.collname END
  FROM pg_catalog.pg_attribute a
  JOIN pg_catalog.pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
  LEFT JOIN domain d ON d.oid = a.atttypid
        AND NOT EXISTS (SELECT FROM pg_catalog.pg_type u WHERE u.oid = d.base AND u.typtype = 'd')
  JOIN pg_catalog.pg_type t ON t.oid = coalesce(d.base, a.atttypid)
  JOIN pg_catalog.pg_namespace tn ON tn.oid = t.typnamespace
  LEFT JOIN pg_catalog.pg_collation co ON co.oid = a.attcollation
 WHERE a.attnum > 0 AND NOT a.attisdropped
 ORDER BY a.attrelid, a.attnum
";

/// Unique indexes over whole tables and plain columns; the primary key first.
const KEYS: &str = "\
SELECT i.indrelid, i.indisprimary, (i.indkey::pg_catalog.int2[])[0:i.indnkeyatts - 1]
  FROM pg_catalog.pg_index i
 WHERE i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
 ORDER BY i.indrelid, i.indisprimary DESC, i.indexrelid
";

const FOREIGN_KEYS: &str = "\
SELECT f.conrelid, f.conkey, n.nspname, c.relname,
       ARRAY(SELECT a.attname::pg_catalog.text
               FROM pg_catalog.unnest(f.confkey) WITH ORDINALITY AS k(attnum, place)
               JOIN pg_catalog.pg_attribute a ON a.attrelid = f.confrelid AND a.attnum = k.attnum
              ORDER BY k.place)
  FROM pg_catalog.pg_constraint f
  JOIN pg_catalog.pg_class c ON c.oid = f.confrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE f.contype = 'f' AND f.conparentid = 0
 ORDER BY f.conrelid, f.conname::pg_catalog.text COLLATE \"C\"
";

/// Reads the catalog.
///
/// # Errors
/// What the server says; the connection is in a transaction then and must be closed.
pub(super) async fn read(client: &Client) -> Result<Catalog, Failure> {
    control(client, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
    let (tables, columns, keys, foreign) = tokio::try_join!(
        query(client, TABLES),
        query(client, COLUMNS),
        query(client, KEYS),
        query(client, FOREIGN_KEYS),
    )?;
    control(client, "COMMIT").await?;

    let mut reading = Reading::default();
    for row in &tables {
        reading.table(row)?;
    }
    for row in &columns {
        reading.column(row)?;
    }
    for row in &keys {
        reading.key(row)?;
    }
    for row in &foreign {
        reading.foreign_key(row)?;
    }
    Ok(Catalog { dialect: Dialect::Postgres, tables: reading.tables })
}

async fn query(client: &Client, sql: &str) -> Result<Vec<Row>, Failure> {
    client.query(sql, &[]).await.map_err(|error| Failure::of(&error))
}

fn get<'a, T: FromSql<'a>>(row: &'a Row, at: usize) -> Result<T, Failure> {
    row.try_get(at).map_err(|_| Failure::Internal)
}

/// The catalog as it grows.
#[derive(Default)]
struct Reading {
    tables: Vec<CatalogTable>,
    /// Positions of the tables by their object identifier.
    by_oid: HashMap<u32, usize>,
    /// Positions of columns by table and attribute number; dropped columns leave gaps.
    attributes: HashMap<(u32, i16), usize>,
}

impl Reading {
    fn table(&mut self, row: &Row) -> Result<(), Failure> {
        self.by_oid.insert(get(row, 0)?, self.tables.len());
        self.tables.push(CatalogTable {
            schema: get(row, 1)?,
            name: get(row, 2)?,
            is_table: get(row, 3)?,
            rows: get(row, 4)?,
            ..CatalogTable::default()
        });
        Ok(())
    }

    /// The table that a row is about; `None` for one that is left out.
    fn of(&mut self, oid: u32) -> Option<&mut CatalogTable> {
        self.by_oid.get(&oid).and_then(|at| self.tables.get_mut(*at))
    }

    fn column(&mut self, row: &Row) -> Result<(), Failure> {
        let (oid, number): (u32, i16) = (get(row, 0)?, get(row, 1)?);
        let Some(table) = self.of(oid) else { return Ok(()) };
        let (schema, name): (&str, &str) = (get(row, 3)?, get(row, 4)?);
        let is_enum: bool = get(row, 5)?;
        let ty = if is_enum { Some(Type::Text) } else { type_of(schema, name) };
        let collation: Option<String> = get(row, 10)?;
        let position = table.columns.len();
        table.columns.push(CatalogColumn {
            name: get(row, 2)?,
            ty,
            native: if is_enum { qualified(schema, name) } else { name.to_owned() },
            storage: if is_enum { Storage::Enum } else { Storage::Native },
            scale: if ty == Some(Type::Decimal) { scale_of(get(row, 6)?) } else { None },
            whole_digits: if ty == Some(Type::Decimal) { whole_digits_of(get(row, 6)?) } else { None },
            nullable: get(row, 7)?,
            has_default: get(row, 8)?,
            generated: get(row, 9)?,
            loose_collation: if ty == Some(Type::Text) && name == "citext" { Some(name.to_owned()) } else { collation },
            padded: ty == Some(Type::Text) && name == "bpchar",
        });
        self.attributes.insert((oid, number), position);
        Ok(())
    }

    fn positions(&self, oid: u32, numbers: &[i16]) -> Option<Vec<usize>> {
        numbers.iter().map(|number| self.attributes.get(&(oid, *number)).copied()).collect()
    }

    fn key(&mut self, row: &Row) -> Result<(), Failure> {
        let oid: u32 = get(row, 0)?;
        let numbers: Vec<i16> = get(row, 2)?;
        // A system column among them is no key of ours.
        let Some(positions) = self.positions(oid, &numbers) else { return Ok(()) };
        let primary: bool = get(row, 1)?;
        let Some(table) = self.of(oid) else { return Ok(()) };
        if primary {
            table.primary_key = positions;
        } else if !table.unique.contains(&positions) {
            table.unique.push(positions);
        }
        Ok(())
    }

    fn foreign_key(&mut self, row: &Row) -> Result<(), Failure> {
        let oid: u32 = get(row, 0)?;
        let numbers: Vec<i16> = get(row, 1)?;
        let Some(columns) = self.positions(oid, &numbers) else { return Ok(()) };
        let Some(table) = self.of(oid) else { return Ok(()) };
        table.foreign_keys.push(ForeignKey {
            columns,
            to_schema: get(row, 2)?,
            to_table: get(row, 3)?,
            to_columns: get(row, 4)?,
        });
        Ok(())
    }
}

/// The meaning of a type, or `None` when Tenantry does not govern its values.
pub(super) fn type_of(schema: &str, name: &str) -> Option<Type> {
    if name == "citext" {
        return Some(Type::Text);
    }
    if schema != "pg_catalog" {
        return None;
    }
    Some(match name {
        "bool" => Type::Bool,
        "int2" | "int4" | "int8" => Type::Int,
        "numeric" => Type::Decimal,
        "text" | "varchar" | "bpchar" | "name" => Type::Text,
        "uuid" => Type::Uuid,
        "timestamptz" | "timestamp" => Type::Timestamp,
        "date" => Type::Date,
        "float4" | "float8" => Type::Float,
        "json" | "jsonb" => Type::Json,
        "bytea" => Type::Bytes,
        _ => return None,
    })
}

/// The declared scale of a `numeric`. The modifier is 4 more than precision (upper 16 bits) and
/// scale (lower 11, signed since PostgreSQL 15; a negative one rounds before the point).
fn scale_of(modifier: i32) -> Option<u8> {
    let bits = modifier.checked_sub(4).filter(|bits| *bits >= 0)? & 0x7ff;
    let scale = (bits ^ 0x400) - 0x400;
    u8::try_from(scale.max(0)).ok()
}

/// The digits before the point that a `numeric` of that modifier holds.
fn whole_digits_of(modifier: i32) -> Option<u8> {
    let bits = modifier.checked_sub(4).filter(|bits| *bits >= 0)?;
    let scale = ((bits & 0x7ff) ^ 0x400) - 0x400;
    u8::try_from((bits >> 16).saturating_sub(scale).max(0)).ok()
}

/// A name with its schema, both quoted.
fn qualified(schema: &str, name: &str) -> String {
    [&quoted(schema), ".", &quoted(name)].concat()
}

/// An identifier in double quotes.
pub(super) fn quoted(name: &str) -> String {
    ["\"", &name.replace('"', "\"\""), "\""].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales() {
        assert_eq!(scale_of(-1), None);
        assert_eq!(scale_of((10 << 16) + 2 + 4), Some(2));
        assert_eq!(scale_of((10 << 16) + 4), Some(0));
        assert_eq!(scale_of((3 << 16) + (-2 & 0x7ff) + 4), Some(0));
        assert_eq!(whole_digits_of(-1), None);
        assert_eq!(whole_digits_of((10 << 16) + 2 + 4), Some(8));
        assert_eq!(whole_digits_of((3 << 16) + (-2 & 0x7ff) + 4), Some(5));
        assert_eq!(whole_digits_of((2 << 16) + 4 + 4), Some(0));
    }

    #[test]
    fn a_type_of_another_schema_is_not_the_known_one() {
        assert_eq!(type_of("pg_catalog", "text"), Some(Type::Text));
        assert_eq!(type_of("public", "text"), None);
        assert_eq!(type_of("public", "citext"), Some(Type::Text));
        assert_eq!(type_of("pg_catalog", "_text"), None);
    }

    #[test]
    fn names_are_quoted() {
        assert_eq!(qualified("pub\"lic", "mood"), "\"pub\"\"lic\".\"mood\"");
    }
}
