//! What the renderer makes: statements with typed parameters and a description of what comes back.
//!
//! INVARIANT: every struct here that leads to a statement's text is `non_exhaustive`, so only this
//! room can make one, and it makes them only from an `Allowed` query. What the source room runs has
//! therefore been decided. ([`Touch`] and [`Output`] only describe, and hold no text to run.)
//! `non_exhaustive` forbids making but not changing, so the whole stands behind [`Program`], which
//! lends its parts and never gives them out to be changed.

use std::ops::{Deref, Range};
use std::sync::Arc;
use std::time::Duration;

use tenantry_policy::catalog::{Dialect, Storage};
use tenantry_policy::redact::Mask;
use tenantry_policy::{Address, Type, Value};

/// Everything that one call needs from one source; its parts can be read, and not changed.
///
/// INVARIANT: the field is private and there is no `DerefMut`: what runs is what was rendered.
#[derive(Debug, Clone)]
pub struct Program {
    parts: Parts,
}

impl Program {
    /// Seals what the renderer made.
    pub(crate) fn seal(parts: Parts) -> Program {
        Program { parts }
    }
}

impl Deref for Program {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.parts
    }
}

/// What a [`Program`] holds.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Parts {
    /// The source, by its key in the file.
    pub source: Arc<str>,
    /// Its kind.
    pub dialect: Dialect,
    /// PostgreSQL: the transaction's settings, by name, that row security reads. Every attribute of
    /// the policy is here, missing ones as the empty text, so that nothing is left from before.
    pub settings: Vec<(String, String)>,
    /// How long each statement may run.
    pub timeout: Duration,
    /// The most bytes of rows in the answer.
    pub max_bytes: u64,
    /// The statements.
    pub steps: Steps,
}

/// The statements by kind of call.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Steps {
    /// Rows with their includes.
    Read(Level),
    /// A calculation.
    Aggregate(Groups),
    /// New rows.
    Create(Insert),
    /// Changed rows (and soft deletes).
    Update(Change),
    /// A removed row.
    Delete(Remove),
}

/// One statement.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Statement {
    /// The text. Holds names and numbers from the policy only, never anything a caller sent.
    pub sql: String,
    /// The parameters, in the order of `?1`, `?2` … or `$1`, `$2` ….
    pub params: Vec<Param>,
    /// The parts of the text that the policy put in, with the rules they come from, by where they
    /// begin. They nest (a hop holds the rules of the related table) and never cross.
    pub injected: Vec<Injected>,
    /// What it reads and writes: all that SQLite's authorizer lets through, `json_each` included where
    /// the parents' keys are read. (A table of which only rows are counted is read without a column.)
    pub touches: Vec<Touch>,
    /// The columns of its result, in order. PostgreSQL: their wire types are the columns' own (`int4`,
    /// `varchar`, `jsonb` …), but `timestamp` arrives as `timestamptz`, and enums, `citext` and domains
    /// over text as `text`. Values are never redacted by the SQL: [`Output::show`] says what callers see.
    pub output: Vec<Output>,
}

/// A part of a statement that comes from a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Injected {
    /// Byte range in `sql`.
    pub range: Range<usize>,
    /// The rule, or the table's address with `.boundary`.
    pub rule: Address,
}

/// A parameter.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Param {
    /// A value, known at rendering.
    Value {
        /// The value; `None` is NULL.
        value: Option<Value>,
        /// Its type, also for NULL. PostgreSQL: the SQL casts the parameter to this type's wire type
        /// (bool, int8, numeric, text, uuid, timestamptz, date, float8, text for Json, bytea).
        ty: Type,
        /// How the place it goes to stores it.
        storage: Storage,
        /// What it stands for, for people: a field's name or an attribute's path.
        label: Arc<str>,
    },
    /// A list of values of one type; PostgreSQL only, bound as an array.
    List {
        /// The values, never NULL.
        values: Vec<Value>,
        /// Their type.
        ty: Type,
        /// What it stands for.
        label: Arc<str>,
    },
    /// The parents' keys, filled in by the runner. PostgreSQL: one array per pair of the relation,
    /// each its own `Keys`. SQLite: one `Keys` with `pair` 0, bound as JSON text: an array of arrays
    /// `[[k0,k1],…]`, integers as numbers, all else as text in its stored form.
    Keys {
        /// Which pair of the relation.
        pair: usize,
        /// The type of the parent's column.
        ty: Type,
        /// How the child's column stores it.
        storage: Storage,
    },
}

/// A table, and the columns of it, that a statement touches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Touch {
    /// The table's name in the database.
    pub table: Arc<str>,
    /// The columns it reads, by name.
    pub reads: Vec<Arc<str>>,
    /// The columns it updates, by name.
    pub updates: Vec<Arc<str>>,
    /// Does it insert rows?
    pub inserts: bool,
    /// Does it delete rows?
    pub deletes: bool,
}

/// A column of a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Its name in the row's JSON object.
    pub name: Arc<str>,
    /// The type of its values.
    pub ty: Type,
    /// How they are stored (already turned native by the SQL where that is said to be `Native`).
    pub storage: Storage,
    /// Digits after the point, for decimals with a declared scale.
    pub scale: Option<u8>,
    /// What callers see of it.
    pub show: Show,
}

/// What callers see of a result's column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Show {
    /// The value.
    Plain,
    /// The masked value.
    Mask(Mask),
    /// The keyed hash.
    Hash {
        /// The table's name in the policy.
        table: Arc<str>,
    },
    /// Nothing: the column serves keys, cursors or checks.
    Hidden,
}

/// A read and the reads that hang on its rows.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Level {
    /// The statement. At the root it fetches `take + 1` rows, in an include `take` per parent.
    pub statement: Statement,
    /// How many rows are shown.
    pub take: u32,
    /// Positions in the output of the order's columns: what a cursor is made from.
    pub order: Vec<usize>,
    /// Positions in the output of the row's key (empty when the table has none).
    pub key: Vec<usize>,
    /// The includes.
    pub children: Vec<Child>,
}

/// An include.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Child {
    /// The relation's name: the key in the parent's JSON object.
    pub name: Arc<str>,
    /// One object or null, rather than an array.
    pub to_one: bool,
    /// Positions in the parent's output of the columns that are matched.
    pub parent: Vec<usize>,
    /// Positions in the child's output of the columns that are matched, in the same order.
    pub own: Vec<usize>,
    /// Its rows.
    pub level: Level,
}

/// A calculation. The value stands last in the output; for `avg` the last two columns are the sum
/// and the count, which the runner divides, so that both databases give the same number.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Groups {
    /// The statement; fetches `max_groups + 1` rows.
    pub statement: Statement,
    /// Divide the last two columns?
    pub average: bool,
    /// More groups are refused.
    pub max_groups: u32,
}

/// New rows, all or none, in one transaction.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Insert {
    /// One guarded `INSERT … SELECT … WHERE …references visible… RETURNING …`, run once per row. The
    /// last output column is a hidden bool: does the new row satisfy the rules? No row back means a
    /// reference is not visible.
    pub statement: Statement,
    /// Per row, the parameters (each as long as `statement.params`, which are the first row's).
    pub rows: Vec<Vec<Param>>,
    /// Run after a refusal by reference: one bool per relation, TRUE when visible. References that
    /// hold a column that the database fills are not among them: the new row's check covers those.
    pub references: Option<References>,
    /// Run after a unique conflict, per row: is one of the caller's own visible rows in the way?
    pub conflict: Option<Conflict>,
    /// Positions in the output of the new row's key.
    pub key: Vec<usize>,
    /// Positions in the output of the columns that the caller asked back.
    pub returning: Vec<usize>,
    /// Positions in the output of the columns of the audit's image (each visible field once).
    pub image: Vec<usize>,
    /// Roll back at the end.
    pub dry_run: bool,
}

/// Finds which reference is not visible.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct References {
    /// `SELECT EXISTS(…), EXISTS(…)`: one bool output column per relation. No row when the row to
    /// change is itself not visible and the reference needs columns of it.
    pub statement: Statement,
    /// Per row, its parameters.
    pub rows: Vec<Vec<Param>>,
    /// The relations' names.
    pub names: Vec<Arc<str>>,
}

/// Finds whether a unique conflict is with a row that the caller may see.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Conflict {
    /// Selects one row when a visible one holds the same unique key.
    pub statement: Statement,
    /// Per row, its parameters.
    pub rows: Vec<Vec<Param>>,
}

/// Changed rows.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Change {
    /// Selects the rows as they are, under the same guard as `update` (PostgreSQL: FOR UPDATE), with
    /// the output columns of `update` less the last. By filter it fetches at most `max_rows + 1` rows,
    /// in the key's order, which is the answer's.
    pub before: Statement,
    /// The guarded UPDATE … RETURNING. The last output column is a hidden bool: does the new row
    /// satisfy the rules?
    pub update: Statement,
    /// Several keys: the parameters of `before` and `update` for each; one entry otherwise.
    pub rows: Vec<ChangeParams>,
    /// Every entry of `rows` must change exactly one row (`update`, `bulk_update` by ids, soft
    /// delete); otherwise any number up to `max_rows`.
    pub exactly_one: bool,
    /// The most rows in all.
    pub max_rows: u32,
    /// Run when nothing was changed and references were written.
    pub references: Option<References>,
    /// Run after a unique conflict.
    pub conflict: Option<Conflict>,
    /// Positions in the output of the row's key.
    pub key: Vec<usize>,
    /// Positions in the output of the columns that the caller asked back.
    pub returning: Vec<usize>,
    /// Positions in the output of the columns of the audit's image.
    pub image: Vec<usize>,
    /// Roll back at the end.
    pub dry_run: bool,
}

/// The parameters of one changed row.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ChangeParams {
    /// Of `before`.
    pub before: Vec<Param>,
    /// Of `update`.
    pub update: Vec<Param>,
}

/// A removed row.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Remove {
    /// The guarded DELETE … RETURNING.
    pub statement: Statement,
    /// Positions in the output of the row's key.
    pub key: Vec<usize>,
    /// Positions in the output of the columns of the audit's image.
    pub image: Vec<usize>,
    /// Roll back at the end.
    pub dry_run: bool,
}
