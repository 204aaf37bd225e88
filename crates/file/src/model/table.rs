//! Governed tables.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::words::{Condition, Millis, Name};

/// A governed table.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TableDecl {
    /// Where it is: `main.public.orders`, or `main.orders` for the default schema.
    pub source: String,
    /// What it holds, for agents.
    pub description: Option<String>,
    /// Whose rows these are: columns (or `relation.column`) that equal attributes of the principal.
    #[serde(default)]
    pub scope: BTreeMap<String, String>,
    /// Rows that every tenant may read; `TRUE` for the whole table.
    pub shared: Option<Condition>,
    /// What callers may see of each column; not named is denied.
    #[serde(default)]
    pub fields: BTreeMap<String, FieldDecl>,
    /// Ways to other tables.
    #[serde(default)]
    pub relations: BTreeMap<Name, RelationDecl>,
    /// Limits on one call.
    #[serde(default)]
    pub budget: BudgetDecl,
    /// What may be written; nothing unless said.
    pub write: Option<WriteDecl>,
    /// Rules that narrow: all of them must hold.
    #[serde(default)]
    pub require: BTreeMap<Name, RuleDecl>,
    /// Rules that widen, within the boundary.
    #[serde(default)]
    pub permit: BTreeMap<Name, RuleDecl>,
    /// Rules that widen past the boundary; named and audited.
    #[serde(default)]
    pub bypass: BTreeMap<Name, RuleDecl>,
    /// What SQLite columns mean where SQLite has no type for it.
    #[serde(default)]
    pub types: BTreeMap<String, String>,
}

/// What callers may see of a column.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum FieldDecl {
    /// `allow`, `deny`, `hash`, `mask`, or `mask:PATTERN`.
    Short(String),
    /// With more to say.
    Long(FieldLong),
}

/// What callers may see of a column, with more to say.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FieldLong {
    /// `allow`, `deny`, `hash` or `mask`.
    pub show: Option<FieldShow>,
    /// How to mask: `all`, `email`, `last1` to `last8`, `first1` to `first8`.
    pub mask: Option<String>,
    /// May a masked or hashed field stand in filters, orders and groups, although each is an oracle?
    pub filterable: Option<bool>,
    /// For agents.
    pub description: Option<String>,
}

/// What callers see of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum FieldShow {
    /// The value.
    Allow,
    /// Nothing; the field answers as if it did not exist.
    Deny,
    /// A keyed hash.
    Hash,
    /// A masked value.
    Mask,
}

/// A way to another table.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RelationDecl {
    /// The other governed table.
    pub table: Name,
    /// To one row: our column or columns that point at its key.
    pub key: Option<Columns>,
    /// To many rows: the other table's column or columns that point at our key.
    pub foreign_key: Option<Columns>,
    /// The columns pointed at, when they are not the primary key.
    pub references: Option<Columns>,
}

/// A column, or several in order.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Columns {
    /// One.
    One(String),
    /// Several.
    Many(Vec<String>),
}

impl Columns {
    /// The names, in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        match self {
            Columns::One(name) => std::slice::from_ref(name),
            Columns::Many(names) => names.as_slice(),
        }
        .iter()
        .map(String::as_str)
    }
}

/// Limits on one call.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BudgetDecl {
    /// The most rows of one answer (per parent, when included). 100 unless said.
    #[schemars(range(min = 1, max = 10_000))]
    pub max_rows: Option<u32>,
    /// How long the statement may run, 1ms to 5m. `5s` unless said.
    pub timeout: Option<Millis>,
    /// The most includes, all levels together. 4 unless said.
    #[schemars(range(min = 0, max = 32))]
    pub max_includes: Option<u32>,
    /// The deepest level of includes. 3 unless said.
    #[schemars(range(min = 0, max = 8))]
    pub max_depth: Option<u32>,
    /// The most filter tests. 50 unless said.
    #[schemars(range(min = 1, max = 500))]
    pub max_filters: Option<u32>,
    /// The longest list of `in`. 200 unless said.
    #[schemars(range(min = 1, max = 10_000))]
    pub max_in: Option<u32>,
    /// The most columns selected. 100 unless said.
    #[schemars(range(min = 1, max = 1_000))]
    pub max_columns: Option<u32>,
    /// The most bytes of rows in one answer. 4 MiB unless said.
    #[schemars(range(min = 1_024, max = 268_435_456))]
    pub max_bytes: Option<u64>,
    /// The most rows that a call may return, all includes multiplied out. 20000 unless said.
    #[schemars(range(min = 1, max = 10_000_000))]
    pub max_cost: Option<u64>,
    /// Fields of which a query must filter at least one by equality.
    pub require_filter: Vec<String>,
}

/// What may be written.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct WriteDecl {
    /// May rows be created, and with which columns? `true` for every visible column that is the caller's to set.
    pub create: Writable,
    /// Which columns may be changed? `true` for every visible column that is the caller's to change.
    pub update: Writable,
    /// May rows be removed? `{ soft = "deleted_at" }` marks them instead.
    pub delete: DeleteDecl,
    /// Never changed after creation. Scope and key columns always are.
    pub immutable: Vec<String>,
    /// Never written by callers.
    pub readonly: Vec<String>,
    /// Must be given on create.
    pub required: Vec<String>,
    /// Set by the server on create: `principal.…`, `now`, or a literal.
    pub auto_set: BTreeMap<String, AutoDecl>,
    /// Set by the server on update.
    pub auto_update: BTreeMap<String, AutoDecl>,
    /// Must the caller say why?
    pub require_reason: bool,
    /// Who must agree first.
    pub approval: Option<ApprovalDecl>,
    /// The most rows that one call may write. 1 unless said.
    #[schemars(range(min = 1, max = 10_000))]
    pub max_rows: Option<u32>,
}

/// Which columns a caller may write.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Writable {
    /// All of them, or none.
    All(bool),
    /// These.
    These(Vec<String>),
}

impl Default for Writable {
    fn default() -> Self {
        Writable::All(false)
    }
}

/// How rows are removed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum DeleteDecl {
    /// They go, or nothing is removed.
    Plain(bool),
    /// They are marked.
    Soft(SoftDelete),
}

impl Default for DeleteDecl {
    fn default() -> Self {
        DeleteDecl::Plain(false)
    }
}

/// How rows are marked as removed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SoftDelete {
    /// A nullable timestamp column, or a bool column.
    pub soft: String,
}

/// A value that the server sets.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum AutoDecl {
    /// A literal.
    Bool(bool),
    /// A literal.
    Int(i64),
    /// `principal.…`, `now`, or a literal.
    Text(String),
}

/// Who must agree to a write first.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApprovalDecl {
    /// Roles of which the approver holds one; never the requester.
    pub roles: Vec<String>,
    /// For which operations; all writes unless said.
    pub on: Option<Vec<WriteOp>>,
}

/// An operation that changes rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum WriteOp {
    /// Add rows.
    Create,
    /// Change rows.
    Update,
    /// Remove rows.
    Delete,
}

/// A rule.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleDecl {
    /// The condition.
    pub when: Condition,
    /// For which operations. Permits and bypasses: reads unless said; requires: all unless said.
    pub on: Option<Vec<RuleOp>>,
    /// For people.
    pub description: Option<String>,
}

/// An operation on rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RuleOp {
    /// See rows.
    Read,
    /// Add rows.
    Create,
    /// Change rows.
    Update,
    /// Remove rows.
    Delete,
}
