//! Rows, the rules about them, and the hops between them.

use tenantry_policy::catalog::CatalogColumn;
use tenantry_policy::condition::{ColumnRef, Cond, Truth};
use tenantry_policy::table::{Relation, Rule};
use tenantry_policy::{Access, Address, ColumnId, Context, Op, Policy, RelationId, RuleKind, Table, TableId};

use crate::builder::{Alias, Sql, Voice, column};
use crate::dialect::{self, Form};
use crate::{FENCE_ONE, RenderError};

/// Hops inside rules of hops: compiled policies have no cycles, and chains are short.
const MOST_HOPS: u8 = 16;

/// Where the attributes of the principal come from.
#[derive(Clone, Copy)]
pub(crate) enum Law<'a> {
    /// One call: they are known, and become parameters.
    Call(&'a Context),
    /// Row security: the database reads them from settings.
    Settings,
    /// Row security of seats: the database knows the tenant, and nothing else is known.
    Seat,
}

/// A row that a part of a statement speaks of.
#[derive(Clone, Copy)]
pub(crate) struct Row<'a> {
    pub(crate) alias: Alias,
    pub(crate) table: &'a Table,
    /// Set inside `… IN (SELECT key FROM related WHERE …)`: this is the related row, and columns
    /// that the condition reaches through this relation are its own.
    pub(crate) lifted: Option<RelationId>,
}

impl<'a> Row<'a> {
    pub(crate) fn new(alias: Alias, table: &'a Table) -> Row<'a> {
        Row { alias, table, lifted: None }
    }
}

/// Must a condition's FALSE and UNKNOWN be told apart?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// Only TRUE matters: the rows of the row's own rules, filters and guards.
    Truth,
    /// All three, because a NOT stands above.
    Exact,
}

/// Are rows that a soft delete marked hidden?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Marked {
    /// Yes, as always.
    Hidden,
    /// No: the check of a row that has just been marked.
    Kept,
}

/// Writes one statement or expression.
pub(crate) struct Scribe<'a> {
    pub(crate) policy: &'a Policy,
    pub(crate) law: Law<'a>,
    pub(crate) sql: Sql<'a>,
    /// Is it about few rows, found by keys, by their parents' keys or by the caller's filter?
    ///
    /// INVARIANT: TRUE wherever the caller says which rows. A list of all related rows would only be
    /// made once such a row exists, whoever it belongs to, and the time would tell.
    pub(crate) few: bool,
    hops: u8,
}

impl<'a> Scribe<'a> {
    /// A statement of one call. `own` is the table it changes, if it changes one.
    pub(crate) fn call(context: &'a Context, table: &'a Table, own: Option<&'a Table>) -> Scribe<'a> {
        let policy = context.bound.policy.as_ref();
        let sql = Sql::statement(policy, dialect::of(table.dialect), own);
        Scribe { policy, law: Law::Call(context), sql, few: false, hops: 0 }
    }

    /// An expression of row security on a table of PostgreSQL.
    pub(crate) fn row_security(policy: &'a Policy, table: &'a Table, voice: Voice) -> Scribe<'a> {
        let sql = Sql::row_security(policy, dialect::of(table.dialect), table, voice);
        let law = match voice {
            Voice::Settings => Law::Settings,
            Voice::Seat => Law::Seat,
        };
        Scribe { policy, law, sql, few: false, hops: 0 }
    }

    /// `visible(op) = (scope OR shared OR permits OR bypasses) AND requires AND live AND boundary`,
    /// for several operations at once: parts that they share are written once.
    pub(crate) fn visible(&mut self, row: Row<'a>, accesses: &[Access], marked: Marked) -> Result<(), RenderError> {
        if accesses.is_empty() || accesses.iter().any(|access| access.table != row.table.id) {
            return Err(RenderError::Inconsistent("the rules of another table"));
        }
        if !FENCE_ONE && matches!(self.law, Law::Call(_)) {
            self.truth(Truth::True);
            return Ok(());
        }
        let mut first = true;
        let mut sets: [Option<u64>; Op::ALL.len()] = [None; Op::ALL.len()];
        for access in accesses {
            let set = members(row.table, access, RuleKind::widens);
            if sets.contains(&Some(set)) {
                continue;
            }
            if let Some(free) = sets.iter_mut().find(|slot| slot.is_none()) {
                *free = Some(set);
            }
            self.and(&mut first);
            self.widening(row, set)?;
        }
        let narrows = |kind: RuleKind| match kind {
            RuleKind::Require => true,
            RuleKind::Live => marked == Marked::Hidden,
            _ => false,
        };
        let narrowing = accesses.iter().fold(0, |set, access| set | members(row.table, access, narrows));
        for rule in chosen(row.table, narrowing) {
            self.and(&mut first);
            self.marked_cond(row, &rule.address, &rule.when)?;
        }
        for (at, access) in accesses.iter().enumerate() {
            let boundary = boundary(row.table, access.op)?;
            let known = accesses.iter().take(at).any(|other| boundary_is(row.table, other.op, boundary));
            if !known {
                self.and(&mut first);
                self.boundary(row, boundary)?;
            }
        }
        Ok(())
    }

    fn and(&mut self, first: &mut bool) {
        if !*first {
            self.sql.push(" AND ");
        }
        *first = false;
    }

    fn widening(&mut self, row: Row<'a>, set: u64) -> Result<(), RenderError> {
        match set.count_ones() {
            0 => {
                // Nothing makes a row visible.
                let address = row.table.address();
                let mark = self.sql.mark(&address);
                self.truth(Truth::False);
                self.sql.end_mark(&mark);
            }
            1 => {
                for rule in chosen(row.table, set) {
                    self.marked_cond(row, &rule.address, &rule.when)?;
                }
            }
            _ => {
                // Rules that all look at one related row look at it together.
                let mut through = chosen(row.table, set).map(|rule| self.lifts(row, &rule.when));
                let first = through.next().flatten();
                let all = first.filter(|first| through.all(|other| other == Some(*first)));
                match all {
                    None => self.alternatives(row, row.table, set)?,
                    Some(relation) => {
                        let mark = chosen(row.table, set).next().map(|rule| self.sql.mark(&rule.address));
                        self.sql.push("(");
                        let other = self.lift(row, relation)?;
                        self.alternatives(other, row.table, set)?;
                        self.end_lift(other)?;
                        self.sql.push(")");
                        if let Some(mark) = &mark {
                            self.sql.end_mark(mark);
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// Writes `(rule OR rule …)`, of the rules of `table`.
    fn alternatives(&mut self, row: Row<'a>, table: &'a Table, set: u64) -> Result<(), RenderError> {
        self.sql.push("(");
        for (at, rule) in chosen(table, set).enumerate() {
            if at > 0 {
                self.sql.push(" OR ");
            }
            self.marked_cond(row, &rule.address, &rule.when)?;
        }
        self.sql.push(")");
        Ok(())
    }

    fn boundary(&mut self, row: Row<'a>, boundary: &'a Cond) -> Result<(), RenderError> {
        let address = Address::new(["table.", &row.table.name, ".boundary"].concat());
        self.marked_cond(row, &address, boundary)
    }

    fn marked_cond(&mut self, row: Row<'a>, address: &Address, when: &'a Cond) -> Result<(), RenderError> {
        let mark = self.sql.mark(address);
        if self.in_parentheses(row, when) {
            self.cond(row, when, Need::Truth)?;
        } else {
            self.sql.push("(");
            self.cond(row, when, Need::Truth)?;
            self.sql.push(")");
        }
        self.sql.end_mark(&mark);
        Ok(())
    }

    pub(crate) fn truth(&mut self, truth: Truth) {
        let text = self.sql.speech().truth(truth);
        self.sql.push(text);
    }

    /// Writes ` AND …` with what makes a related row readable for the principal on its own.
    pub(crate) fn and_readable(&mut self, row: Row<'a>) -> Result<(), RenderError> {
        match self.law {
            Law::Call(context) => {
                let access = context.bound.access(row.table.id, Op::Read);
                self.sql.push(" AND ");
                self.visible(row, &[access], Marked::Hidden)
            }
            Law::Settings | Law::Seat => {
                // The related table's own row security hides what the principal may not read, but
                // for the marks of a soft delete, which are not part of it.
                for rule in row.table.rules.iter().filter(|rule| rule.kind == RuleKind::Live && rule.on.has(Op::Read)) {
                    self.sql.push(" AND (");
                    self.cond(row, &rule.when, Need::Truth)?;
                    self.sql.push(")");
                }
                Ok(())
            }
        }
    }

    /// A to-one relation, and the table it leads to, in the same source.
    pub(crate) fn to_one(&self, table: &'a Table, id: RelationId) -> Result<(&'a Relation, &'a Table), RenderError> {
        let (relation, related) = self.relation(table, id)?;
        if !relation.to_one {
            return Err(RenderError::Inconsistent("a relation to many where one row is meant"));
        }
        Ok((relation, related))
    }

    /// A relation, and the table it leads to, in the same source.
    pub(crate) fn relation(&self, table: &'a Table, id: RelationId) -> Result<(&'a Relation, &'a Table), RenderError> {
        let relation = table.relation(id).ok_or(RenderError::Inconsistent("a relation"))?;
        let related = self.table(relation.to)?;
        if related.source != table.source || relation.pairs.is_empty() {
            return Err(RenderError::Inconsistent("a relation out of its source"));
        }
        Ok((relation, related))
    }

    pub(crate) fn table(&self, id: TableId) -> Result<&'a Table, RenderError> {
        self.policy.table(id).ok_or(RenderError::Inconsistent("a table"))
    }

    /// What the catalog says of a column that a condition reads.
    pub(crate) fn facts(&self, row: Row<'a>, reach: ColumnRef) -> Result<&'a CatalogColumn, RenderError> {
        let (table, id) = match reach {
            ColumnRef::Own(id) => (row.table, id),
            ColumnRef::Hop(relation, id) if row.lifted == Some(relation) => (row.table, id),
            ColumnRef::Hop(relation, id) => (self.to_one(row.table, relation)?.1, id),
        };
        Ok(&column(table, id)?.facts)
    }

    /// Writes a column that a condition reads. Through a hop: a subselect that is NULL when there is
    /// no such row, and when the principal may not read it.
    pub(crate) fn operand(&mut self, row: Row<'a>, reach: ColumnRef, form: Form) -> Result<(), RenderError> {
        let speech = self.sql.speech();
        let (relation, id) = match reach {
            ColumnRef::Own(id) => return speech.column(&mut self.sql, row.alias, row.table, id, form),
            ColumnRef::Hop(relation, id) if row.lifted == Some(relation) => {
                return speech.column(&mut self.sql, row.alias, row.table, id, form);
            }
            ColumnRef::Hop(relation, id) => (relation, id),
        };
        let (relation, related) = self.to_one(row.table, relation)?;
        self.enter()?;
        let other = Row::new(self.sql.alias(), related);
        self.sql.push("(SELECT ");
        speech.column(&mut self.sql, other.alias, related, id, form)?;
        self.sql.push(" FROM ");
        self.sql.table_as(related, other.alias);
        self.sql.push(" WHERE ");
        self.pairs(row, other, relation)?;
        self.and_readable(other)?;
        self.sql.push(")");
        self.leave();
        Ok(())
    }

    /// Writes the beginning of a test that there is a related row of which what follows is TRUE, up to
    /// [`Scribe::end_lift`].
    ///
    /// About few rows: `EXISTS (…)`, which looks each of them up. About many, on a database that
    /// does not choose by itself: `key IN (…)`, which finds all related rows once.
    pub(crate) fn lift(&mut self, row: Row<'a>, id: RelationId) -> Result<Row<'a>, RenderError> {
        let (relation, related) = self.to_one(row.table, id)?;
        self.enter()?;
        let other = Row { alias: self.sql.alias(), table: related, lifted: Some(id) };
        if self.few || self.sql.speech().plans_exists() {
            self.sql.push("EXISTS (SELECT 1 FROM ");
            self.sql.table_as(related, other.alias);
            self.sql.push(" WHERE ");
            self.pairs(row, other, relation)?;
            self.sql.push(" AND ");
            return Ok(other);
        }
        let many = relation.pairs.len() > 1;
        if many {
            self.sql.push("(");
        }
        for (at, (own, _)) in relation.pairs.iter().enumerate() {
            if at > 0 {
                self.sql.push(", ");
            }
            self.key_column(row, *own)?;
        }
        self.sql.push(if many { ") IN (SELECT " } else { " IN (SELECT " });
        for (at, (_, theirs)) in relation.pairs.iter().enumerate() {
            if at > 0 {
                self.sql.push(", ");
            }
            self.key_column(other, *theirs)?;
        }
        self.sql.push(" FROM ");
        self.sql.table_as(related, other.alias);
        self.sql.push(" WHERE ");
        Ok(other)
    }

    /// Ends what [`Scribe::lift`] began.
    pub(crate) fn end_lift(&mut self, other: Row<'a>) -> Result<(), RenderError> {
        self.and_readable(Row { lifted: None, ..other })?;
        self.sql.push(")");
        self.leave();
        Ok(())
    }

    /// Writes the equalities that lead from a row to the one its relation points at.
    pub(crate) fn pairs(&mut self, row: Row<'a>, other: Row<'a>, relation: &Relation) -> Result<(), RenderError> {
        for (at, (own, theirs)) in relation.pairs.iter().enumerate() {
            if at > 0 {
                self.sql.push(" AND ");
            }
            self.key_column(other, *theirs)?;
            self.sql.push(" = ");
            self.key_column(row, *own)?;
        }
        Ok(())
    }

    /// Writes a column of a relation: as it is, but always compared bytewise.
    pub(crate) fn key_column(&mut self, row: Row<'a>, id: ColumnId) -> Result<(), RenderError> {
        let speech = self.sql.speech();
        let facts = &column(row.table, id)?.facts;
        let form = match speech.form(facts, dialect::Use::Equal) {
            form @ Form::Text { .. } => form,
            _ => Form::Raw,
        };
        speech.column(&mut self.sql, row.alias, row.table, id, form)
    }

    fn enter(&mut self) -> Result<(), RenderError> {
        self.hops += 1;
        if self.hops > MOST_HOPS {
            return Err(RenderError::Inconsistent("hops that lead in a circle"));
        }
        Ok(())
    }

    fn leave(&mut self) {
        self.hops = self.hops.saturating_sub(1);
    }
}

/// The boundary of an operation.
pub(crate) fn boundary(table: &Table, op: Op) -> Result<&Cond, RenderError> {
    table.boundary.get(op.index()).ok_or(RenderError::Inconsistent("a boundary"))
}

fn boundary_is(table: &Table, op: Op, cond: &Cond) -> bool {
    boundary(table, op).is_ok_and(|known| known == cond)
}

/// The active rules of some kinds, a bit each.
fn members(table: &Table, access: &Access, kind: impl Fn(RuleKind) -> bool) -> u64 {
    let mut set = 0;
    for (at, rule) in table.rules.iter().enumerate().take(64) {
        if access.has_rule(at) && kind(rule.kind) {
            set |= 1 << at;
        }
    }
    set
}

fn chosen(table: &Table, set: u64) -> impl Iterator<Item = &Rule> {
    table.rules.iter().enumerate().take(64).filter(move |(at, _)| set & (1 << at) != 0).map(|(_, rule)| rule)
}
