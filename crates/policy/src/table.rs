//! A governed table: its columns as the catalog has them, and every rule about its rows.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::attribute::AttrId;
use crate::catalog::{CatalogColumn, Dialect};
use crate::condition::Cond;
use crate::ids::{Address, ColumnId, RelationId, TableId};
use crate::redact::Mask;

/// What is done to rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Op {
    /// See them, count them.
    Read,
    /// Add them.
    Create,
    /// Change them.
    Update,
    /// Remove them.
    Delete,
}

impl Op {
    /// All four.
    pub const ALL: [Op; 4] = [Op::Read, Op::Create, Op::Update, Op::Delete];

    /// The name in the file (`on = ["read"]`) and in reasons.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Op::Read => "read",
            Op::Create => "create",
            Op::Update => "update",
            Op::Delete => "delete",
        }
    }

    /// Its position in arrays by operation.
    #[must_use]
    pub fn index(self) -> usize {
        self as usize
    }
}

/// A set of operations.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct OpSet(u8);

impl OpSet {
    /// Reads only: what permit and bypass mean unless `on` says more.
    pub const READ: OpSet = OpSet(1);
    /// Every operation.
    pub const ALL: OpSet = OpSet(0b1111);

    /// A set from its members.
    pub fn of(ops: impl IntoIterator<Item = Op>) -> OpSet {
        OpSet(ops.into_iter().fold(0, |bits, op| bits | 1 << (op as u8)))
    }

    /// Is it in the set?
    #[must_use]
    pub fn has(self, op: Op) -> bool {
        self.0 & (1 << (op as u8)) != 0
    }

    /// The members.
    pub fn iter(self) -> impl Iterator<Item = Op> {
        Op::ALL.into_iter().filter(move |op| self.has(*op))
    }
}

/// How a rule takes part: `visible = (scope OR permits OR bypasses OR shared) AND requires AND boundary`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RuleKind {
    /// The own rows: all equalities of `scope`, ANDed. At most one a table. All operations.
    Scope,
    /// Rows that every tenant may read. Reads only.
    Shared,
    /// Widens.
    Permit,
    /// Widens past the boundary; named and audited.
    Bypass,
    /// Narrows.
    Require,
    /// Hides rows that a soft delete marked. Narrows; not part of row security, since PostgreSQL
    /// would refuse the very update that marks a row.
    Live,
}

impl RuleKind {
    /// One of the rules that make rows visible, rather than hide them?
    #[must_use]
    pub fn widens(self) -> bool {
        matches!(self, RuleKind::Scope | RuleKind::Shared | RuleKind::Permit | RuleKind::Bypass)
    }

    /// The word in addresses and reasons.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            RuleKind::Scope => "scope",
            RuleKind::Shared => "shared",
            RuleKind::Permit => "permit",
            RuleKind::Bypass => "bypass",
            RuleKind::Require => "require",
            RuleKind::Live => "live",
        }
    }
}

/// One rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// Its name: `table.orders.permit.parent-access`.
    pub address: Address,
    /// How it takes part.
    pub kind: RuleKind,
    /// For which operations.
    pub on: OpSet,
    /// When.
    pub when: Cond,
    /// The condition as it stands in the file, for people.
    pub text: Arc<str>,
}

/// The most rules a table may have; each has a bit in [`crate::Access`].
pub const MAX_RULES: usize = 64;

/// A column and what callers may do with it.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// What the database says of it. Its `ty` is `Some` for every field that is not denied.
    pub facts: CatalogColumn,
    /// What callers get to see.
    pub field: Field,
    /// A description for `describe_schema`.
    pub description: Option<Arc<str>>,
}

/// What callers may see of a column.
#[derive(Debug, Clone, PartialEq)]
pub enum Field {
    /// Nothing; answers as if it did not exist.
    Denied,
    /// The value.
    Allow,
    /// A masked value.
    Mask {
        /// How.
        mask: Mask,
        /// Usable in where, order_by, group_by, min, max, distinct, although each is an oracle.
        filterable: bool,
    },
    /// A keyed hash: equal values of one account look equal, nothing else is told.
    Hash {
        /// Usable in where and so on, although each is an oracle.
        filterable: bool,
    },
}

impl Field {
    /// May callers name it at all?
    #[must_use]
    pub fn visible(&self) -> bool {
        !matches!(self, Field::Denied)
    }

    /// May it stand in where, order_by, group_by, having, min, max and distinct?
    #[must_use]
    pub fn filterable(&self) -> bool {
        match self {
            Field::Denied => false,
            Field::Allow => true,
            Field::Mask { filterable, .. } | Field::Hash { filterable } => *filterable,
        }
    }
}

/// A way from one table to another.
#[derive(Debug, Clone, PartialEq)]
pub struct Relation {
    /// Its name.
    pub name: Arc<str>,
    /// The other table.
    pub to: TableId,
    /// To one row (our columns point at its key) or to many (its columns point at our key)?
    pub to_one: bool,
    /// Pairs of our column and the other table's column.
    pub pairs: Vec<(ColumnId, ColumnId)>,
}

/// What may be written, and under which conditions.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Writes {
    /// The columns a create may set; `None` when creating is off. Server-set columns are not listed.
    pub create: Option<Vec<ColumnId>>,
    /// The columns an update may set; empty when updating is off.
    pub update: Vec<ColumnId>,
    /// How a delete works.
    pub delete: DeleteMode,
    /// Never changed after creation. Scope columns and key columns always are.
    pub immutable: Vec<ColumnId>,
    /// Must be given, and not NULL, on create.
    pub required: Vec<ColumnId>,
    /// Set by the server on create; input that differs is refused.
    pub auto_set: Vec<(ColumnId, AutoValue)>,
    /// Set by the server on every update (`updated_at`, `updated_by`).
    pub auto_update: Vec<(ColumnId, AutoValue)>,
    /// Must the caller say why?
    pub require_reason: bool,
    /// Who must agree first; `None` when nobody.
    pub approval: Option<Approval>,
    /// The most rows that one call may create, change or remove.
    pub max_rows: u32,
}

/// What a delete does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum DeleteMode {
    /// Refused.
    #[default]
    Off,
    /// The row goes.
    Hard,
    /// The column (a nullable timestamp, or a bool) is set to now, or TRUE; the row stays, unseen.
    Soft(ColumnId),
}

/// A value that the server sets.
#[derive(Debug, Clone, PartialEq)]
pub enum AutoValue {
    /// A scalar attribute of the principal.
    Attr(AttrId),
    /// The time of the call.
    Now,
    /// A constant.
    Literal(crate::value::Value),
}

/// Who must agree to a write before it happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// Roles of which the approver must hold one. Never the requester.
    pub roles: Vec<Arc<str>>,
    /// For which operations; reads never.
    pub on: OpSet,
}

/// Limits on one call. Enforced before the statement or in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Budget {
    /// The most rows of this table that one answer holds (per parent, when included).
    pub max_rows: u32,
    /// How long the statement may run.
    pub timeout: Duration,
    /// The most includes in one call, all levels together.
    pub max_includes: u32,
    /// The deepest level of includes.
    pub max_depth: u32,
    /// The most filter leaves in one call.
    pub max_filters: u32,
    /// The longest list of `in` and `not_in`.
    pub max_in: u32,
    /// The most columns selected.
    pub max_columns: u32,
    /// The most bytes of rows in one answer.
    pub max_bytes: u64,
    /// The highest cost score: rows that the call may return, all includes multiplied out.
    pub max_cost: u64,
    /// Columns of which a query, aggregate or bulk update must filter at least one by equality.
    pub require_filter: Vec<ColumnId>,
}

impl Default for Budget {
    fn default() -> Self {
        Budget {
            max_rows: 100,
            timeout: Duration::from_secs(5),
            max_includes: 4,
            max_depth: 3,
            max_filters: 50,
            max_in: 200,
            max_columns: 100,
            max_bytes: 4 * 1024 * 1024,
            max_cost: 20_000,
            require_filter: Vec::new(),
        }
    }
}

/// A governed table.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// Its position.
    pub id: TableId,
    /// The name that callers use for it: the key in the file.
    pub name: Arc<str>,
    /// What it holds, for agents.
    pub description: Option<Arc<str>>,
    /// The source it lives in: the key in the file.
    pub source: Arc<str>,
    /// The kind of that source.
    pub dialect: Dialect,
    /// The schema in the database; `main` on SQLite.
    pub schema: Arc<str>,
    /// The name in the database.
    pub db_name: Arc<str>,
    /// All columns of the catalog, denied ones too.
    pub columns: Vec<Column>,
    /// The primary key, by which `id` names a row. Empty: no get, update or delete by id.
    pub key: Vec<ColumnId>,
    /// Unique keys besides.
    pub unique: Vec<Vec<ColumnId>>,
    /// Ways to other tables, ordered by name.
    pub relations: Vec<Relation>,
    /// The column that holds the tenant: the one that `scope` equates with `principal.tenant_id`,
    /// possibly through a relation. `None` for tables with only `shared`.
    pub tenant: Option<crate::condition::ColumnRef>,
    /// Every rule; at most [`MAX_RULES`].
    pub rules: Vec<Rule>,
    /// Per operation: own tenant, or declared reach, or shared, or a bypass. Generated.
    pub boundary: [Cond; 4],
    /// Writing.
    pub writes: Writes,
    /// Limits.
    pub budget: Budget,
    /// Column positions by name.
    pub by_name: BTreeMap<Arc<str>, ColumnId>,
}

impl Table {
    /// The column at a position.
    #[must_use]
    pub fn column(&self, id: ColumnId) -> Option<&Column> {
        self.columns.get(id.index())
    }

    /// The key, where callers may name rows by it: to ask for a row by its key is to filter by it, so
    /// a key with a denied column, or a redacted one that is not `filterable`, would be an oracle.
    #[must_use]
    pub fn callers_key(&self) -> &[ColumnId] {
        let usable = |id: &ColumnId| self.column(*id).is_some_and(|column| column.field.filterable());
        if self.key.iter().all(usable) { &self.key } else { &[] }
    }

    /// The column of that exact name, denied or not.
    #[must_use]
    pub fn find_column(&self, name: &str) -> Option<ColumnId> {
        self.by_name.get(name).copied()
    }

    /// The relation of that name.
    #[must_use]
    pub fn find_relation(&self, name: &str) -> Option<(RelationId, &Relation)> {
        let at = self.relations.iter().position(|relation| relation.name.as_ref() == name)?;
        Some((RelationId(u16::try_from(at).ok()?), self.relations.get(at)?))
    }

    /// The relation at a position.
    #[must_use]
    pub fn relation(&self, id: RelationId) -> Option<&Relation> {
        self.relations.get(id.index())
    }

    /// The address of the table itself.
    #[must_use]
    pub fn address(&self) -> Address {
        Address::new(["table.", &self.name].concat())
    }
}
