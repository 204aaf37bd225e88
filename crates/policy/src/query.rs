//! What may be done, fully checked: the tree that the SQL renderer turns into statements.
//! It exists only inside [`crate::Allowed`].

use crate::bound::Access;
use crate::filter::Filter;
use crate::ids::{ColumnId, RelationId, TableId};
use crate::request::Operation;
use crate::value::Value;

/// A checked act.
#[derive(Debug, Clone, PartialEq)]
pub enum Query {
    /// Rows.
    Read(Read),
    /// A calculation.
    Aggregate(Aggregate),
    /// New rows.
    Create(Create),
    /// Changed rows.
    Update(Update),
    /// Removed, or marked, row.
    Delete(Delete),
}

/// A read of rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Read {
    /// From which table.
    pub table: TableId,
    /// The rules in play.
    pub access: Access,
    /// The columns to show, in the order of the answer. Never a denied one.
    pub select: Vec<ColumnId>,
    /// Which rows, beyond the rules.
    pub filter: Option<Filter>,
    /// One row by its key (`get`): values in the key's order.
    pub key: Option<Vec<Value>>,
    /// The order, ending with the key's columns where the table has a key.
    pub order: Vec<Order>,
    /// How many rows at most (per parent, in an include). One more is fetched to know `has_more`.
    pub take: u32,
    /// Go on after these values of `order`'s columns.
    pub after: Option<Vec<Option<Value>>>,
    /// Related rows.
    pub includes: Vec<Include>,
}

/// Related rows of each row of a read.
#[derive(Debug, Clone, PartialEq)]
pub struct Include {
    /// Through which relation of the parent's table.
    pub relation: RelationId,
    /// The rows; `read.table` is the relation's other table, `key` and `after` are `None`.
    pub read: Read,
}

/// An order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Order {
    /// By this column.
    pub column: ColumnId,
    /// Largest first? NULLs come last either way.
    pub descending: bool,
}

/// A calculation over rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Aggregate {
    /// Of which table.
    pub table: TableId,
    /// The rules in play.
    pub access: Access,
    /// What.
    pub operation: Operation,
    /// Of which column; `None` only for count.
    pub column: Option<ColumnId>,
    /// Each value once.
    pub distinct: bool,
    /// Which rows, beyond the rules.
    pub filter: Option<Filter>,
    /// One answer for each combination; the answers are ordered by these.
    pub group_by: Vec<ColumnId>,
    /// Only groups whose value fits.
    pub having: Option<Having>,
    /// The most groups answered; more is refused.
    pub max_groups: u32,
}

/// A test of a group's value.
#[derive(Debug, Clone, PartialEq)]
pub enum Having {
    /// A comparison.
    Compare(crate::condition::Cmp, Value),
    /// Low and high, both included.
    Between(Value, Value),
}

/// New rows, all or none.
#[derive(Debug, Clone, PartialEq)]
pub struct Create {
    /// Into which table.
    pub table: TableId,
    /// The rules for creating.
    pub access: Access,
    /// The rules for reading, which the new row must satisfy too.
    pub read: Access,
    /// The columns set; the same for every row.
    pub columns: Vec<ColumnId>,
    /// Per row, a value for each of `columns`; `None` is NULL.
    pub rows: Vec<Vec<Option<Value>>>,
    /// Relations to one whose columns are written: the row they point at must be visible.
    pub references: Vec<Reference>,
    /// The columns to show of each new row.
    pub returning: Vec<ColumnId>,
    /// Undo at the end.
    pub dry_run: bool,
}

/// A written relation whose target must be visible to the principal.
#[derive(Debug, Clone, PartialEq)]
pub struct Reference {
    /// The to-one relation of the written table.
    pub relation: RelationId,
    /// The rules for reading its other table; `None` when the caller may read nothing there (then
    /// only rules count, not tools: see `decide`).
    pub access: Access,
}

/// Changed rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Update {
    /// Of which table.
    pub table: TableId,
    /// The rules for updating: old and new row.
    pub access: Access,
    /// The rules for reading: old and new row too.
    pub read: Access,
    /// Which rows.
    pub target: Target,
    /// Columns and new values; never a key, scope or immutable column.
    pub set: Vec<(ColumnId, Option<Value>)>,
    /// Relations to one whose columns are written.
    pub references: Vec<Reference>,
    /// The columns to show of each changed row.
    pub returning: Vec<ColumnId>,
    /// The most rows; one more and nothing is changed.
    pub max_rows: u32,
    /// Undo at the end.
    pub dry_run: bool,
}

/// Rows to change.
#[derive(Debug, Clone, PartialEq)]
pub enum Target {
    /// One row by its key.
    Key(Vec<Value>),
    /// Several rows by their keys; each must be there, or nothing is changed.
    Keys(Vec<Vec<Value>>),
    /// Rows that fit.
    Where(Filter),
}

/// A removed row.
#[derive(Debug, Clone, PartialEq)]
pub struct Delete {
    /// From which table.
    pub table: TableId,
    /// The rules for deleting.
    pub access: Access,
    /// The rules for reading, which the row must satisfy too.
    pub read: Access,
    /// Its key.
    pub key: Vec<Value>,
    /// Soft: the columns to set instead (the mark, and what updates set automatically).
    pub mark: Option<Vec<(ColumnId, Option<Value>)>>,
    /// Undo at the end.
    pub dry_run: bool,
}
