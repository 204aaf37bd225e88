//! Rehearsals: the tables of a policy, made anew for a few rows, and a decided statement run over them as a call
//! would run it. In memory on SQLite; on PostgreSQL under row security of its own, in a database that is given for
//! it. What the prover finds is tried here before anybody is shown it.

use std::sync::Arc;

use tenantry_policy::catalog::{CatalogColumn, Dialect, Storage};
use tenantry_policy::table::{Budget, Column, Field};
use tenantry_policy::{ColumnId, Policy, Table, TableId, Type, Value};

use crate::error::{RunError, SourceError};
use crate::postgres::admin::AdminError;

pub use crate::postgres::scratch::Scratch;
pub use crate::sqlite::memory::in_memory;

/// The source that all tables of a rehearsal live in.
pub(crate) const SOURCE: &str = "rehearsal";

/// The most digits after the point that SQLite's numbers are compared with exactly.
const MOST_SCALE: u8 = 12;

/// A row that is there before the statement runs.
#[derive(Debug, Clone, PartialEq)]
pub struct StagedRow {
    /// Its table.
    pub table: TableId,
    /// Its key there: its place among the rows that are spoken of.
    pub place: usize,
    /// Its values, by the places of the table's columns; places beyond the end are NULL.
    pub values: Vec<Option<Value>>,
}

/// A rehearsal did not come about, or its statement ended with an error.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RehearsalError {
    /// The tables or rows cannot be made there: this database does not hold such values.
    #[error("{0}")]
    Unable(String),
    /// The statement ended with an error, which may be its answer.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The database given for it cannot be used.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The database given for it refuses what a rehearsal needs.
    #[error(transparent)]
    Admin(#[from] AdminError),
}

/// The policy over tables that are made for it in a database of that kind: every table with a name of its own, its
/// columns of plain types, and one more column that alone is its key, so that any row can be named. Rules, boundaries
/// and relations stay as they are; callers may see every column.
pub(crate) fn staged(policy: &Policy, dialect: Dialect, schema: &str) -> Policy {
    let mut staged = policy.clone();
    for table in &mut staged.tables {
        table.db_name = Arc::from(format!("t{}", table.id.0));
        table.schema = Arc::from(schema);
        table.source = Arc::from(SOURCE);
        table.dialect = dialect;
        table.budget = Budget::default();
        for column in &mut table.columns {
            column.facts = plain(&column.facts, dialect);
            column.field = if column.facts.ty.is_some() { Field::Allow } else { Field::Denied };
        }
        add_place(table);
    }
    staged
}

/// The column that names a row: its place among the rows.
fn add_place(table: &mut Table) {
    let mut name = String::from("rehearsed_row");
    while table.columns.iter().any(|column| column.facts.name.eq_ignore_ascii_case(&name)) {
        name.push('_');
    }
    let Ok(at) = u16::try_from(table.columns.len()) else { return };
    let facts = CatalogColumn {
        name: name.clone(),
        ty: Some(Type::Int),
        native: "int8".to_owned(),
        storage: Storage::Native,
        scale: None,
        whole_digits: None,
        nullable: false,
        has_default: false,
        generated: false,
        loose_collation: None,
        padded: false,
    };
    table.columns.push(Column { facts, field: Field::Allow, description: None });
    table.by_name.insert(Arc::from(name), ColumnId(at));
    if let Some(create) = &mut table.writes.create {
        create.push(ColumnId(at));
    }
    // What was the key stays unique.
    let key = std::mem::replace(&mut table.key, vec![ColumnId(at)]);
    if !key.is_empty() {
        table.unique.push(key);
    }
}

/// The same column as this kind of database has it by itself.
fn plain(facts: &CatalogColumn, dialect: Dialect) -> CatalogColumn {
    let (native, storage) = match (facts.ty, dialect) {
        (Some(ty), Dialect::Postgres) => (postgres_type(ty), Storage::Native),
        (Some(Type::Bool), Dialect::Sqlite) => ("BOOLEAN", Storage::BoolInt),
        (Some(Type::Int), Dialect::Sqlite) => ("INTEGER", Storage::Native),
        (Some(Type::Decimal), Dialect::Sqlite) => ("NUMERIC", Storage::DecimalNumber),
        (Some(Type::Uuid), Dialect::Sqlite) => ("TEXT", Storage::UuidText),
        (Some(Type::Timestamp), Dialect::Sqlite) => ("TEXT", Storage::TimestampText),
        (Some(Type::Date), Dialect::Sqlite) => ("TEXT", Storage::DateText),
        (Some(Type::Json), Dialect::Sqlite) => ("TEXT", Storage::JsonText),
        (Some(Type::Float), Dialect::Sqlite) => ("REAL", Storage::Native),
        (Some(Type::Bytes), Dialect::Sqlite) => ("BLOB", Storage::Native),
        (Some(Type::Text), Dialect::Sqlite) | (None, _) => ("TEXT", Storage::Native),
    };
    let decimal = facts.ty == Some(Type::Decimal);
    CatalogColumn {
        name: facts.name.clone(),
        ty: facts.ty,
        native: native.to_owned(),
        storage,
        scale: if decimal && dialect == Dialect::Sqlite { facts.scale.or(Some(MOST_SCALE)) } else { facts.scale },
        whole_digits: facts.whole_digits,
        nullable: facts.nullable || facts.ty.is_none(),
        has_default: false,
        generated: false,
        loose_collation: None,
        padded: false,
    }
}

fn postgres_type(ty: Type) -> &'static str {
    match ty {
        Type::Bool => "bool",
        Type::Int => "int8",
        Type::Decimal => "numeric",
        Type::Text => "text",
        Type::Uuid => "uuid",
        Type::Timestamp => "timestamptz",
        Type::Date => "date",
        Type::Float => "float8",
        Type::Json => "jsonb",
        Type::Bytes => "bytea",
    }
}

/// `CREATE TABLE …` for a staged table. `quoted` is the database's own way to quote a name.
pub(crate) fn create_table(table: &Table, name: &str, quoted: fn(&str) -> String) -> String {
    let mut parts: Vec<String> = table
        .columns
        .iter()
        .filter(|column| column.facts.ty.is_some())
        .map(|column| {
            let null = if column.facts.nullable { "" } else { " NOT NULL" };
            [&quoted(&column.facts.name), " ", &column.facts.native, null].concat()
        })
        .collect();
    let names = |key: &[ColumnId]| -> Option<String> {
        let each = key.iter().map(|id| {
            let facts = &table.column(*id)?.facts;
            facts.ty.map(|_| quoted(&facts.name))
        });
        each.collect::<Option<Vec<_>>>().map(|names| names.join(", "))
    };
    parts.extend(names(&table.key).map(|names| ["PRIMARY KEY (", &names, ")"].concat()));
    parts.extend(table.unique.iter().filter_map(|key| names(key)).map(|names| ["UNIQUE (", &names, ")"].concat()));
    ["CREATE TABLE ", name, " (", &parts.join(", "), ")"].concat()
}

/// The typed columns of a row with their values, the place of the row included.
pub(crate) fn cells<'a>(table: &'a Table, row: &'a StagedRow) -> Vec<(&'a CatalogColumn, Option<Value>)> {
    let last = table.columns.len().saturating_sub(1);
    let value = |at: usize| {
        if at == last { i64::try_from(row.place).ok().map(Value::Int) } else { row.values.get(at).cloned().flatten() }
    };
    let typed = table.columns.iter().enumerate().filter(|(_, column)| column.facts.ty.is_some());
    typed.map(|(at, column)| (&column.facts, value(at))).collect()
}
