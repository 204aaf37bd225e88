//! Expressions as clauses. A part that raises an error, or is not understood while it may not be anything, has no
//! truth and no value at all; what rests on it has none either.

use batsat::Lit;
use tenantry_policy::condition::Cmp;
use tenantry_policy::database::DbCommand;
use tenantry_policy::{Type, Value};

use super::expr::{Asked, Expr, List, ListForm, Query, ROOT, Scan, Select, cast};
use super::world::{Key, Many, Sym, Tri, World};

/// What a binding stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bound {
    /// A row, by its place.
    Row(usize),
    /// A value of a domain, by its place.
    Item(usize),
    /// An item of a list that is NULL.
    Nothing,
}

pub(crate) type Env = [(usize, Bound)];

/// One way to go through a FROM: is it there, is it surely not, and what is selected.
struct Match {
    yes: Lit,
    not: Lit,
    out: Vec<Sym>,
}

/// Ways through the FROMs of one subselect, at most.
const MOST_WAYS: usize = 2048;

impl World<'_> {
    fn truth(&mut self, yes: Lit) -> Tri {
        Tri { yes, no: !yes, null: self.solver.no() }
    }

    /// The truth of an expression. `actor`: the role that acts.
    pub(crate) fn tri(&mut self, expr: &Expr, env: &Env, actor: &str) -> Tri {
        match expr {
            Expr::And(parts) | Expr::Or(parts) => {
                let parts: Vec<Tri> = parts.iter().map(|part| self.tri(part, env, actor)).collect();
                let defined: Vec<Lit> =
                    parts.iter().map(|part| self.solver.or([part.yes, part.no, part.null])).collect();
                let every = |of: fn(&Tri) -> Lit| parts.iter().map(of).collect::<Vec<_>>();
                let (yes, no) = if matches!(expr, Expr::And(_)) {
                    (self.solver.and(every(|part| part.yes)), self.solver.or(every(|part| part.no)))
                } else {
                    (self.solver.or(every(|part| part.yes)), self.solver.and(every(|part| part.no)))
                };
                let null = self.solver.and(defined.into_iter().chain([!yes, !no]));
                Tri { yes, no, null }
            }
            Expr::Not(inner) => {
                let Tri { yes, no, null } = self.tri(inner, env, actor);
                Tri { yes: no, no: yes, null }
            }
            Expr::IsNull(inner) => {
                let symbol = self.sym(inner, env, actor);
                let no = self.solver.or(symbol.is.iter().copied());
                Tri { yes: symbol.null, no, null: self.solver.no() }
            }
            Expr::Is(inner, value) => {
                let inner = self.tri(inner, env, actor);
                let (yes, other) = if *value { (inner.yes, inner.no) } else { (inner.no, inner.yes) };
                Tri { yes, no: self.solver.or([other, inner.null]), null: self.solver.no() }
            }
            Expr::Compare(cmp, left, right) => {
                let (left, right) = (self.sym(left, env, actor), self.sym(right, env, actor));
                self.compare(*cmp, &left, &right)
            }
            Expr::Distinct(left, right) => {
                let (left, right) = (self.sym(left, env, actor), self.sym(right, env, actor));
                let equal = self.compare(Cmp::Eq, &left, &right);
                let both = self.solver.and([left.null, right.null]);
                let (l, r) = (self.solver.or(left.is.iter().copied()), self.solver.or(right.is.iter().copied()));
                let (one, other) = (self.solver.and([left.null, r]), self.solver.and([right.null, l]));
                Tri {
                    yes: self.solver.or([equal.no, one, other]),
                    no: self.solver.or([equal.yes, both]),
                    null: self.solver.no(),
                }
            }
            Expr::StartsWith(text, prefix) => {
                let (text, prefix) = (self.sym(text, env, actor), self.sym(prefix, env, actor));
                self.relation(&text, &prefix, |text, prefix| match (text, prefix) {
                    (Value::Text(text), Value::Text(prefix)) => text.as_bytes().starts_with(prefix.as_bytes()),
                    _ => false,
                })
            }
            Expr::Exists(query) => {
                let matches = self.matches(query, env, actor);
                let yes = self.solver.or(matches.iter().map(|one| one.yes));
                let no = self.solver.and(matches.iter().map(|one| one.not));
                Tri { yes, no, null: self.solver.no() }
            }
            Expr::Within(left, query) => {
                let left: Vec<Sym> = left.iter().map(|part| self.sym(part, env, actor)).collect();
                self.within(&left, Cmp::Eq, query, false, env, actor)
            }
            Expr::Any { left, cmp, list, all } => {
                let left = self.sym(left, env, actor);
                self.any(&left, *cmp, list, *all, env, actor)
            }
            Expr::HasRole { user, role, member } => {
                let login = self.login.clone();
                let user = match user {
                    Asked::Actor => actor,
                    Asked::Login => login.as_str(),
                    Asked::Role(name) => name.as_str(),
                };
                let has = user.is_empty()
                    || self.roles.find(user).is_some_and(|user| {
                        user.superuser || if *member { &user.member_of } else { &user.acts_as }.contains(role)
                    });
                let has = self.solver.constant(has);
                self.truth(has)
            }
            Expr::Opaque { ty: Type::Bool, why } => {
                self.met.insert(*why);
                let (yes, no) = (self.solver.fresh(), self.solver.fresh());
                let free = self.free;
                self.solver.clause([!yes, free]);
                self.solver.clause([!no, free]);
                self.solver.clause([!yes, !no]);
                Tri { yes, no, null: self.solver.no() }
            }
            other => {
                let symbol = self.sym(other, env, actor);
                let at = |wanted: bool| {
                    let place = self.domain(Type::Bool).iter().position(|value| value.same(&Value::Bool(wanted)));
                    place.and_then(|at| symbol.is.get(at)).copied().unwrap_or(self.solver.no())
                };
                if symbol.ty == Type::Bool {
                    Tri { yes: at(true), no: at(false), null: symbol.null }
                } else {
                    Tri { yes: self.solver.no(), no: self.solver.no(), null: self.solver.no() }
                }
            }
        }
    }

    /// The value of an expression.
    pub(crate) fn sym(&mut self, expr: &Expr, env: &Env, actor: &str) -> Sym {
        let bound = |binding: usize| env.iter().rev().find(|(known, _)| *known == binding).map(|(_, bound)| *bound);
        match expr {
            Expr::Null(ty) => {
                let mut symbol = self.undefined(ty.unwrap_or(Type::Text));
                symbol.null = self.solver.yes();
                symbol
            }
            Expr::Value(value) => self.constant(value),
            Expr::Unknown(text) => self.constant(&Value::text(text)),
            Expr::Column { binding, column, ty } => match bound(*binding) {
                Some(Bound::Row(row)) => self.cell(row, *column),
                _ => self.undefined(*ty),
            },
            Expr::Item { binding, ty } => {
                let mut symbol = self.undefined(*ty);
                match bound(*binding) {
                    Some(Bound::Item(at)) => {
                        if let Some(is) = symbol.is.get_mut(at) {
                            *is = self.solver.yes();
                        }
                    }
                    Some(Bound::Nothing) => symbol.null = self.solver.yes(),
                    _ => {}
                }
                symbol
            }
            Expr::Setting(setting) => self.setting(&Key { setting: setting.clone(), path: Vec::new() }),
            Expr::Claim { setting, path } => self.setting(&Key { setting: setting.clone(), path: path.clone() }),
            Expr::Demand(inner) => {
                let mut symbol = self.sym(inner, env, actor);
                symbol.null = self.solver.no();
                symbol
            }
            Expr::User(name) => self.constant(&Value::text(name.as_deref().unwrap_or(actor))),
            Expr::Login => {
                let login = self.login.clone();
                self.constant(&Value::text(&login))
            }
            Expr::Cast(inner, to) => {
                let symbol = self.sym(inner, env, actor);
                let images: Vec<Option<Value>> = self.domain(symbol.ty).iter().map(|value| cast(value, *to)).collect();
                let mut made = self.undefined(*to);
                let targets: Vec<Value> = self.domain(*to).to_vec();
                for (place, target) in targets.iter().enumerate() {
                    let from = symbol.is.iter().zip(&images);
                    let lits: Vec<Lit> = from
                        .filter(|(_, image)| image.as_ref().is_some_and(|image| image.same(target)))
                        .map(|(is, _)| *is)
                        .collect();
                    let lit = self.solver.or(lits);
                    if let Some(is) = made.is.get_mut(place) {
                        *is = lit;
                    }
                }
                made.null = symbol.null;
                let succeeds = self.solver.or(made.is.iter().copied().chain([made.null]));
                self.cast.push(succeeds);
                made
            }
            Expr::NullIf(left, right) => {
                let (left, right) = (self.sym(left, env, actor), self.sym(right, env, actor));
                let equal = self.compare(Cmp::Eq, &left, &right);
                let kept = self.solver.or([equal.no, right.null]);
                let is = left.is.iter().map(|is| self.solver.and([*is, kept])).collect();
                Sym { ty: left.ty, is, null: self.solver.or([left.null, equal.yes]) }
            }
            Expr::Coalesce(parts) => {
                let ty = expr.ty().unwrap_or(Type::Text);
                let mut before = self.solver.yes();
                let mut chosen: Vec<(Lit, Sym)> = Vec::new();
                for part in parts {
                    let symbol = self.sym(part, env, actor);
                    let here = before;
                    before = self.solver.and([before, symbol.null]);
                    chosen.push((here, symbol));
                }
                let mut made = self.chosen(ty, &chosen);
                made.null = before;
                made
            }
            Expr::Case(branches, other) => {
                let ty = expr.ty().unwrap_or(Type::Text);
                let mut before = self.solver.yes();
                let mut chosen = Vec::new();
                for (when, then) in branches {
                    let when = self.tri(when, env, actor);
                    let here = self.solver.and([before, when.yes]);
                    let passed = self.solver.or([when.no, when.null]);
                    before = self.solver.and([before, passed]);
                    chosen.push((here, self.sym(then, env, actor)));
                }
                chosen.push((before, self.sym(other, env, actor)));
                self.chosen(ty, &chosen)
            }
            Expr::Scalar(query) => {
                let ty = expr.ty().unwrap_or(Type::Text);
                let matches = self.matches(query, env, actor);
                let none = self.solver.and(matches.iter().map(|one| one.not));
                let mut chosen: Vec<(Lit, Sym)> = Vec::new();
                for (at, one) in matches.iter().enumerate() {
                    let Some(out) = one.out.first() else { continue };
                    let taken = if query.one {
                        // Any one of them.
                        let pick = self.solver.fresh();
                        for (other, _) in &chosen {
                            self.solver.clause([!pick, !*other]);
                        }
                        self.solver.and([one.yes, pick])
                    } else {
                        // More than one is an error.
                        let others = matches.iter().enumerate().filter(|(other, _)| *other != at);
                        let alone: Vec<Lit> = others.map(|(_, other)| other.not).collect();
                        self.solver.and(alone.into_iter().chain([one.yes]))
                    };
                    chosen.push((taken, out.clone()));
                }
                let mut made = self.chosen(ty, &chosen);
                made.null = self.solver.or([made.null, none]);
                made
            }
            Expr::Opaque { ty, why } => {
                self.met.insert(*why);
                self.anything(*ty)
            }
            _ => {
                let truth = self.tri(expr, env, actor);
                let is = self.domain(Type::Bool).iter();
                let is = is.map(|value| if value.same(&Value::Bool(true)) { truth.yes } else { truth.no }).collect();
                Sym { ty: Type::Bool, is, null: truth.null }
            }
        }
    }

    /// The value whose choice holds.
    fn chosen(&mut self, ty: Type, chosen: &[(Lit, Sym)]) -> Sym {
        let mut made = self.undefined(ty);
        let count = made.is.len();
        let mut is = Vec::with_capacity(count);
        for at in 0..count {
            let lits: Vec<Lit> = chosen
                .iter()
                .filter_map(|(here, symbol)| Some((*here, symbol.is.get(at).copied()?)))
                .map(|(here, is)| self.solver.and([here, is]))
                .collect();
            is.push(self.solver.or(lits));
        }
        let nulls: Vec<Lit> = chosen.iter().map(|(here, symbol)| self.solver.and([*here, symbol.null])).collect();
        made.is = is;
        made.null = self.solver.or(nulls);
        made
    }

    pub(crate) fn compare(&mut self, cmp: Cmp, left: &Sym, right: &Sym) -> Tri {
        use std::cmp::Ordering;
        let holds = move |order: Ordering| match cmp {
            Cmp::Eq => order.is_eq(),
            Cmp::Ne => order.is_ne(),
            Cmp::Lt => order.is_lt(),
            Cmp::Le => order.is_le(),
            Cmp::Gt => order.is_gt(),
            Cmp::Ge => order.is_ge(),
        };
        if matches!(cmp, Cmp::Eq | Cmp::Ne) {
            let equal = self.equal(left, right);
            let (l, r) = (self.solver.or(left.is.iter().copied()), self.solver.or(right.is.iter().copied()));
            let yes = self.solver.and([l, r, equal]);
            let no = self.solver.and([l, r, !equal]);
            let (one, other) = (self.solver.or([l, left.null]), self.solver.or([r, right.null]));
            let either = self.solver.or([left.null, right.null]);
            let null = self.solver.and([one, other, either]);
            return if cmp == Cmp::Eq { Tri { yes, no, null } } else { Tri { yes: no, no: yes, null } };
        }
        self.relation(left, right, move |a, b| a.compare(b).is_some_and(holds))
    }

    fn relation(&mut self, left: &Sym, right: &Sym, holds: impl Fn(&Value, &Value) -> bool) -> Tri {
        let (lefts, rights): (Vec<Value>, Vec<Value>) = (self.domain(left.ty).to_vec(), self.domain(right.ty).to_vec());
        let mut pairs = Vec::new();
        let never = self.solver.no();
        let possible: Vec<(Lit, &Value)> =
            right.is.iter().copied().zip(&rights).filter(|(is, _)| *is != never).collect();
        for (is, value) in left.is.iter().zip(&lefts) {
            if *is == never {
                continue;
            }
            let fitting: Vec<Lit> =
                possible.iter().filter(|(_, other)| holds(value, other)).map(|(is, _)| *is).collect();
            let fitting = self.solver.or(fitting);
            pairs.push(self.solver.and([*is, fitting]));
        }
        let related = self.solver.or(pairs);
        let (l, r) = (self.solver.or(left.is.iter().copied()), self.solver.or(right.is.iter().copied()));
        let (one, other) = (self.solver.or([l, left.null]), self.solver.or([r, right.null]));
        let either = self.solver.or([left.null, right.null]);
        Tri { yes: related, no: self.solver.and([l, r, !related]), null: self.solver.and([one, other, either]) }
    }

    /// `left cmp ANY (query)`, or ALL.
    fn within(&mut self, left: &[Sym], cmp: Cmp, query: &Query, all: bool, env: &Env, actor: &str) -> Tri {
        let matches = self.matches(query, env, actor);
        let (mut hits, mut misses, mut defined) = (Vec::new(), Vec::new(), Vec::new());
        for one in matches {
            let parts: Vec<Tri> = left.iter().zip(&one.out).map(|(left, out)| self.compare(cmp, left, out)).collect();
            let yes = self.solver.and(parts.iter().map(|part| part.yes));
            let no = self.solver.or(parts.iter().map(|part| part.no));
            let known: Vec<Lit> = parts.iter().map(|part| self.solver.or([part.yes, part.no, part.null])).collect();
            let known = self.solver.and(known);
            let (hit, miss) = if all { (no, yes) } else { (yes, no) };
            hits.push(self.solver.and([one.yes, hit]));
            misses.push(self.solver.or([one.not, miss]));
            let here = self.solver.and([one.yes, known]);
            defined.push(self.solver.or([one.not, here]));
        }
        // ANY: one hits; ALL: none misses, which is one that hits the other way.
        let (hit, none) = (self.solver.or(hits), self.solver.and(misses));
        let null = self.solver.and(defined.into_iter().chain([!hit, !none]));
        if all { Tri { yes: none, no: hit, null } } else { Tri { yes: hit, no: none, null } }
    }

    fn any(&mut self, left: &Sym, cmp: Cmp, list: &List, all: bool, env: &Env, actor: &str) -> Tri {
        match list {
            List::Query(query) => self.within(std::slice::from_ref(left), cmp, query, all, env, actor),
            List::Items(items) => {
                let items: Vec<Sym> = items.iter().map(|item| self.sym(item, env, actor)).collect();
                let parts: Vec<Tri> = items.iter().map(|item| self.compare(cmp, left, item)).collect();
                let defined: Vec<Lit> =
                    parts.iter().map(|part| self.solver.or([part.yes, part.no, part.null])).collect();
                let (yes, no) = if all {
                    (
                        self.solver.and(parts.iter().map(|part| part.yes)),
                        self.solver.or(parts.iter().map(|part| part.no)),
                    )
                } else {
                    (
                        self.solver.or(parts.iter().map(|part| part.yes)),
                        self.solver.and(parts.iter().map(|part| part.no)),
                    )
                };
                let null = self.solver.and(defined.into_iter().chain([!yes, !no]));
                Tri { yes, no, null }
            }
            // Comparisons with it are made of others when they are read.
            List::Aggregated(_) => {
                self.too_large = true;
                Tri { yes: self.solver.no(), no: self.solver.no(), null: self.solver.no() }
            }
            List::Setting { .. } => {
                let Some((held, there, null_list)) = self.many(list) else {
                    self.too_large = true;
                    return Tri { yes: self.solver.no(), no: self.solver.no(), null: self.solver.no() };
                };
                let items: Vec<Value> = self.domain(held.ty).to_vec();
                let (mut hits, mut misses) = (Vec::new(), Vec::new());
                for (item, holds) in items.iter().zip(&held.holds) {
                    let constant = self.constant(item);
                    let part = self.compare(cmp, left, &constant);
                    let (hit, miss) = if all { (part.no, part.yes) } else { (part.yes, part.no) };
                    hits.push(self.solver.and([*holds, hit]));
                    misses.push(self.solver.or([!*holds, miss]));
                }
                let hit = self.solver.or(hits);
                let hit = self.solver.and([there, hit]);
                let none = self.solver.and(misses.into_iter().chain([!held.holed]));
                let none = self.solver.and([there, none]);
                let value = self.solver.or(left.is.iter().copied());
                let defined = self.solver.or([value, left.null]);
                let null = self.solver.and([there, defined, !hit, !none]);
                let null = self.solver.or([null_list, null]);
                if all { Tri { yes: none, no: hit, null } } else { Tri { yes: hit, no: none, null } }
            }
        }
    }

    /// A list in a setting: what it holds, whether it is there, whether it is NULL.
    fn many(&mut self, list: &List) -> Option<(Many, Lit, Lit)> {
        let List::Setting { of, form, ty } = list else { return None };
        let (key, steps) = source(of)?;
        let separator = if let ListForm::Separated(separator) = form { Some(separator.as_str()) } else { None };
        let many = self.list(&key, *ty, form);
        if many.ty != *ty || many.form != *form {
            // One setting as two kinds of list: not looked through, rather than looked past.
            self.too_large = true;
            return None;
        }
        let (mut unset, mut empty, mut nothing) = (many.unset, many.empty, self.solver.no());
        for step in steps {
            match step {
                Step::Demand => unset = self.solver.no(),
                Step::EmptyIsNull => {
                    unset = self.solver.or([unset, empty]);
                    empty = self.solver.no();
                }
                Step::NullIsEmpty => {
                    empty = self.solver.or([unset, empty]);
                    unset = self.solver.no();
                }
                Step::NullIsNothing => {
                    nothing = unset;
                    unset = self.solver.no();
                }
            }
        }
        let listed = self.solver.and([!many.unset, !many.empty]);
        // The empty text is an empty list where it is separated, and no list at all otherwise.
        let there =
            if separator.is_some() { self.solver.or([listed, empty]) } else { self.solver.or([listed, nothing]) };
        Some((many, there, unset))
    }

    /// The ways through a subselect.
    fn matches(&mut self, query: &Query, env: &Env, actor: &str) -> Vec<Match> {
        let mut found = Vec::new();
        for branch in &query.branches {
            let (yes, no) = (self.solver.yes(), self.solver.no());
            self.ways(branch, 0, env.to_vec(), yes, no, actor, &mut found);
        }
        found
    }

    #[allow(clippy::too_many_arguments, reason = "a walk with its surroundings")]
    fn ways(
        &mut self,
        select: &Select,
        at: usize,
        env: Vec<(usize, Bound)>,
        yes: Lit,
        not: Lit,
        actor: &str,
        found: &mut Vec<Match>,
    ) {
        if found.len() >= MOST_WAYS {
            self.too_large = true;
            return;
        }
        let Some(scan) = select.from.get(at) else {
            let filter = self.tri(&select.filter, &env, actor);
            let out = select.out.iter().map(|out| self.sym(out, &env, actor)).collect();
            let yes = self.solver.and([yes, filter.yes]);
            let not = self.solver.or([not, filter.no, filter.null]);
            found.push(Match { yes, not, out });
            return;
        };
        match scan {
            Scan::Table { binding, relation, actor: own } => {
                let reader = own.clone().unwrap_or_else(|| actor.to_owned());
                let rows: Vec<usize> = self
                    .rows
                    .iter()
                    .enumerate()
                    .filter(|(_, row)| row.stored && row.relation == *relation)
                    .map(|(at, _)| at)
                    .collect();
                for row in rows {
                    let exists = self.rows.get(row).map_or(self.solver.no(), |row| row.exists);
                    let (seen, unseen) = self.readable(row, &reader);
                    let yes = self.solver.and([yes, exists, seen]);
                    let not = self.solver.or([not, !exists, unseen]);
                    let mut env = env.clone();
                    env.push((*binding, Bound::Row(row)));
                    self.ways(select, at + 1, env, yes, not, actor, found);
                }
            }
            Scan::Items { binding, list } => match list {
                List::Setting { .. } => {
                    let Some((held, there, null)) = self.many(list) else {
                        self.too_large = true;
                        return;
                    };
                    for place in 0..held.holds.len() {
                        let Some(holds) = held.holds.get(place).copied() else { continue };
                        let yes = self.solver.and([yes, there, holds]);
                        let away = self.solver.and([there, !holds]);
                        let not = self.solver.or([not, away, null]);
                        let mut env = env.clone();
                        env.push((*binding, Bound::Item(place)));
                        self.ways(select, at + 1, env, yes, not, actor, found);
                    }
                    if held.holed != self.solver.no() {
                        let yes = self.solver.and([yes, there, held.holed]);
                        let away = self.solver.and([there, !held.holed]);
                        let not = self.solver.or([not, away, null]);
                        let mut env = env.clone();
                        env.push((*binding, Bound::Nothing));
                        self.ways(select, at + 1, env, yes, not, actor, found);
                    }
                }
                List::Items(items) => {
                    for item in items {
                        let symbol = self.sym(item, &env, actor);
                        for place in 0..symbol.is.len() {
                            let Some(is) = symbol.is.get(place).copied() else { continue };
                            if is == self.solver.no() {
                                continue;
                            }
                            let (yes, not) = (self.solver.and([yes, is]), self.solver.or([not, !is]));
                            let mut env = env.clone();
                            env.push((*binding, Bound::Item(place)));
                            self.ways(select, at + 1, env, yes, not, actor, found);
                        }
                        if symbol.null != self.solver.no() {
                            let known = self.solver.or(symbol.is.iter().copied());
                            let (yes, not) = (self.solver.and([yes, symbol.null]), self.solver.or([not, known]));
                            let mut env = env.clone();
                            env.push((*binding, Bound::Nothing));
                            self.ways(select, at + 1, env, yes, not, actor, found);
                        }
                    }
                }
                List::Query(_) | List::Aggregated(_) => self.too_large = true,
            },
        }
    }

    /// May a role read a stored row: surely, and surely not?
    pub(crate) fn readable(&mut self, row: usize, role: &str) -> (Lit, Lit) {
        let memo = (row, role.to_owned());
        if let Some(found) = self.shown.get(&memo) {
            return *found;
        }
        let Some(relation) = self.rows.get(row).map(|row| row.relation) else {
            return (self.solver.no(), self.solver.yes());
        };
        let found = if self.roles.exempt(self.database, relation, role).is_some() {
            (self.solver.yes(), self.solver.no())
        } else if self.again(relation, role) {
            (self.solver.no(), self.solver.no())
        } else {
            let truth = self.allowed(row, role, DbCommand::Select, false);
            (truth.yes, self.solver.or([truth.no, truth.null]))
        };
        if self.circular.is_none() && self.unwound.is_none() {
            self.shown.insert(memo, found);
        }
        found
    }

    /// Is a table read on the way to itself, so that PostgreSQL refuses, or nobody knows how often it asks? It does
    /// not refuse where the policies for reading hold no subselect, whatever stands in those for writing.
    fn again(&mut self, relation: usize, role: &str) -> bool {
        if !self.walking.iter().any(|(walked, _)| *walked == relation) {
            return false;
        }
        let rereads = self.laws.rereads(self.database, self.roles, relation, role);
        // What a function asks is a query of its own, which need not come to pass.
        let crossed = self.walking.iter().any(|(_, through)| *through);
        if rereads.selects && !crossed {
            self.circular = Some(relation);
        } else if rereads.reads {
            self.unwound = Some(relation);
        }
        rereads.reads || (rereads.selects && !crossed)
    }

    /// Do the policies of a row's table let a role act on it? `check`: as a new row.
    pub(crate) fn allowed(&mut self, row: usize, role: &str, command: DbCommand, check: bool) -> Tri {
        let Some(relation) = self.rows.get(row).map(|row| row.relation) else {
            let no = self.solver.no();
            return self.truth(no);
        };
        if self.roles.exempt(self.database, relation, role).is_some() {
            let yes = self.solver.yes();
            return self.truth(yes);
        }
        let (database, laws) = (self.database, self.laws);
        let Some(of) = database.relations.get(relation) else {
            let no = self.solver.no();
            return self.truth(no);
        };
        let (mut widen, mut narrow) = (Vec::new(), Vec::new());
        for law in laws.of(relation) {
            let Some(policy) = of.policies.get(law.policy) else { continue };
            if !self.roles.applies(policy, role, command) {
                continue;
            }
            let expr = if check { law.check.as_ref().or(law.using.as_ref()) } else { law.using.as_ref() };
            // A policy that says nothing of this neither lets nor keeps.
            let Some(expr) = expr else { continue };
            self.walking.push((relation, law.through));
            let truth = self.tri(expr, &[(ROOT, Bound::Row(row))], role);
            self.walking.pop();
            if policy.permissive { widen.push(truth) } else { narrow.push(truth) }
        }
        let yes = self.solver.or(widen.iter().map(|one| one.yes));
        let unsure: Vec<Lit> = widen.iter().map(|one| self.solver.or([one.no, one.null])).collect();
        let widened_not = self.solver.and(unsure);
        let holds = self.solver.and(narrow.iter().map(|one| one.yes));
        let fails: Vec<Lit> = narrow.iter().map(|one| self.solver.or([one.no, one.null])).collect();
        let narrowed = self.solver.or(fails);
        Tri { yes: self.solver.and([yes, holds]), no: self.solver.or([widened_not, narrowed]), null: self.solver.no() }
    }
}

/// What happens to a setting's text before it is read as a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Not set is an error.
    Demand,
    /// Empty is NULL.
    EmptyIsNull,
    /// NULL is the empty text.
    NullIsEmpty,
    /// NULL is a list of nothing.
    NullIsNothing,
}

/// The setting that a list is read from, and what happens on the way, in its order.
pub(crate) fn source(of: &Expr) -> Option<(Key, Vec<Step>)> {
    let empty = |expr: &Expr| matches!(expr, Expr::Value(Value::Text(text)) if text.is_empty());
    let nothing = |expr: &Expr| matches!(expr, Expr::Value(Value::Text(text)) if matches!(text.as_ref(), "{}" | "[]"));
    match of {
        Expr::Setting(setting) => Some((Key { setting: setting.clone(), path: Vec::new() }, Vec::new())),
        Expr::Claim { setting, path } => Some((Key { setting: setting.clone(), path: path.clone() }, Vec::new())),
        Expr::Demand(inner) => source(inner).map(|(key, mut steps)| {
            steps.push(Step::Demand);
            (key, steps)
        }),
        Expr::NullIf(inner, other) if empty(other) => source(inner).map(|(key, mut steps)| {
            steps.push(Step::EmptyIsNull);
            (key, steps)
        }),
        Expr::Coalesce(parts) => match parts.as_slice() {
            [inner, other] if empty(other) => source(inner).map(|(key, mut steps)| {
                steps.push(Step::NullIsEmpty);
                (key, steps)
            }),
            [inner, other] if nothing(other) => source(inner).map(|(key, mut steps)| {
                steps.push(Step::NullIsNothing);
                (key, steps)
            }),
            _ => None,
        },
        _ => None,
    }
}
