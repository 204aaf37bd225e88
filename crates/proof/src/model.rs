//! One question as clauses: a principal, some rows, and what the rules say of them.

use std::collections::BTreeMap;

use batsat::Lit;
use tenantry_policy::attribute::AttrPath;
use tenantry_policy::condition::{ColumnRef, Cond, Term};
use tenantry_policy::{AttrId, ColumnId, Op, Policy, RelationId, Rule, RuleKind, Table, TableId, Type, Value};

use crate::domain::{Domains, Need};
use crate::encode::{Scene, Set, Symbol, Truth, encode};
use crate::solver::{Found, Solver};

/// A row of a question, by its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RowId(pub(crate) usize);

/// A row.
pub(crate) struct Row {
    pub(crate) table: TableId,
    /// What it is in the question: `row`, `new row`, `row of customer`.
    pub(crate) role: String,
    /// Is it there because a relation leads to it?
    pub(crate) is_related: bool,
    /// Does it exist? A row that is asked about does.
    pub(crate) exists: Lit,
    pub(crate) columns: BTreeMap<u16, (Type, Symbol)>,
}

/// The question.
pub(crate) struct Problem<'p> {
    pub(crate) policy: &'p Policy,
    pub(crate) solver: Solver,
    domains: Domains,
    pub(crate) rows: Vec<Row>,
    pub(crate) attributes: BTreeMap<AttrId, (Type, Symbol)>,
    pub(crate) lists: BTreeMap<AttrId, Set>,
    /// Related rows that were met already.
    related: BTreeMap<(RowId, u16), RowId>,
}

/// How many rows a question asks about at most: one, and what it becomes.
const ROWS: usize = 2;

impl<'p> Problem<'p> {
    /// A question about a table and those that its rules and relations lead to.
    ///
    /// # Errors
    /// The type whose domain would be too large to look through.
    pub(crate) fn new(policy: &'p Policy, about: &[TableId]) -> Result<Problem<'p>, &'static str> {
        let domains = Domains::new(&needs(policy, about))?;
        Ok(Problem {
            policy,
            solver: Solver::new(),
            domains,
            rows: Vec::new(),
            attributes: BTreeMap::new(),
            lists: BTreeMap::new(),
            related: BTreeMap::new(),
        })
    }

    /// A row that exists.
    pub(crate) fn row(&mut self, table: TableId, role: &str) -> RowId {
        let exists = self.solver.yes();
        self.rows.push(Row { table, role: role.to_owned(), is_related: false, exists, columns: BTreeMap::new() });
        RowId(self.rows.len() - 1)
    }

    pub(crate) fn table(&self, row: RowId) -> Option<&'p Table> {
        let table = self.rows.get(row.0)?.table;
        self.policy.table(table)
    }

    /// A column of a row.
    pub(crate) fn cell(&mut self, row: RowId, column: ColumnId) -> (Type, Symbol) {
        let Some(known) = self.rows.get(row.0) else { return self.nothing() };
        if let Some(found) = known.columns.get(&column.0) {
            return found.clone();
        }
        let facts = self.policy.table(known.table).and_then(|table| table.column(column)).map(|column| &column.facts);
        let Some((ty, nullable)) = facts.and_then(|facts| Some((facts.ty?, facts.nullable))) else {
            return self.nothing();
        };
        let symbol = self.symbol(ty, nullable);
        if let Some(row) = self.rows.get_mut(row.0) {
            row.columns.insert(column.0, (ty, symbol.clone()));
        }
        (ty, symbol)
    }

    /// The one row that a to-one relation of a row leads to, which may be absent.
    pub(crate) fn related(&mut self, row: RowId, relation: RelationId) -> Option<RowId> {
        if let Some(found) = self.related.get(&(row, relation.0)) {
            return Some(*found);
        }
        let facts = self.table(row)?.relation(relation)?;
        let (table, role) = (facts.to, ["row of ", &facts.name].concat());
        let exists = self.solver.fresh();
        self.rows.push(Row { table, role, is_related: true, exists, columns: BTreeMap::new() });
        let found = RowId(self.rows.len() - 1);
        self.related.insert((row, relation.0), found);
        Some(found)
    }

    /// Makes the row that a relation of one row leads to be the one of another row, too: both refer alike.
    pub(crate) fn same_related(&mut self, row: RowId, as_of: RowId, relation: RelationId) {
        if let Some(found) = self.related(as_of, relation) {
            self.related.insert((row, relation.0), found);
        }
    }

    /// Makes `copy`, a row of another version of the table, the same row as `row`: columns of one name and type
    /// are the same, and so are the rows that hops of both lead to.
    pub(crate) fn alias(&mut self, row: RowId, copy: RowId) {
        let (Some(now), Some(before)) = (self.table(row), self.table(copy)) else { return };
        for (name, at) in &before.by_name {
            let Some(here) = now.find_column(name) else { continue };
            let types = |table: &Table, id: ColumnId| table.column(id).and_then(|column| column.facts.ty);
            if types(now, here) == types(before, *at) && types(now, here).is_some_and(Type::in_conditions) {
                let found = self.cell(row, here);
                if let Some(copy) = self.rows.get_mut(copy.0) {
                    copy.columns.insert(at.0, found);
                }
            }
        }
        let mut hops: Vec<RelationId> = Vec::new();
        let mut note = |column: ColumnRef| {
            if let ColumnRef::Hop(relation, _) = column
                && !hops.contains(&relation)
            {
                hops.push(relation);
            }
        };
        conditions(before).for_each(|cond| columns(cond, &mut note));
        before.tenant.iter().for_each(|column| note(*column));
        for hop in hops {
            let Some(relation) = before.relation(hop) else { continue };
            let Some((same, _)) = now.find_relation(&relation.name) else { continue };
            let Some(led) = self.related(row, same) else { continue };
            let (Some(exists), role) = (self.rows.get(led.0).map(|row| row.exists), ["row of ", &relation.name]) else {
                continue;
            };
            let (table, columns) = (relation.to, BTreeMap::new());
            self.rows.push(Row { table, role: role.concat(), is_related: true, exists, columns });
            let copied = RowId(self.rows.len() - 1);
            self.related.insert((copy, hop.0), copied);
            self.alias(led, copied);
        }
    }

    /// The rows and relations that lead to a row.
    pub(crate) fn leading_to(&self, row: RowId) -> impl Iterator<Item = (RowId, u16)> {
        self.related.iter().filter(move |(_, to)| **to == row).map(|((of, relation), _)| (*of, *relation))
    }

    fn nothing(&self) -> (Type, Symbol) {
        (Type::Json, Symbol { present: self.solver.no(), is: Vec::new() })
    }

    fn symbol(&mut self, ty: Type, optional: bool) -> Symbol {
        let present = if optional { self.solver.fresh() } else { self.solver.yes() };
        let is: Vec<Lit> = (0..self.domains.of(ty).len()).map(|_| self.solver.fresh()).collect();
        // A type that no condition reads has no values to choose from.
        if !is.is_empty() {
            self.solver.clause(is.iter().copied());
        }
        for (at, one) in is.iter().enumerate() {
            for other in is.iter().skip(at + 1) {
                self.solver.clause([!*one, !*other]);
            }
        }
        Symbol { present, is }
    }

    /// A single attribute of the principal.
    pub(crate) fn attr(&mut self, attr: AttrId) -> (Type, Symbol) {
        if let Some(found) = self.attributes.get(&attr) {
            return found.clone();
        }
        let Some(facts) = self.policy.attributes.get(attr) else { return self.nothing() };
        let ty = facts.ty;
        let symbol = self.symbol(ty, facts.path != AttrPath::Now);
        // No token carries an empty text.
        let empty = self.domains.of(ty).iter().position(|value| value.same(&Value::text("")));
        if let Some(is) = empty.and_then(|at| symbol.is.get(at)) {
            self.solver.clause([!symbol.present, !*is]);
        }
        self.attributes.insert(attr, (ty, symbol.clone()));
        (ty, symbol)
    }

    /// A list attribute of the principal.
    pub(crate) fn set(&mut self, attr: AttrId) -> Set {
        if let Some(found) = self.lists.get(&attr) {
            return found.clone();
        }
        let facts = self.policy.attributes.get(attr);
        let (ty, always) = facts.map_or((Type::Text, false), |facts| (facts.ty, facts.path == AttrPath::Roles));
        let empty: Vec<bool> = self.domains.of(ty).iter().map(|value| value.same(&Value::text(""))).collect();
        let present = if always { self.solver.yes() } else { self.solver.fresh() };
        let holds = empty.into_iter().map(|empty| if empty { self.solver.no() } else { self.solver.fresh() }).collect();
        let set = Set { present, holds };
        self.lists.insert(attr, set.clone());
        set
    }

    /// The truth of a condition for a row.
    pub(crate) fn truth(&mut self, row: RowId, cond: &Cond) -> Truth {
        encode(&mut At { problem: self, row }, cond)
    }

    /// Is a rule TRUE for a row?
    pub(crate) fn rule(&mut self, row: RowId, rule: &Rule) -> Lit {
        self.truth(row, &rule.when).yes
    }

    /// Do the rules show a row for an operation, before the boundary? `without` leaves one rule out.
    pub(crate) fn shown(&mut self, row: RowId, op: Op, without: Option<usize>) -> Lit {
        let Some(table) = self.table(row) else { return self.solver.no() };
        let (mut widen, mut narrow) = (Vec::new(), Vec::new());
        for (at, rule) in table.rules.iter().enumerate() {
            if !rule.on.has(op) || without == Some(at) {
                continue;
            }
            let holds = self.rule(row, rule);
            if rule.kind.widens() { widen.push(holds) } else { narrow.push(holds) }
        }
        narrow.push(self.solver.or(widen));
        self.solver.and(narrow)
    }

    /// Is a row within the boundary of an operation?
    pub(crate) fn bounded(&mut self, row: RowId, op: Op) -> Lit {
        let Some(within) = self.table(row).and_then(|table| table.boundary.get(op.index())) else {
            return self.solver.no();
        };
        self.truth(row, within).yes
    }

    /// Do rules and boundary show a row?
    pub(crate) fn visible(&mut self, row: RowId, op: Op) -> Lit {
        let (shown, bounded) = (self.shown(row, op, None), self.bounded(row, op));
        self.solver.and([shown, bounded])
    }

    /// Is a rule of this kind TRUE for a row?
    pub(crate) fn any_of(&mut self, row: RowId, op: Op, kind: RuleKind) -> Lit {
        let Some(table) = self.table(row) else { return self.solver.no() };
        let rules = table.rules.iter().filter(|rule| rule.kind == kind && rule.on.has(op));
        let holds: Vec<Lit> = rules.map(|rule| self.rule(row, rule)).collect();
        self.solver.or(holds)
    }

    /// The tenant of a row, as it is, whether or not the principal could read what it is read from.
    /// `None` for a table without tenants.
    pub(crate) fn tenant(&mut self, row: RowId) -> Option<(Type, Symbol)> {
        match self.table(row)?.tenant? {
            ColumnRef::Own(column) => Some(self.cell(row, column)),
            ColumnRef::Hop(relation, column) => {
                let other = self.related(row, relation)?;
                let (ty, mut symbol) = self.cell(other, column);
                let exists = self.rows.get(other.0).map_or(self.solver.no(), |row| row.exists);
                symbol.present = self.solver.and([exists, symbol.present]);
                Some((ty, symbol))
            }
        }
    }

    /// Are two tenants there and the same?
    pub(crate) fn same(&mut self, left: &Symbol, right: &Symbol) -> Lit {
        let pairs: Vec<Lit> =
            left.is.iter().zip(&right.is).map(|(left, right)| self.solver.and([*left, *right])).collect();
        let same = self.solver.or(pairs);
        self.solver.and([left.present, right.present, same])
    }

    /// Is the row the principal's own: its tenant the principal's?
    pub(crate) fn own(&mut self, row: RowId) -> Lit {
        let tenant = self.tenant(row);
        let attr = self.policy.attributes.find(&AttrPath::TenantId);
        match (tenant, attr) {
            (Some((_, tenant)), Some(attr)) => {
                let (_, principal) = self.attr(attr);
                self.same(&tenant, &principal)
            }
            _ => self.solver.no(),
        }
    }

    /// Is the row's tenant in a declared reach list for this kind of operation?
    pub(crate) fn reached(&mut self, row: RowId, op: Op) -> Vec<(AttrId, Lit)> {
        let lists = if op == Op::Read { &self.policy.reach_read } else { &self.policy.reach_write };
        let Some((_, tenant)) = self.tenant(row) else { return Vec::new() };
        let reached = lists.iter().map(|list| {
            let set = self.set(*list);
            let pairs: Vec<Lit> =
                tenant.is.iter().zip(&set.holds).map(|(is, holds)| self.solver.and([*is, *holds])).collect();
            let within = self.solver.or(pairs);
            (*list, self.solver.and([tenant.present, set.present, within]))
        });
        reached.collect()
    }

    /// Own, or in declared reach.
    pub(crate) fn owned(&mut self, row: RowId, op: Op) -> Lit {
        let own = self.own(row);
        let reached: Vec<Lit> = self.reached(row, op).into_iter().map(|(_, lit)| lit).collect();
        self.solver.or(reached.into_iter().chain([own]))
    }

    /// Looks for values that make all of these true.
    pub(crate) fn find(&mut self, wanted: &[Lit]) -> Found {
        self.solver.find(wanted)
    }

    /// In the model found last: the value of a symbol.
    pub(crate) fn value(&self, ty: Type, symbol: &Symbol) -> Option<Value> {
        if !self.solver.holds(symbol.present) {
            return None;
        }
        let at = symbol.is.iter().position(|is| self.solver.holds(*is))?;
        self.domains.of(ty).get(at).cloned()
    }

    /// In the model found last: the items of a list, `None` when the attribute is missing.
    pub(crate) fn items(&self, attr: AttrId, set: &Set) -> Option<Vec<Value>> {
        if !self.solver.holds(set.present) {
            return None;
        }
        let ty = self.policy.attributes.get(attr)?.ty;
        let held = self.domains.of(ty).iter().zip(&set.holds).filter(|(_, holds)| self.solver.holds(**holds));
        Some(held.map(|(value, _)| value.clone()).collect())
    }
}

/// A row as conditions of its table see it.
struct At<'a, 'p> {
    problem: &'a mut Problem<'p>,
    row: RowId,
}

impl Scene for At<'_, '_> {
    fn solver(&mut self) -> &mut Solver {
        &mut self.problem.solver
    }

    fn domain(&self, ty: Type) -> &[Value] {
        self.problem.domains.of(ty)
    }

    fn column(&mut self, column: ColumnRef) -> (Type, Symbol) {
        match column {
            ColumnRef::Own(column) => self.problem.cell(self.row, column),
            // A hop sees only what the principal may read on its own.
            ColumnRef::Hop(relation, column) => {
                let Some(other) = self.problem.related(self.row, relation) else { return self.problem.nothing() };
                let readable = self.problem.visible(other, Op::Read);
                let (ty, mut symbol) = self.problem.cell(other, column);
                let exists = self.problem.rows.get(other.0).map_or(self.problem.solver.no(), |row| row.exists);
                symbol.present = self.problem.solver.and([exists, readable, symbol.present]);
                (ty, symbol)
            }
        }
    }

    fn attribute(&mut self, attr: AttrId) -> (Type, Symbol) {
        self.problem.attr(attr)
    }

    fn list(&mut self, attr: AttrId) -> Set {
        self.problem.set(attr)
    }

    fn has(&mut self, attr: AttrId) -> Lit {
        match self.problem.policy.attributes.get(attr) {
            Some(facts) if facts.list => self.problem.set(attr).present,
            _ => self.problem.attr(attr).1.present,
        }
    }
}

/// Constants and variables of every condition that a question about these tables may meet.
fn needs(policy: &Policy, about: &[TableId]) -> BTreeMap<&'static str, (Type, Need)> {
    let mut rows: BTreeMap<TableId, usize> = BTreeMap::new();
    for table in about {
        count_rows(policy, *table, ROWS, &mut rows, 0);
    }
    let mut needs: BTreeMap<&'static str, (Type, Need)> = BTreeMap::new();
    let mut attributes: Vec<AttrId> = policy.attributes.find(&AttrPath::TenantId).into_iter().collect();
    attributes.extend(policy.reach_read.iter().chain(&policy.reach_write));
    let mut in_prefixes = 0;
    for (id, times) in &rows {
        let Some(table) = policy.table(*id) else { continue };
        let mut own: Vec<ColumnId> = table.tenant.iter().filter_map(own_column).collect();
        let mut prefixed: Vec<String> = Vec::new();
        for cond in conditions(table) {
            columns(cond, &mut |column| own.extend(own_column(&column)));
            cond.attributes(&mut |attr| attributes.push(attr));
            constants(cond, &mut |value| need(&mut needs, value.ty()).constants.push(value.clone()));
            prefixes(cond, &mut |term| prefixed.push(format!("{term:?}")));
        }
        prefixed.sort_unstable();
        prefixed.dedup();
        in_prefixes += prefixed.len() * times.div_ceil(ROWS);
        // What other tables' hops read here.
        for other in rows.keys() {
            let Some(other) = policy.table(*other) else { continue };
            let hopped = |column: &ColumnRef| match column {
                ColumnRef::Hop(relation, column) if other.relation(*relation).is_some_and(|to| to.to == *id) => {
                    Some(*column)
                }
                _ => None,
            };
            own.extend(other.tenant.iter().filter_map(hopped));
            for cond in conditions(other) {
                columns(cond, &mut |column| own.extend(hopped(&column)));
            }
        }
        own.sort_unstable();
        own.dedup();
        for column in own {
            if let Some(ty) = table.column(column).and_then(|column| column.facts.ty) {
                need(&mut needs, ty).variables += times;
            }
        }
    }
    attributes.sort_unstable();
    attributes.dedup();
    for attr in attributes {
        if let Some(facts) = policy.attributes.get(attr) {
            need(&mut needs, facts.ty).variables += 1;
        }
    }
    need(&mut needs, Type::Text).in_prefixes = in_prefixes;
    needs
}

/// How many rows of each table a question meets: those asked about, and one for each way of hops from them.
/// Hops never lead in a circle (the file is refused), so this ends; the bound is for policies made by hand.
fn count_rows(policy: &Policy, id: TableId, times: usize, rows: &mut BTreeMap<TableId, usize>, depth: usize) {
    *rows.entry(id).or_default() += times;
    let Some(table) = policy.table(id) else { return };
    let mut relations: Vec<RelationId> = Vec::new();
    let mut note = |column: ColumnRef| {
        if let ColumnRef::Hop(relation, _) = column
            && !relations.contains(&relation)
        {
            relations.push(relation);
        }
    };
    conditions(table).for_each(|cond| columns(cond, &mut note));
    table.tenant.iter().for_each(|column| note(*column));
    for relation in relations {
        if let Some(relation) = table.relation(relation)
            && depth < 16
        {
            count_rows(policy, relation.to, times, rows, depth + 1);
        }
    }
}

fn need<'n>(needs: &'n mut BTreeMap<&'static str, (Type, Need)>, ty: Type) -> &'n mut Need {
    &mut needs.entry(ty.name()).or_insert_with(|| (ty, Need::default())).1
}

fn own_column(column: &ColumnRef) -> Option<ColumnId> {
    match column {
        ColumnRef::Own(column) => Some(*column),
        ColumnRef::Hop(..) => None,
    }
}

fn conditions(table: &Table) -> impl Iterator<Item = &Cond> {
    table.rules.iter().map(|rule| &rule.when).chain(&table.boundary)
}

fn terms(cond: &Cond, visit: &mut dyn FnMut(&Term)) {
    match cond {
        Cond::Const(_) | Cond::Has(_) | Cond::IsNull { .. } => {}
        Cond::And(parts) | Cond::Or(parts) => parts.iter().for_each(|part| terms(part, visit)),
        Cond::Not(inner) => terms(inner, visit),
        Cond::Compare { left, right, .. } | Cond::StartsWith { term: left, prefix: right } => {
            visit(left);
            visit(right);
        }
        Cond::InLiterals { term, .. } | Cond::InAttr { term, .. } => visit(term),
    }
}

pub(crate) fn columns(cond: &Cond, visit: &mut dyn FnMut(ColumnRef)) {
    match cond {
        Cond::And(parts) | Cond::Or(parts) => parts.iter().for_each(|part| columns(part, visit)),
        Cond::Not(inner) => columns(inner, visit),
        Cond::IsNull { column, .. } => visit(*column),
        _ => terms(cond, &mut |term| {
            if let Term::Column(column) = term {
                visit(*column);
            }
        }),
    }
}

fn constants(cond: &Cond, visit: &mut dyn FnMut(&Value)) {
    match cond {
        Cond::And(parts) | Cond::Or(parts) => parts.iter().for_each(|part| constants(part, visit)),
        Cond::Not(inner) => constants(inner, visit),
        _ => {
            terms(cond, &mut |term| {
                if let Term::Literal(value) = term {
                    visit(value);
                }
            });
            if let Cond::InLiterals { list, .. } = cond {
                list.iter().for_each(visit);
            }
        }
    }
}

/// The variables of prefix tests, and of what is compared with them: they may have to be longer texts.
fn prefixes(cond: &Cond, visit: &mut dyn FnMut(&Term)) {
    match cond {
        Cond::And(parts) | Cond::Or(parts) => parts.iter().for_each(|part| prefixes(part, visit)),
        Cond::Not(inner) => prefixes(inner, visit),
        Cond::StartsWith { term, prefix } => {
            for side in [term, prefix] {
                if !matches!(side, Term::Literal(_)) {
                    visit(side);
                }
            }
        }
        _ => {}
    }
}
