//! What a database says about its own tables: the facts that conditions are typed against.
//! Read by the source room, kept here because the law rests on it.

use crate::value::Type;

/// The tables of one source as its database describes them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Catalog {
    /// The kind of database.
    pub dialect: Dialect,
    /// Every table and view that the reading role can see, ordered by schema and name.
    pub tables: Vec<CatalogTable>,
}

/// The two kinds of database.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// SQLite, embedded.
    #[default]
    Sqlite,
    /// PostgreSQL 15 or later.
    Postgres,
}

/// One table.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CatalogTable {
    /// The schema; `main` on SQLite.
    pub schema: String,
    /// The name as stored.
    pub name: String,
    /// A view, materialized view or foreign table cannot be governed.
    pub is_table: bool,
    /// SQLite: declared STRICT.
    pub strict: bool,
    /// The columns, in the table's order.
    pub columns: Vec<CatalogColumn>,
    /// The primary key's columns by position in `columns`; empty when there is none.
    pub primary_key: Vec<usize>,
    /// Unique keys and unique indexes besides the primary key (whole-table ones), by position.
    pub unique: Vec<Vec<usize>>,
    /// Foreign keys.
    pub foreign_keys: Vec<ForeignKey>,
    /// An estimate of the number of rows, when the database has one.
    pub rows: Option<i64>,
}

impl CatalogTable {
    /// The position of a column by its exact name.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }
}

/// One column.
#[derive(Debug, Clone, PartialEq)]
pub struct CatalogColumn {
    /// The name as stored.
    pub name: String,
    /// The type, or `None` when Tenantry does not govern such values (arrays, ranges, geometry …).
    pub ty: Option<Type>,
    /// The database's own name for the type: `int4`, `varchar`, `INTEGER`, `NVARCHAR(160)`.
    /// On PostgreSQL the `pg_type.typname` (for an enum its quoted, schema-qualified name).
    pub native: String,
    /// How the values are stored.
    pub storage: Storage,
    /// Digits after the decimal point, for decimals with a declared scale.
    pub scale: Option<u8>,
    /// Digits before the decimal point at most, for decimals with a declared precision.
    pub whole_digits: Option<u8>,
    /// May it be NULL?
    pub nullable: bool,
    /// Does the database fill it when an insert leaves it out (default, identity, rowid)?
    pub has_default: bool,
    /// GENERATED ALWAYS: may never be written.
    pub generated: bool,
    /// A collation that calls different bytes equal (NOCASE, nondeterministic), by name.
    pub loose_collation: Option<String>,
    /// Padded with blanks (`char(n)`): refused in conditions.
    pub padded: bool,
}

/// How a value is stored, where the database has no type of that meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Storage {
    /// As the database's own type of that meaning.
    Native,
    /// Bool as integer 0 or 1.
    BoolInt,
    /// Timestamp as integer microseconds since 1970 UTC.
    TimestampMicros,
    /// Timestamp as text `YYYY-MM-DD HH:MM:SS` with optional fraction, UTC.
    TimestampText,
    /// UUID as canonical lower-case text.
    UuidText,
    /// Date as text `YYYY-MM-DD`.
    DateText,
    /// Decimal as number; compared after scaling to an integer by the declared scale.
    DecimalNumber,
    /// JSON as text.
    JsonText,
    /// PostgreSQL: an enum type, read and written as text; `native` is its quoted, qualified name.
    Enum,
}

/// A foreign key.
#[derive(Debug, Clone, PartialEq)]
pub struct ForeignKey {
    /// Columns here, by position.
    pub columns: Vec<usize>,
    /// The schema of the table pointed at.
    pub to_schema: String,
    /// The table pointed at.
    pub to_table: String,
    /// The names of its columns, in the same order.
    pub to_columns: Vec<String>,
}
