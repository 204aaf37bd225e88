//! One question as clauses: a principal, some rows, and what the rules say of them.

use std::collections::BTreeMap;

use batsat::Lit;
use rust_decimal::Decimal;
use tenantry_policy::attribute::AttrPath;
use tenantry_policy::bound::fits_attribute;
use tenantry_policy::catalog::CatalogColumn;
use tenantry_policy::condition::{ColumnRef, Cond};
use tenantry_policy::{AttrId, ColumnId, Op, Policy, RelationId, Rule, RuleKind, Table, TableId, Value};

use crate::encode::{Scene, Set, Symbol, Truth, encode, same};
use crate::solver::{Found, Solver};
use crate::sorts::{About, Place, Sort, Sorts, hops};

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
    pub(crate) columns: BTreeMap<u16, Symbol>,
}

/// The question.
pub(crate) struct Problem<'p> {
    pub(crate) policy: &'p Policy,
    pub(crate) solver: Solver,
    sorts: Sorts,
    pub(crate) rows: Vec<Row>,
    pub(crate) attributes: BTreeMap<AttrId, Symbol>,
    pub(crate) lists: BTreeMap<AttrId, Set>,
    /// Related rows that were met already.
    related: BTreeMap<(RowId, u16), RowId>,
    /// Are there more rows than the sorts were made for? Their values would not suffice, and nothing is decided.
    short: bool,
}

impl<'p> Problem<'p> {
    /// A question about rows of tables, and of those that their rules lead to.
    ///
    /// # Errors
    /// The type of which it would have to look through too many values.
    pub(crate) fn new(policy: &'p Policy, about: &About<'_>) -> Result<Problem<'p>, &'static str> {
        Ok(Problem {
            policy,
            solver: Solver::new(),
            sorts: Sorts::new(policy, about)?,
            rows: Vec::new(),
            attributes: BTreeMap::new(),
            lists: BTreeMap::new(),
            related: BTreeMap::new(),
            short: false,
        })
    }

    /// Adds a row, of which the sorts know.
    fn add(&mut self, row: Row) -> RowId {
        let table = row.table;
        self.rows.push(row);
        let made = self.rows.iter().filter(|row| row.table == table).count();
        self.short |= self.sorts.rows.get(&table).is_none_or(|known| made > *known);
        RowId(self.rows.len() - 1)
    }

    /// A row that exists.
    pub(crate) fn row(&mut self, table: TableId, role: &str) -> RowId {
        let exists = self.solver.yes();
        self.add(Row { table, role: role.to_owned(), is_related: false, exists, columns: BTreeMap::new() })
    }

    pub(crate) fn table(&self, row: RowId) -> Option<&'p Table> {
        let table = self.rows.get(row.0)?.table;
        self.policy.table(table)
    }

    /// Does anything in the question read this column?
    pub(crate) fn reads(&self, table: TableId, column: ColumnId) -> bool {
        self.sorts.of(Place::Column(table, column)).is_some()
    }

    /// A column of a row.
    pub(crate) fn cell(&mut self, row: RowId, column: ColumnId) -> Symbol {
        let Some(known) = self.rows.get(row.0) else { return self.nothing() };
        if let Some(found) = known.columns.get(&column.0) {
            return found.clone();
        }
        let facts = self.policy.table(known.table).and_then(|table| table.column(column)).map(|column| &column.facts);
        let sort = self.sorts.of(Place::Column(known.table, column));
        let (Some(facts), Some(_)) = (facts, sort) else { return self.nothing() };
        let symbol = self.symbol(sort, facts.nullable, |value| storable(facts, value));
        if let Some(row) = self.rows.get_mut(row.0) {
            row.columns.insert(column.0, symbol.clone());
        }
        symbol
    }

    /// The one row that a to-one relation of a row leads to, which may be absent.
    pub(crate) fn related(&mut self, row: RowId, relation: RelationId) -> Option<RowId> {
        if let Some(found) = self.related.get(&(row, relation.0)) {
            return Some(*found);
        }
        let facts = self.table(row)?.relation(relation)?;
        let (table, role) = (facts.to, ["row of ", &facts.name].concat());
        let exists = self.solver.fresh();
        let found = self.add(Row { table, role, is_related: true, exists, columns: BTreeMap::new() });
        self.related.insert((row, relation.0), found);
        let holder = self.rows.get(row.0)?.table;
        for (own, theirs) in self.sorts.keys(holder, relation).to_vec() {
            let (own, theirs) = (self.cell(row, own), self.cell(found, theirs));
            let same = self.same(&own, &theirs);
            self.solver.clause([!exists, same]);
        }
        Some(found)
    }

    /// The row that a relation of a row leads to, where the question met it.
    pub(crate) fn known_related(&self, row: RowId, relation: RelationId) -> Option<RowId> {
        self.related.get(&(row, relation.0)).copied()
    }

    /// The values of a sort.
    pub(crate) fn values_of(&self, sort: Option<Sort>) -> &[Value] {
        sort.map_or(&[], |sort| self.sorts.values(sort))
    }

    /// Makes a row the one that a relation to many of another row leads to, or one of those.
    pub(crate) fn join(&mut self, row: RowId, relation: RelationId, other: RowId) {
        let Some(holder) = self.rows.get(row.0).map(|row| row.table) else { return };
        self.related.insert((row, relation.0), other);
        for (own, theirs) in self.sorts.keys(holder, relation).to_vec() {
            let (own, theirs) = (self.cell(row, own), self.cell(other, theirs));
            let same = self.same(&own, &theirs);
            self.solver.clause([same]);
        }
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
            let places = [Place::Column(now.id, here), Place::Column(before.id, *at)];
            let [one, other] = places.map(|place| self.sorts.of(place));
            if one.is_some() && one == other {
                let found = self.cell(row, here);
                if let Some(copy) = self.rows.get_mut(copy.0) {
                    copy.columns.insert(at.0, found);
                }
            }
        }
        for hop in hops(before) {
            let Some(relation) = before.relation(hop) else { continue };
            let Some((same, _)) = now.find_relation(&relation.name) else { continue };
            let Some(led) = self.related(row, same) else { continue };
            let (Some(exists), role) = (self.rows.get(led.0).map(|row| row.exists), ["row of ", &relation.name]) else {
                continue;
            };
            let (table, columns) = (relation.to, BTreeMap::new());
            let copied = self.add(Row { table, role: role.concat(), is_related: true, exists, columns });
            self.related.insert((copy, hop.0), copied);
            self.alias(led, copied);
        }
    }

    /// The rows and relations that lead to a row.
    pub(crate) fn leading_to(&self, row: RowId) -> impl Iterator<Item = (RowId, u16)> {
        self.related.iter().filter(move |(_, to)| **to == row).map(|((of, relation), _)| (*of, *relation))
    }

    fn nothing(&self) -> Symbol {
        Symbol { present: self.solver.no(), sort: None, is: Vec::new(), upto: Vec::new() }
    }

    /// A value of a sort of which `fits` is true, or none where it is optional.
    fn symbol(&mut self, sort: Option<Sort>, optional: bool, fits: impl Fn(&Value) -> bool) -> Symbol {
        let present = if optional { self.solver.fresh() } else { self.solver.yes() };
        let fitting: Vec<bool> = sort.map_or(&[][..], |sort| self.sorts.values(sort)).iter().map(fits).collect();
        let mut upto: Vec<Lit> = Vec::with_capacity(fitting.len());
        let mut is: Vec<Lit> = Vec::with_capacity(fitting.len());
        for at in 0..fitting.len() {
            let before = upto.last().copied().unwrap_or(self.solver.no());
            let here = if at + 1 == fitting.len() { self.solver.yes() } else { self.solver.fresh() };
            self.solver.clause([!before, here]);
            is.push(self.solver.and([here, !before]));
            upto.push(here);
        }
        for (is, fits) in is.iter().zip(&fitting) {
            if !fits {
                self.solver.clause([!present, !*is]);
            }
        }
        Symbol { present, sort, is, upto }
    }

    /// A single attribute of the principal.
    pub(crate) fn attr(&mut self, attr: AttrId) -> Symbol {
        if let Some(found) = self.attributes.get(&attr) {
            return found.clone();
        }
        let Some(facts) = self.policy.attributes.get(attr) else { return self.nothing() };
        let sort = self.sorts.of(Place::Attr(attr));
        let symbol = self.symbol(sort, facts.path != AttrPath::Now, fits_attribute);
        self.attributes.insert(attr, symbol.clone());
        symbol
    }

    /// A list attribute of the principal.
    pub(crate) fn set(&mut self, attr: AttrId) -> Set {
        if let Some(found) = self.lists.get(&attr) {
            return found.clone();
        }
        let always = self.policy.attributes.get(attr).is_some_and(|facts| facts.path == AttrPath::Roles);
        let sort = self.sorts.of(Place::Attr(attr));
        let fitting: Vec<bool> =
            sort.map_or(&[][..], |sort| self.sorts.values(sort)).iter().map(fits_attribute).collect();
        let present = if always { self.solver.yes() } else { self.solver.fresh() };
        let each = fitting.into_iter().map(|fits| if fits { self.solver.fresh() } else { self.solver.no() });
        let holds = each.collect();
        let set = Set { present, sort, holds };
        self.lists.insert(attr, set.clone());
        set
    }

    /// Is an attribute there, whatever it is?
    pub(crate) fn has(&mut self, attr: AttrId) -> Lit {
        match self.policy.attributes.get(attr) {
            Some(facts) if facts.list => self.set(attr).present,
            _ => self.attr(attr).present,
        }
    }

    /// Takes the principal's attribute away, or gives it another value: what is encoded from now on reads the
    /// other one. The answer is whether the one that is read from now on is there.
    pub(crate) fn change(&mut self, attr: AttrId) -> Lit {
        self.attributes.remove(&attr);
        self.lists.remove(&attr);
        self.has(attr)
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
    pub(crate) fn tenant(&mut self, row: RowId) -> Option<Symbol> {
        match self.table(row)?.tenant? {
            ColumnRef::Own(column) => Some(self.cell(row, column)),
            ColumnRef::Hop(relation, column) => {
                let other = self.related(row, relation)?;
                let mut symbol = self.cell(other, column);
                let exists = self.rows.get(other.0).map_or(self.solver.no(), |row| row.exists);
                symbol.present = self.solver.and([exists, symbol.present]);
                Some(symbol)
            }
        }
    }

    /// Are two values there and the same?
    pub(crate) fn same(&mut self, left: &Symbol, right: &Symbol) -> Lit {
        let same = same(&mut self.solver, left, right);
        self.solver.and([left.present, right.present, same])
    }

    /// Is a symbol there, and this value? `None` when the value is none of its sort's.
    pub(crate) fn is_value(&self, symbol: &Symbol, value: &Value) -> Option<Lit> {
        let values = self.sorts.values(symbol.sort?);
        symbol.is.get(values.iter().position(|known| known.same(value))?).copied()
    }

    /// Is the row the principal's own: its tenant the principal's?
    pub(crate) fn own(&mut self, row: RowId) -> Lit {
        let tenant = self.tenant(row);
        let attr = self.policy.attributes.find(&AttrPath::TenantId);
        match (tenant, attr) {
            (Some(tenant), Some(attr)) => {
                let principal = self.attr(attr);
                self.same(&tenant, &principal)
            }
            _ => self.solver.no(),
        }
    }

    /// Is the row's tenant in a declared reach list for this kind of operation?
    pub(crate) fn reached(&mut self, row: RowId, op: Op) -> Vec<(AttrId, Lit)> {
        let lists = if op == Op::Read { &self.policy.reach_read } else { &self.policy.reach_write };
        let Some(tenant) = self.tenant(row) else { return Vec::new() };
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

    /// Looks for values that make all of these true; among them for ones that are easy to read: rows that are
    /// there rather than absent, attributes that are there, lists that hold no more than they have to.
    pub(crate) fn find(&mut self, wanted: &[Lit]) -> Found {
        if self.short {
            return Found::Unknown;
        }
        let found = self.solver.find(wanted);
        if !matches!(found, Found::Model) {
            return found;
        }
        let mut likes: Vec<Lit> = self.rows.iter().filter(|row| row.is_related).map(|row| row.exists).collect();
        likes.extend(self.attributes.values().map(|symbol| symbol.present));
        likes.extend(self.lists.values().map(|set| set.present));
        likes.extend(self.lists.values().flat_map(|set| &set.holds).take(64).map(|holds| !*holds));
        let mut kept = wanted.to_vec();
        kept.extend(&likes);
        if matches!(self.solver.find(&kept), Found::Model) {
            return Found::Model;
        }
        kept.truncate(wanted.len());
        for like in likes {
            kept.push(like);
            if !matches!(self.solver.find(&kept), Found::Model) {
                kept.pop();
            }
        }
        // The last attempt may have failed: the model is that of the last call.
        self.solver.find(&kept)
    }

    /// In the model found last: the value of a symbol.
    pub(crate) fn value(&self, symbol: &Symbol) -> Option<Value> {
        if !self.solver.holds(symbol.present) {
            return None;
        }
        let at = symbol.is.iter().position(|is| self.solver.holds(*is))?;
        self.sorts.values(symbol.sort?).get(at).cloned()
    }

    /// In the model found last: the items of a list, `None` when the attribute is missing.
    pub(crate) fn items(&self, set: &Set) -> Option<Vec<Value>> {
        if !self.solver.holds(set.present) {
            return None;
        }
        let held = set
            .sort
            .map_or(&[][..], |sort| self.sorts.values(sort))
            .iter()
            .zip(&set.holds)
            .filter(|(_, holds)| self.solver.holds(**holds));
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

    fn values(&self, sort: Option<Sort>) -> &[Value] {
        self.problem.values_of(sort)
    }

    fn column(&mut self, column: ColumnRef) -> Symbol {
        match column {
            ColumnRef::Own(column) => self.problem.cell(self.row, column),
            // A hop sees only what the principal may read on its own.
            ColumnRef::Hop(relation, column) => {
                let Some(other) = self.problem.related(self.row, relation) else { return self.problem.nothing() };
                let readable = self.problem.visible(other, Op::Read);
                let mut symbol = self.problem.cell(other, column);
                let exists = self.problem.rows.get(other.0).map_or(self.problem.solver.no(), |row| row.exists);
                symbol.present = self.problem.solver.and([exists, readable, symbol.present]);
                symbol
            }
        }
    }

    fn attribute(&mut self, attr: AttrId) -> Symbol {
        self.problem.attr(attr)
    }

    fn list(&mut self, attr: AttrId) -> Set {
        self.problem.set(attr)
    }

    fn has(&mut self, attr: AttrId) -> Lit {
        self.problem.has(attr)
    }
}

/// Can the column hold the value?
fn storable(facts: &CatalogColumn, value: &Value) -> bool {
    match value {
        Value::Int(number) => match facts.native.as_str() {
            "int2" => i16::try_from(*number).is_ok(),
            "int4" => i32::try_from(*number).is_ok(),
            _ => true,
        },
        Value::Decimal(number) => {
            let scale = facts.scale.is_none_or(|scale| number.normalize().scale() <= u32::from(scale));
            let most = facts.whole_digits.and_then(|digits| 10_i64.checked_pow(u32::from(digits)));
            scale && most.is_none_or(|most| number.abs() < Decimal::from(most))
        }
        _ => true,
    }
}
