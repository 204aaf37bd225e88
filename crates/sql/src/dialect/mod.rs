//! What differs between the databases: one file each, nothing of it elsewhere.

pub(crate) mod postgres;
mod sqlite;

use tenantry_policy::catalog::{CatalogColumn, Dialect, Storage};
use tenantry_policy::condition::{Cmp, Truth};
use tenantry_policy::filter::Place;
use tenantry_policy::{ColumnId, Table, Type, Value};

use crate::RenderError;
use crate::builder::{Alias, Sql};

pub use sqlite::FUNCTIONS as SQLITE_FUNCTIONS;

/// In which form a column's value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// The column itself.
    Raw,
    /// Text, compared by its bytes. `cast` where the database's type is not plain text, `bytes`
    /// where its own comparison is not bytewise.
    Text {
        /// Read as text first.
        cast: bool,
        /// Name the bytewise collation.
        bytes: bool,
    },
    /// SQLite: a decimal, times ten to this power, as an integer.
    Scaled(u8),
    /// SQLite: a decimal without a declared scale, as a floating-point number.
    Real,
    /// SQLite: a timestamp in text, as microseconds.
    Micros,
    /// PostgreSQL: a timestamp without time zone, read as UTC.
    Utc,
}

impl Form {
    /// Is the form a computed number, whose values are bound as such?
    pub(crate) fn is_computed(self) -> bool {
        matches!(self, Form::Scaled(_) | Form::Real | Form::Micros)
    }
}

/// What a column's value is written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// `=` and `<>` with a single value.
    Equal,
    /// Ordering, and the comparisons that follow it.
    Order,
    /// Membership in a list.
    List,
    /// The result.
    Show,
}

/// A comparison, said in the form that the column is written in.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Adjusted {
    /// Compare with this.
    Compare(Cmp, Value),
    /// No value can make a difference: this truth for every value, UNKNOWN for NULL.
    Present(bool),
}

/// A piece of the text that looks for a part of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Piece {
    /// Text.
    Text(&'static str),
    /// The text searched.
    Whole,
    /// The part looked for.
    Part,
}

/// How a database says things.
pub(crate) trait Speech: Sync {
    /// A constant. UNKNOWN is a NULL of boolean type.
    fn truth(&self, truth: Truth) -> &'static str;

    /// How a computed bool is stored in a result.
    fn bool_storage(&self) -> Storage;

    /// The form of a column for a use.
    fn form(&self, facts: &CatalogColumn, usage: Use) -> Form;

    /// The forms of two columns that are compared with one another.
    fn forms(&self, left: &CatalogColumn, right: &CatalogColumn) -> (Form, Form);

    /// Can a rule compare such a column exactly?
    fn exact(&self, facts: &CatalogColumn) -> bool;

    /// The comparison of a column in `form` with a value.
    fn adjust(&self, form: Form, cmp: Cmp, value: &Value) -> Adjusted;

    /// Writes a column in a form.
    fn column(
        &self,
        sql: &mut Sql<'_>,
        from: Alias,
        table: &Table,
        id: ColumnId,
        form: Form,
    ) -> Result<(), RenderError>;

    /// Writes the placeholder of a value that is compared with a column in `form`.
    fn parameter(
        &self,
        sql: &mut Sql<'_>,
        number: usize,
        ty: Type,
        storage: Storage,
        facts: &CatalogColumn,
        form: Form,
    );

    /// Writes the placeholder of a value that is written into a column.
    fn written(&self, sql: &mut Sql<'_>, number: usize, facts: &CatalogColumn) -> Result<(), RenderError>;

    /// Do lists travel as one array parameter, written by [`Speech::list`]?
    fn lists_are_arrays(&self) -> bool;

    /// Writes `[= ANY | <> ALL](array)`.
    fn list(&self, sql: &mut Sql<'_>, number: usize, ty: Type, negated: bool);

    /// The test for a part of a text.
    fn part(&self, place: Place) -> &'static [Piece];

    /// Writes ` IN (…the parents' keys…)` for columns already written; `types` are the parents'.
    fn keys(&self, sql: &mut Sql<'_>, first: usize, types: &[Type]);

    /// Is each pair of a relation its own parameter of keys?
    fn keys_by_pair(&self) -> bool;

    /// Does the planner choose between looking rows up and finding them all, for `EXISTS`?
    fn plans_exists(&self) -> bool;

    /// The end of a select whose rows are about to be changed.
    fn for_update(&self) -> &'static str;

    /// Does row security stand behind the statements, reading settings?
    fn has_settings(&self) -> bool;

    /// What to write before (the operand's `DISTINCT`, if any) and after the operand of a sum.
    fn sum(&self, ty: Type) -> (&'static str, &'static str);

    /// What to write before and after a number to divide it as floating point.
    fn float(&self) -> (&'static str, &'static str);
}

/// The dialect's way of saying things.
pub(crate) fn of(dialect: Dialect) -> &'static dyn Speech {
    match dialect {
        Dialect::Sqlite => &sqlite::Sqlite,
        Dialect::Postgres => &postgres::Postgres,
    }
}

/// The operator's text.
pub(crate) fn operator(cmp: Cmp) -> &'static str {
    match cmp {
        Cmp::Eq => " = ",
        Cmp::Ne => " <> ",
        Cmp::Lt => " < ",
        Cmp::Le => " <= ",
        Cmp::Gt => " > ",
        Cmp::Ge => " >= ",
    }
}

/// The operator with its sides swapped.
pub(crate) fn flipped(cmp: Cmp) -> Cmp {
    match cmp {
        Cmp::Eq | Cmp::Ne => cmp,
        Cmp::Lt => Cmp::Gt,
        Cmp::Le => Cmp::Ge,
        Cmp::Gt => Cmp::Lt,
        Cmp::Ge => Cmp::Le,
    }
}

/// The use that a comparison makes of its columns.
pub(crate) fn use_of(cmp: Cmp) -> Use {
    if matches!(cmp, Cmp::Eq | Cmp::Ne) { Use::Equal } else { Use::Order }
}
