//! A small database as clauses: a few rows of each table, the session's settings, and what policies say of them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use batsat::Lit;
use tenantry_policy::database::{Database, DbCommand};
use tenantry_policy::{Type, Value};

use super::access::{Laws, Roles};
use super::domains::{MOST_SPELLINGS, domains};
use super::expr::{Expr, ListForm, ROOT, Scan, Select};
use crate::solver::{Found, Solver};

/// A setting, or a member of one that holds a document.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) setting: String,
    pub(crate) path: Vec<String>,
}

/// A value: one of its type's domain, or NULL, or neither where the database raises an error or something is
/// not understood.
#[derive(Debug, Clone)]
pub(crate) struct Sym {
    pub(crate) ty: Type,
    pub(crate) is: Vec<Lit>,
    pub(crate) null: Lit,
}

/// A truth: at most one of the three holds. None: an error, or not understood.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tri {
    pub(crate) yes: Lit,
    pub(crate) no: Lit,
    pub(crate) null: Lit,
}

/// A setting that holds a list: not set, the empty text, or a list of the domain's values.
#[derive(Debug, Clone)]
pub(crate) struct Many {
    pub(crate) ty: Type,
    pub(crate) form: ListForm,
    pub(crate) unset: Lit,
    pub(crate) empty: Lit,
    pub(crate) holds: Vec<Lit>,
    /// Is NULL among its items? Never in one that is separated.
    pub(crate) holed: Lit,
}

/// A row.
pub(crate) struct Row {
    pub(crate) relation: usize,
    pub(crate) role: &'static str,
    pub(crate) exists: Lit,
    pub(crate) cells: BTreeMap<usize, Sym>,
    /// Do subselects see it? A row that is about to be written is not there yet.
    pub(crate) stored: bool,
}

/// The question.
pub(crate) struct World<'a> {
    pub(crate) database: &'a Database,
    pub(crate) laws: &'a Laws,
    pub(crate) roles: &'a Roles,
    pub(crate) solver: Solver,
    domains: BTreeMap<&'static str, Vec<Value>>,
    pub(crate) rows: Vec<Row>,
    pub(crate) settings: BTreeMap<Key, Sym>,
    pub(crate) lists: BTreeMap<Key, Many>,
    /// Who logged in.
    pub(crate) login: String,
    /// May what is not understood be anything? Otherwise it is nothing at all.
    pub(crate) free: Lit,
    pub(crate) shown: HashMap<(usize, String), (Lit, Lit)>,
    /// The tables whose policies are being read, and whether these call functions that read tables.
    pub(crate) walking: Vec<(usize, bool)>,
    /// A table whose policies read it themselves: every query of it fails.
    pub(crate) circular: Option<usize>,
    /// One whose policies read it through functions, as often as they come to it.
    pub(crate) unwound: Option<usize>,
    /// More rows than can be looked through.
    pub(crate) too_large: bool,
    /// What is not understood and was met.
    pub(crate) met: BTreeSet<usize>,
    /// Does a part that asks for no row to be there ask for another one to be? Then the rows looked through may be
    /// too few for a proof.
    pub(crate) alternates: bool,
    /// That casts of settings succeed: nothing that a leak needs, but what the database would say first.
    pub(crate) cast: Vec<Lit>,
    /// Tables that keys lead to, and of which too few rows are looked through to say that one of them is meant.
    unheld: BTreeSet<usize>,
}

/// Rows of one table in one question, at most.
const MOST_ROWS: usize = 7;

/// What a question reads, found by walking through all that may be met.
#[derive(Default)]
pub(super) struct Reach {
    /// How many rows of each table.
    pub(super) rows: BTreeMap<usize, usize>,
    pub(super) columns: BTreeSet<(usize, usize)>,
    /// Rows that are met, by what leads to them.
    pub(super) named: BTreeSet<(usize, String)>,
    /// Rows whose tables' policies were walked, with the role that reads them.
    pub(super) walked: BTreeSet<(usize, String, String)>,
    pub(super) settings: BTreeSet<(Key, &'static str)>,
    pub(super) constants: Vec<Value>,
    pub(super) casts: BTreeMap<&'static str, (Type, usize)>,
    pub(super) in_prefixes: bool,
    /// Constants that are prefixes.
    pub(super) prefixes: Vec<Value>,
    /// Settings whose values are prefixes, as they are or in place of an empty one.
    pub(super) prefix_settings: BTreeSet<Key>,
    /// How many other values that are no constants are prefixes.
    pub(super) prefix_others: usize,
    /// Is the name of a role a value of it?
    pub(super) names_roles: bool,
    /// Types that texts of columns are cast to, and how often: such a value may be spelled in more than one way.
    pub(super) respelled: BTreeMap<&'static str, usize>,
    /// How often each setting is named, and the types that it is cast to: one that is read as a text, too, may spell a
    /// value in more than one way.
    pub(super) said: BTreeMap<Key, usize>,
    pub(super) cast_from: Vec<(Key, &'static str)>,
}

impl<'a> World<'a> {
    /// A question about rows of a table (the table, and how many), asked by a role, with these conditions beside what
    /// its policies say.
    ///
    /// # Errors
    /// Why it cannot be looked through.
    pub(crate) fn new(
        database: &'a Database,
        laws: &'a Laws,
        roles: &'a Roles,
        asks: &str,
        about: (usize, usize),
        beside: &[&Expr],
    ) -> Result<World<'a>, String> {
        // Of each row that is asked about, whatever an expression leads to may be another one.
        let (about, times) = about;
        let mut reach = Reach::default();
        reach.rows.insert(about, 2);
        let surroundings = Surroundings { database, laws, roles };
        for row in 0..times {
            let from = row.to_string();
            for law in laws.of(about) {
                for expr in [&law.using, &law.check].into_iter().flatten() {
                    reach.walk(&surroundings, expr, about, &from, asks, &mut vec![about]);
                }
            }
            for expr in beside {
                reach.walk(&surroundings, expr, about, &from, asks, &mut vec![about]);
            }
        }
        if let Some((at, _)) = reach.rows.iter().find(|(at, count)| **count > MOST_ROWS + usize::from(**at == about)) {
            let name = database.relations.get(*at).map(|relation| relation.title()).unwrap_or_default();
            return Err(format!("it takes more than {MOST_ROWS} rows of `{name}` to look through"));
        }
        reach.facts(database, laws);
        let unheld = reach.referred(database, about, times);
        let mut solver = Solver::new();
        let free = solver.fresh();
        let mut world = World {
            database,
            laws,
            roles,
            domains: domains(database, roles, &reach)?,
            solver,
            rows: Vec::new(),
            settings: BTreeMap::new(),
            lists: BTreeMap::new(),
            login: asks.to_owned(),
            free,
            shown: HashMap::new(),
            walking: Vec::new(),
            circular: None,
            unwound: None,
            too_large: false,
            met: BTreeSet::new(),
            cast: Vec::new(),
            unheld,
            alternates: surroundings.alternates(about, asks, beside),
        };
        for (relation, count) in &reach.rows {
            // The row that is asked about is made by the question itself.
            let others = if *relation == about { count.saturating_sub(2) } else { *count };
            for _ in 0..others {
                let exists = world.solver.fresh();
                world.rows.push(Row { relation: *relation, role: "row", exists, cells: BTreeMap::new(), stored: true });
            }
        }
        Ok(world)
    }

    /// A row that exists.
    pub(crate) fn row(&mut self, relation: usize, role: &'static str, stored: bool) -> usize {
        let exists = self.solver.yes();
        self.rows.push(Row { relation, role, exists, cells: BTreeMap::new(), stored });
        self.rows.len() - 1
    }

    pub(crate) fn domain(&self, ty: Type) -> &[Value] {
        self.domains.get(ty.name()).map_or(&[], Vec::as_slice)
    }

    /// A column of a row.
    pub(crate) fn cell(&mut self, row: usize, column: usize) -> Sym {
        let Some(known) = self.rows.get(row) else { return self.undefined(Type::Text) };
        if let Some(found) = known.cells.get(&column) {
            return found.clone();
        }
        let facts = self.database.relations.get(known.relation).and_then(|relation| relation.columns.get(column));
        let Some((facts, ty)) = facts.and_then(|facts| Some((facts, facts.ty?))) else {
            return self.undefined(Type::Text);
        };
        let fits: Vec<bool> = self
            .domain(ty)
            .iter()
            .map(|value| match value {
                Value::Text(text) if !facts.labels.is_empty() => facts.labels.iter().any(|label| **label == **text),
                Value::Text(text) => facts.longest.is_none_or(|longest| text.chars().count() <= longest),
                _ => true,
            })
            .collect();
        let symbol = self.symbol(ty, facts.nullable, &fits);
        if let Some(row) = self.rows.get_mut(row) {
            row.cells.insert(column, symbol.clone());
        }
        symbol
    }

    fn symbol(&mut self, ty: Type, nullable: bool, fits: &[bool]) -> Sym {
        let null = if nullable { self.solver.fresh() } else { self.solver.no() };
        let is: Vec<Lit> = fits.iter().map(|fits| if *fits { self.solver.fresh() } else { self.solver.no() }).collect();
        let no = self.solver.no();
        let any: Vec<Lit> = is.iter().copied().chain([null]).filter(|lit| *lit != no).collect();
        self.solver.clause(any.iter().copied());
        self.solver.at_most_one(&any);
        Sym { ty, is, null }
    }

    pub(crate) fn undefined(&self, ty: Type) -> Sym {
        Sym { ty, is: self.domain(ty).iter().map(|_| self.solver.no()).collect(), null: self.solver.no() }
    }

    /// A value that may be anything while what is not understood may be.
    pub(crate) fn anything(&mut self, ty: Type) -> Sym {
        let mut symbol = self.undefined(ty);
        let count = symbol.is.len();
        let free = self.free;
        let made: Vec<Lit> = (0..=count).map(|_| self.solver.fresh()).collect();
        for one in &made {
            self.solver.clause([!*one, free]);
        }
        self.solver.at_most_one(&made);
        symbol.is = made.iter().take(count).copied().collect();
        symbol.null = made.last().copied().unwrap_or(symbol.null);
        symbol
    }

    /// A constant.
    pub(crate) fn constant(&self, value: &Value) -> Sym {
        let is = self.domain(value.ty()).iter().map(|known| self.solver.constant(known.same(value))).collect();
        Sym { ty: value.ty(), is, null: self.solver.no() }
    }

    /// A setting as text.
    pub(crate) fn setting(&mut self, key: &Key) -> Sym {
        if let Some(found) = self.settings.get(key) {
            return found.clone();
        }
        let fits: Vec<bool> = self.domain(Type::Text).iter().map(|_| true).collect();
        let symbol = self.symbol(Type::Text, true, &fits);
        self.settings.insert(key.clone(), symbol.clone());
        // A member is there only where its document is.
        let parent = key.path.split_last().map(|(_, path)| Key { setting: key.setting.clone(), path: path.to_vec() });
        if let Some(parent) = parent.filter(|parent| parent.path.is_empty()) {
            let whole = self.setting(&parent);
            let empty = self.domain(Type::Text).iter().position(|value| value.same(&Value::text("")));
            self.solver.clause([symbol.null, !whole.null]);
            if let Some(is) = empty.and_then(|at| whole.is.get(at)) {
                self.solver.clause([symbol.null, !*is]);
            }
        }
        if let Some(list) = self.lists.get(key).cloned() {
            self.join(&symbol, &list);
        }
        symbol
    }

    /// A setting as a list.
    pub(crate) fn list(&mut self, key: &Key, ty: Type, form: &ListForm) -> Many {
        if let Some(found) = self.lists.get(key) {
            return found.clone();
        }
        let separator = if let ListForm::Separated(separator) = form { Some(separator.as_str()) } else { None };
        let (unset, empty) = (self.solver.fresh(), self.solver.fresh());
        self.solver.clause([!unset, !empty]);
        let fits: Vec<bool> = self
            .domain(ty)
            .iter()
            .map(|value| match (value, separator) {
                (Value::Text(text), Some(separator)) => !text.is_empty() && !text.contains(separator),
                _ => true,
            })
            .collect();
        let holds: Vec<Lit> =
            fits.iter().map(|fits| if *fits { self.solver.fresh() } else { self.solver.no() }).collect();
        for held in &holds {
            self.solver.clause([!*held, !unset]);
            self.solver.clause([!*held, !empty]);
        }
        if separator.is_some() {
            // A separated list of nothing is the empty text.
            self.solver.clause(holds.iter().copied().chain([unset, empty]));
        }
        let holed = if separator.is_some() { self.solver.no() } else { self.solver.fresh() };
        self.solver.clause([!holed, !unset]);
        self.solver.clause([!holed, !empty]);
        let list = Many { ty, form: form.clone(), unset, empty, holds, holed };
        self.lists.insert(key.clone(), list.clone());
        if let Some(symbol) = self.settings.get(key).cloned() {
            self.join(&symbol, &list);
        }
        list
    }

    /// A setting that is read as a text and as a list: whether it is set, and empty, is the same for both.
    fn join(&mut self, symbol: &Sym, list: &Many) {
        self.solver.clause([!symbol.null, list.unset]);
        self.solver.clause([symbol.null, !list.unset]);
        let empty = self.domain(Type::Text).iter().position(|value| value.same(&Value::text("")));
        if let Some(is) = empty.and_then(|at| symbol.is.get(at)).copied() {
            self.solver.clause([!is, list.empty]);
            self.solver.clause([is, !list.empty]);
        }
    }

    /// What the database holds of all rows, whoever wrote them: CHECKs, unique keys, and that what the row asked
    /// about refers to exists. `about`: the places of the rows asked about.
    pub(crate) fn facts(&mut self, about: &[usize]) {
        for at in 0..self.rows.len() {
            let Some(relation) = self.rows.get(at).map(|row| row.relation) else { continue };
            let stored = self.rows.get(at).is_some_and(|row| row.stored);
            for check in self.laws.checks(relation).iter().filter(|check| check.lasts || !stored) {
                let env = [(ROOT, super::encode::Bound::Row(at))];
                let truth = self.tri(&check.says, &env, "");
                if let Some(exists) = self.rows.get(at).map(|row| row.exists) {
                    self.solver.clause([!exists, !truth.no]);
                }
            }
        }
        let pairs: Vec<(usize, usize)> = (0..self.rows.len())
            .flat_map(|one| (one + 1..self.rows.len()).map(move |other| (one, other)))
            // The row before and after an update is one row.
            .filter(|(one, other)| !(about.contains(one) && about.contains(other)))
            .collect();
        for (one, other) in pairs {
            let (Some(left), Some(right)) = (self.rows.get(one), self.rows.get(other)) else { continue };
            if left.relation != right.relation {
                continue;
            }
            let exist = [!left.exists, !right.exists];
            let Some(relation) = self.database.relations.get(left.relation) else { continue };
            for key in &relation.keys {
                let Some(same) = self.same_columns(one, key, other, key) else { continue };
                self.solver.clause(exist.into_iter().chain([!same]));
            }
        }
        for at in about {
            let Some(relation) = self.rows.get(*at).and_then(|row| self.database.relations.get(row.relation)) else {
                continue;
            };
            for key in relation.foreign_keys.iter().filter(|key| key.enforced) {
                let Some(parents) = self.parents(key) else { continue };
                let Some(to) = parents.first().and_then(|row| self.rows.get(*row)) else { continue };
                if self.unheld.contains(&to.relation) {
                    continue;
                }
                let Some(to) = self.database.relations.get(to.relation) else { continue };
                let theirs: Option<Vec<usize>> = key.to_columns.iter().map(|name| to.column(name)).collect();
                let Some(theirs) = theirs else { continue };
                let mut one_of: Vec<Lit> = Vec::new();
                for column in &key.columns {
                    let symbol = self.cell(*at, *column);
                    one_of.push(symbol.null);
                }
                let mut known = true;
                for parent in parents {
                    match self.same_columns(*at, &key.columns, parent, &theirs) {
                        Some(same) => {
                            let exists = self.rows.get(parent).map_or(self.solver.no(), |row| row.exists);
                            one_of.push(self.solver.and([same, exists]));
                        }
                        None => known = false,
                    }
                }
                if known {
                    self.solver.clause(one_of);
                }
            }
        }
    }

    /// The stored rows of the table that a foreign key points at, where the question holds any.
    pub(crate) fn parents(&self, key: &tenantry_policy::database::DbForeignKey) -> Option<Vec<usize>> {
        let is = |row: &Row| {
            self.database
                .relations
                .get(row.relation)
                .is_some_and(|relation| relation.schema == key.to.0 && relation.name == key.to.1)
        };
        let rows: Vec<usize> =
            self.rows.iter().enumerate().filter(|(_, row)| row.stored && is(row)).map(|(at, _)| at).collect();
        (!rows.is_empty()).then_some(rows)
    }

    /// Are columns of two rows all there and the same? `None` where their type is not looked into.
    pub(crate) fn same_columns(&mut self, one: usize, left: &[usize], other: usize, right: &[usize]) -> Option<Lit> {
        let mut same = Vec::new();
        for (left, right) in left.iter().zip(right) {
            let (left, right) = (self.cell(one, *left), self.cell(other, *right));
            if left.ty != right.ty || left.is.is_empty() {
                return None;
            }
            same.push(self.equal(&left, &right));
        }
        Some(self.solver.and(same))
    }

    pub(crate) fn equal(&mut self, left: &Sym, right: &Sym) -> Lit {
        let pairs: Vec<Lit> =
            left.is.iter().zip(&right.is).map(|(left, right)| self.solver.and([*left, *right])).collect();
        self.solver.or(pairs)
    }

    /// Looks for values that make all of these true.
    pub(crate) fn find(&mut self, wanted: &[Lit]) -> Found {
        self.solver.find(wanted)
    }

    /// In the model found last: a value; `None` for NULL.
    pub(crate) fn value(&self, symbol: &Sym) -> Option<Value> {
        let at = symbol.is.iter().position(|is| self.solver.holds(*is))?;
        self.domain(symbol.ty).get(at).cloned()
    }
}

/// What a walk goes through.
struct Surroundings<'a> {
    database: &'a Database,
    laws: &'a Laws,
    roles: &'a Roles,
}

impl Surroundings<'_> {
    /// Is there, in what is asked of a table, a subselect for whose every row another one is asked for? Rows that are
    /// looked up by whole keys are no others: each is one.
    fn alternates(&self, about: usize, asks: &str, beside: &[&Expr]) -> bool {
        let laws = self.laws.of(about).iter().flat_map(|law| [&law.using, &law.check]).flatten();
        laws.clone().any(|expr| self.turns(expr, Sense { wanted: true, every: false }, asks, &mut vec![about]))
            || beside.iter().any(|expr| {
                [true, false]
                    .iter()
                    .any(|wanted| self.turns(expr, Sense { wanted: *wanted, every: false }, asks, &mut vec![about]))
            })
    }

    fn turns(&self, expr: &Expr, sense: Sense, actor: &str, path: &mut Vec<usize>) -> bool {
        let other = Sense { wanted: !sense.wanted, ..sense };
        let both = |part: &Expr, path: &mut Vec<usize>| {
            self.turns(part, sense, actor, path) || self.turns(part, other, actor, path)
        };
        match expr {
            Expr::And(parts) | Expr::Or(parts) => parts.iter().any(|part| self.turns(part, sense, actor, path)),
            Expr::Not(inner) => self.turns(inner, other, actor, path),
            Expr::Demand(inner) | Expr::Cast(inner, _) | Expr::IsNull(inner) | Expr::Is(inner, _) => both(inner, path),
            Expr::NullIf(left, right)
            | Expr::Compare(_, left, right)
            | Expr::Distinct(left, right)
            | Expr::StartsWith(left, right) => both(left, path) || both(right, path),
            Expr::Coalesce(parts) => parts.iter().any(|part| both(part, path)),
            Expr::Case(branches, last) => {
                branches.iter().any(|(when, then)| both(when, path) || both(then, path)) || both(last, path)
            }
            Expr::Exists(query) | Expr::Scalar(query) => self.rows_turn(query, sense, actor, path),
            Expr::Within(left, query) => {
                left.iter().any(|part| both(part, path)) || self.rows_turn(query, sense, actor, path)
            }
            Expr::Any { left, list, .. } => {
                both(left, path)
                    || match list {
                        super::expr::List::Query(query) | super::expr::List::Aggregated(query) => {
                            self.rows_turn(query, sense, actor, path)
                        }
                        super::expr::List::Items(items) => items.iter().any(|item| both(item, path)),
                        super::expr::List::Setting { .. } => false,
                    }
            }
            _ => false,
        }
    }

    fn rows_turn(&self, query: &super::expr::Query, sense: Sense, actor: &str, path: &mut Vec<usize>) -> bool {
        query.branches.iter().any(|select| {
            let mut sense = sense;
            // Every row around it has a name, whichever it is.
            let mut names: BTreeMap<usize, String> = BTreeMap::new();
            select.filter.visit(
                &mut |one| {
                    if let Expr::Column { binding, .. } = one {
                        names.insert(*binding, String::new());
                    }
                },
                &mut |_| {},
            );
            let mut turned = false;
            for scan in &select.from {
                let Scan::Table { binding, relation, .. } = scan else { continue };
                if keyed(self.database, select, *binding, *relation, &names).is_none() {
                    turned |= sense.wanted && sense.every;
                    sense.every |= !sense.wanted;
                }
            }
            if turned || self.turns(&select.filter, sense, actor, path) {
                return true;
            }
            select.from.iter().any(|scan| {
                let Scan::Table { relation, actor: own, .. } = scan else { return false };
                let actor = own.as_deref().unwrap_or(actor);
                let held = self.roles.exempt(self.database, *relation, actor).is_none();
                if !held || path.contains(relation) || path.len() > 8 {
                    return false;
                }
                path.push(*relation);
                let found = self
                    .laws
                    .of(*relation)
                    .iter()
                    .filter_map(|law| law.using.as_ref())
                    .any(|using| self.turns(using, sense, actor, path));
                path.pop();
                found
            })
        })
    }
}

/// How a part of a condition is asked.
#[derive(Debug, Clone, Copy)]
struct Sense {
    /// To be TRUE, rather than not to be.
    wanted: bool,
    /// For every row of something around it.
    every: bool,
}

/// The name of the one row that a subselect looks up by a whole key from rows that have names.
fn keyed(
    database: &Database,
    select: &Select,
    binding: usize,
    relation: usize,
    names: &BTreeMap<usize, String>,
) -> Option<String> {
    let parts = match &select.filter {
        Expr::And(parts) => parts.as_slice(),
        other => std::slice::from_ref(other),
    };
    let mut led: BTreeMap<usize, String> = BTreeMap::new();
    for part in parts {
        let Expr::Compare(tenantry_policy::condition::Cmp::Eq, left, right) = part else { continue };
        for (own, other) in [(left, right), (right, left)] {
            if let (Expr::Column { binding: of, column, .. }, Expr::Column { binding: from, column: theirs, .. }) =
                (own.as_ref(), other.as_ref())
                && *of == binding
                && *from != binding
                && let Some(name) = names.get(from)
            {
                led.insert(*column, format!("{name}.{theirs}"));
            }
        }
    }
    let keys = &database.relations.get(relation)?.keys;
    let key = keys.iter().find(|key| key.iter().all(|column| led.contains_key(column)))?;
    let from: Vec<&str> = key.iter().filter_map(|column| led.get(column)).map(String::as_str).collect();
    Some(format!("({})>{relation}:{key:?}", from.join(",")))
}

impl Reach {
    /// Everything that an expression about a row of `root` may lead to. `from` names that row: what is looked up
    /// from one row by a whole key is one row, however often it is looked up.
    fn walk(
        &mut self,
        around: &Surroundings<'_>,
        expr: &Expr,
        root: usize,
        from: &str,
        actor: &str,
        path: &mut Vec<usize>,
    ) {
        let mut bindings: BTreeMap<usize, usize> = BTreeMap::from([(ROOT, root)]);
        let mut found: Vec<Expr> = Vec::new();
        expr.visit(&mut |one| found.push(one.clone()), &mut |scan| {
            if let Scan::Table { binding, relation, .. } = scan {
                bindings.insert(*binding, *relation);
            }
        });
        let mut names: BTreeMap<usize, String> = BTreeMap::from([(ROOT, from.to_owned())]);
        let mut scans: Vec<(usize, Option<String>, String)> = Vec::new();
        for one in &found {
            self.note(one, &bindings);
            let (Expr::Exists(query)
            | Expr::Scalar(query)
            | Expr::Within(_, query)
            | Expr::Any { list: super::expr::List::Query(query), .. }) = one
            else {
                continue;
            };
            for select in &query.branches {
                for scan in &select.from {
                    let Scan::Table { binding, relation, actor } = scan else { continue };
                    let name = keyed(around.database, select, *binding, *relation, &names)
                        .unwrap_or_else(|| format!("{from}/{binding}"));
                    names.insert(*binding, name.clone());
                    scans.push((*relation, actor.clone(), name));
                }
            }
        }
        for (relation, own, name) in scans {
            let actor = own.as_deref().unwrap_or(actor);
            if self.named.insert((relation, name.clone())) {
                *self.rows.entry(relation).or_default() += 1;
            }
            let held = around.roles.exempt(around.database, relation, actor).is_none();
            if !held || path.len() > 8 {
                continue;
            }
            // Policies that read more on the way to themselves are refused, or not understood.
            if path.contains(&relation) && around.laws.rereads(around.database, around.roles, relation, actor).reads {
                continue;
            }
            if !self.walked.insert((relation, name.clone(), actor.to_owned())) {
                continue;
            }
            path.push(relation);
            for law in around.laws.of(relation) {
                let policy = around.database.relations.get(relation).and_then(|of| of.policies.get(law.policy));
                let applies = policy.is_some_and(|policy| around.roles.applies(policy, actor, DbCommand::Select));
                if let (Some(using), true) = (&law.using, applies) {
                    self.walk(around, using, relation, &name, actor, path);
                }
            }
            path.pop();
        }
    }

    fn note(&mut self, expr: &Expr, bindings: &BTreeMap<usize, usize>) {
        match expr {
            Expr::Value(value) => self.constants.push(value.clone()),
            Expr::Column { binding, column, .. } => {
                if let Some(relation) = bindings.get(binding) {
                    self.columns.insert((*relation, *column));
                }
            }
            Expr::Setting(setting) => {
                *self.said.entry(Key { setting: setting.clone(), path: Vec::new() }).or_default() += 1;
                self.settings.insert((Key { setting: setting.clone(), path: Vec::new() }, "text"));
            }
            Expr::Claim { setting, path } => {
                *self.said.entry(Key { setting: setting.clone(), path: path.clone() }).or_default() += 1;
                self.settings.insert((Key { setting: setting.clone(), path: path.clone() }, "text"));
                self.settings.insert((Key { setting: setting.clone(), path: Vec::new() }, "text"));
            }
            Expr::Cast(inner, ty) => {
                if *ty != Type::Text && inner.ty() == Some(Type::Text) {
                    self.note_spelled(inner, ty.name());
                }
                self.casts.entry(ty.name()).or_insert((*ty, 0)).1 += 1;
            }
            Expr::Any { list: super::expr::List::Setting { ty, .. }, .. } => {
                self.casts.entry(ty.name()).or_insert((*ty, 0)).1 += 1;
            }
            Expr::User(Some(name)) => self.constants.push(Value::text(name)),
            Expr::User(None) | Expr::Login => self.names_roles = true,
            Expr::StartsWith(_, prefix) => {
                self.in_prefixes = true;
                match prefix.as_ref() {
                    Expr::Value(value) => self.prefixes.push(value.clone()),
                    other => self.note_prefix(other),
                }
            }
            _ => {}
        }
    }

    /// What a cast reads.
    fn note_spelled(&mut self, inner: &Expr, ty: &'static str) {
        let (mut rows, mut keys) = (0, Vec::new());
        inner.visit(
            &mut |one| match one {
                Expr::Column { .. } | Expr::Item { .. } => rows += 1,
                Expr::Setting(setting) => keys.push((Key { setting: setting.clone(), path: Vec::new() }, ty)),
                Expr::Claim { setting, path } => {
                    keys.push((Key { setting: setting.clone(), path: path.clone() }, ty));
                }
                _ => {}
            },
            &mut |_| {},
        );
        if rows > 0 {
            *self.respelled.entry(ty).or_default() += rows;
        }
        self.cast_from.extend(keys);
    }

    /// How many more spellings a type's values need.
    pub(super) fn spellings(&self, ty: &str) -> usize {
        let of = |key: &Key| self.cast_from.iter().filter(|(from, _)| from == key).count();
        let texts = self.said.iter().filter(|(key, count)| {
            **count > of(key) && self.cast_from.iter().any(|(from, to)| from == *key && *to == ty)
        });
        (self.respelled.get(ty).copied().unwrap_or(0) + texts.count()).min(MOST_SPELLINGS)
    }

    /// A prefix that is no constant. One that is made of settings is one of these, or a constant, however often and
    /// in however many policies it stands.
    fn note_prefix(&mut self, prefix: &Expr) {
        let mut keys = Vec::new();
        let mut plain = true;
        prefix.visit(
            &mut |one| match one {
                Expr::Setting(setting) => keys.push(Key { setting: setting.clone(), path: Vec::new() }),
                Expr::Claim { setting, path } => keys.push(Key { setting: setting.clone(), path: path.clone() }),
                Expr::Null(_) | Expr::Value(_) | Expr::Demand(_) | Expr::NullIf(..) | Expr::Coalesce(_) => {}
                Expr::Scalar(query) => plain &= query.branches.iter().all(|branch| branch.from.is_empty()),
                _ => plain = false,
            },
            &mut |_| {},
        );
        if plain && !keys.is_empty() {
            self.prefix_settings.extend(keys);
        } else {
            self.prefix_others += 1;
        }
    }

    /// A row asked about refers to rows that are there, whichever these are: rows of their own, since one that a
    /// condition looks for need not be the one that is referred to.
    /// Gives the tables for which these would be too many: what refers to them is not relied on then.
    fn referred(&mut self, database: &Database, about: usize, times: usize) -> BTreeSet<usize> {
        let mut unheld = BTreeSet::new();
        let Some(relation) = database.relations.get(about) else { return unheld };
        for key in relation.foreign_keys.iter().filter(|key| key.enforced) {
            let to = database.relations.iter().position(|to| to.schema == key.to.0 && to.name == key.to.1);
            let Some((to, count)) = to.and_then(|to| Some((to, self.rows.get_mut(&to)?))) else { continue };
            if *count + times <= MOST_ROWS {
                *count += times;
            } else {
                unheld.insert(to);
            }
        }
        unheld
    }

    /// The columns that facts of the tables met speak of.
    fn facts(&mut self, database: &Database, laws: &Laws) {
        let relations: Vec<usize> = self.rows.keys().copied().collect();
        for at in relations {
            let Some(relation) = database.relations.get(at) else { continue };
            let keys = relation.keys.iter().flatten().chain(relation.foreign_keys.iter().flat_map(|key| &key.columns));
            self.columns.extend(keys.map(|column| (at, *column)));
            for key in &relation.foreign_keys {
                let to = database.relations.iter().position(|to| to.schema == key.to.0 && to.name == key.to.1);
                let Some((to, of)) = to.and_then(|to| Some((to, database.relations.get(to)?))) else { continue };
                self.columns
                    .extend(key.to_columns.iter().filter_map(|name| of.column(name)).map(|column| (to, column)));
            }
            for check in laws.checks(at) {
                let bindings = BTreeMap::from([(ROOT, at)]);
                let mut found = Vec::new();
                check.says.visit(&mut |one| found.push(one.clone()), &mut |_| {});
                found.iter().for_each(|one| self.note(one, &bindings));
            }
        }
    }
}
