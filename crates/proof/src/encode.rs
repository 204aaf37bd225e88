//! Conditions as clauses, in three-valued logic: each is a pair of literals, one for TRUE and one for FALSE;
//! UNKNOWN is neither.

use batsat::Lit;
use tenantry_policy::condition::{Cmp, Cond, Term};
use tenantry_policy::{AttrId, Value};

use crate::solver::Solver;
use crate::sorts::Sort;

/// A condition's truth.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Truth {
    pub(crate) yes: Lit,
    pub(crate) no: Lit,
}

/// A value that may be absent: NULL, or an attribute that the principal lacks. When it is present, exactly
/// one of `is` holds, by its place among the values of its sort.
#[derive(Debug, Clone)]
pub(crate) struct Symbol {
    pub(crate) present: Lit,
    /// `None` for what no condition reads.
    pub(crate) sort: Option<Sort>,
    pub(crate) is: Vec<Lit>,
    /// Is it this value of the sort or one before it?
    pub(crate) upto: Vec<Lit>,
}

/// A list attribute: when present, the set of the sort's values that it holds.
#[derive(Debug, Clone)]
pub(crate) struct Set {
    pub(crate) present: Lit,
    pub(crate) sort: Option<Sort>,
    pub(crate) holds: Vec<Lit>,
}

/// Where a condition's names lead.
pub(crate) trait Scene {
    fn solver(&mut self) -> &mut Solver;
    /// The values of a sort.
    fn values(&self, sort: Option<Sort>) -> &[Value];
    /// A column of the row that the condition speaks of.
    fn column(&mut self, column: tenantry_policy::condition::ColumnRef) -> Symbol;
    /// A single attribute.
    fn attribute(&mut self, attr: AttrId) -> Symbol;
    /// A list attribute.
    fn list(&mut self, attr: AttrId) -> Set;
    /// Is the attribute there, whatever it is?
    fn has(&mut self, attr: AttrId) -> Lit;
}

/// The truth of a condition.
pub(crate) fn encode(scene: &mut dyn Scene, cond: &Cond) -> Truth {
    match cond {
        Cond::Const(value) => constant(scene, *value),
        Cond::And(parts) => {
            let (yes, no) = parts.iter().map(|part| encode(scene, part)).map(|truth| (truth.yes, truth.no)).unzip();
            let (yes, no): (Vec<Lit>, Vec<Lit>) = (yes, no);
            Truth { yes: scene.solver().and(yes), no: scene.solver().or(no) }
        }
        Cond::Or(parts) => {
            let (yes, no) = parts.iter().map(|part| encode(scene, part)).map(|truth| (truth.yes, truth.no)).unzip();
            let (yes, no): (Vec<Lit>, Vec<Lit>) = (yes, no);
            Truth { yes: scene.solver().or(yes), no: scene.solver().and(no) }
        }
        Cond::Not(inner) => swapped(encode(scene, inner)),
        Cond::Has(attr) => two_valued(scene.has(*attr)),
        Cond::IsNull { column, negated } => {
            let present = scene.column(*column).present;
            two_valued(if *negated { present } else { !present })
        }
        Cond::Compare { left, cmp, right, .. } => compare(scene, left, *cmp, right),
        Cond::StartsWith { term: text, prefix } => starts_with(scene, text, prefix),
        Cond::InLiterals { list, negated, .. } if list.is_empty() => constant(scene, *negated),
        Cond::InLiterals { term: member, list, negated } => {
            let truth = test(scene, member, &|value| list.iter().any(|item| item.same(value)));
            if *negated { swapped(truth) } else { truth }
        }
        Cond::InAttr { term: member, list, negated } => {
            let set = scene.list(*list);
            let (present, within) = match term(scene, member) {
                Side::Constant(value) => {
                    let at = scene.values(set.sort).iter().position(|known| known.same(&value));
                    let within = at.and_then(|at| set.holds.get(at)).copied();
                    let solver = scene.solver();
                    (solver.yes(), within.unwrap_or(solver.no()))
                }
                Side::Variable(symbol) => {
                    let solver = scene.solver();
                    let pairs = symbol.is.iter().zip(&set.holds);
                    let pairs: Vec<Lit> = pairs.map(|(is, holds)| solver.and([*is, *holds])).collect();
                    (symbol.present, solver.or(pairs))
                }
            };
            let solver = scene.solver();
            let any = solver.or(set.holds.iter().copied());
            let inside = solver.and([set.present, present, within]);
            let apart = solver.and([present, !within]);
            // An empty list holds nothing, not even for NULL.
            let outside = solver.or([!any, apart]);
            let truth = Truth { yes: inside, no: solver.and([set.present, outside]) };
            if *negated { swapped(truth) } else { truth }
        }
    }
}

fn constant(scene: &mut dyn Scene, value: bool) -> Truth {
    two_valued(scene.solver().constant(value))
}

fn two_valued(yes: Lit) -> Truth {
    Truth { yes, no: !yes }
}

fn swapped(truth: Truth) -> Truth {
    Truth { yes: truth.no, no: truth.yes }
}

/// TRUE or FALSE by `is` where everything is present, else UNKNOWN.
fn guarded(scene: &mut dyn Scene, present: &[Lit], is: Lit) -> Truth {
    let solver = scene.solver();
    let yes = solver.and(present.iter().copied().chain([is]));
    let no = solver.and(present.iter().copied().chain([!is]));
    Truth { yes, no }
}

/// A side of a comparison.
enum Side {
    Constant(Value),
    Variable(Symbol),
}

fn term(scene: &mut dyn Scene, term: &Term) -> Side {
    match term {
        Term::Column(column) => Side::Variable(scene.column(*column)),
        Term::Attr(attr) => Side::Variable(scene.attribute(*attr)),
        Term::Literal(value) => Side::Constant(value.clone()),
    }
}

/// Is one value such as `fits` says?
fn test(scene: &mut dyn Scene, member: &Term, fits: &dyn Fn(&Value) -> bool) -> Truth {
    match term(scene, member) {
        Side::Constant(value) => constant(scene, fits(&value)),
        Side::Variable(symbol) => {
            let fitting: Vec<bool> = scene.values(symbol.sort).iter().map(fits).collect();
            let is = within(scene.solver(), &symbol, &fitting);
            guarded(scene, &[symbol.present], is)
        }
    }
}

/// Is the value one of these? Values that follow one another from the first, or to the last, are one literal.
fn within(solver: &mut Solver, symbol: &Symbol, fitting: &[bool]) -> Lit {
    let first = fitting.iter().take_while(|fits| **fits).count();
    if fitting.iter().skip(first).all(|fits| !fits) {
        return upto(solver, symbol, first);
    }
    let last = fitting.iter().take_while(|fits| !**fits).count();
    if fitting.iter().skip(last).all(|fits| *fits) {
        return !upto(solver, symbol, last);
    }
    let parts: Vec<Lit> = symbol.is.iter().zip(fitting).filter_map(|(is, fits)| fits.then_some(*is)).collect();
    solver.or(parts)
}

/// Is it one of the first so many?
fn upto(solver: &Solver, symbol: &Symbol, count: usize) -> Lit {
    match count.checked_sub(1) {
        None => solver.no(),
        Some(at) => symbol.upto.get(at).copied().unwrap_or(solver.yes()),
    }
}

fn compare(scene: &mut dyn Scene, left: &Term, cmp: Cmp, right: &Term) -> Truth {
    let relates = |left: &Value, right: &Value| {
        left.compare(right).is_some_and(|order| match cmp {
            Cmp::Eq => order.is_eq(),
            Cmp::Ne => order.is_ne(),
            Cmp::Lt => order.is_lt(),
            Cmp::Le => order.is_le(),
            Cmp::Gt => order.is_gt(),
            Cmp::Ge => order.is_ge(),
        })
    };
    match (left, right) {
        (left, Term::Literal(value)) => test(scene, left, &|known| relates(known, value)),
        (Term::Literal(value), right) => test(scene, right, &|known| relates(value, known)),
        (left, right) => {
            let (Side::Variable(left), Side::Variable(right)) = (term(scene, left), term(scene, right)) else {
                return constant(scene, false);
            };
            let solver = scene.solver();
            // `a < b` is the plain form; the others follow from it and from equality.
            let related = match cmp {
                Cmp::Eq => same(solver, &left, &right),
                Cmp::Ne => !same(solver, &left, &right),
                Cmp::Lt => before(solver, &left, &right),
                Cmp::Ge => !before(solver, &left, &right),
                Cmp::Gt => before(solver, &right, &left),
                Cmp::Le => !before(solver, &right, &left),
            };
            guarded(scene, &[left.present, right.present], related)
        }
    }
}

/// Are two values of one sort the same, where both are there?
pub(crate) fn same(solver: &mut Solver, left: &Symbol, right: &Symbol) -> Lit {
    // INVARIANT: what is compared is of one sort, so that places mean the same values.
    if left.sort != right.sort {
        return solver.fresh();
    }
    let pairs: Vec<Lit> = left.is.iter().zip(&right.is).map(|(left, right)| solver.and([*left, *right])).collect();
    solver.or(pairs)
}

/// Is a value before another, where both are there?
fn before(solver: &mut Solver, left: &Symbol, right: &Symbol) -> Lit {
    if left.sort != right.sort {
        return solver.fresh();
    }
    let pairs: Vec<Lit> = left.is.iter().zip(&right.upto).map(|(is, upto)| solver.and([*is, !*upto])).collect();
    solver.or(pairs)
}

fn starts_with(scene: &mut dyn Scene, text: &Term, prefix: &Term) -> Truth {
    let begins = |text: &Value, prefix: &Value| match (text, prefix) {
        (Value::Text(text), Value::Text(prefix)) => text.as_bytes().starts_with(prefix.as_bytes()),
        _ => false,
    };
    match (text, prefix) {
        (text, Term::Literal(prefix)) => test(scene, text, &|text| begins(text, prefix)),
        (Term::Literal(text), prefix) => test(scene, prefix, &|prefix| begins(text, prefix)),
        (text, prefix) => {
            let (Side::Variable(text), Side::Variable(prefix)) = (term(scene, text), term(scene, prefix)) else {
                return constant(scene, false);
            };
            if text.sort != prefix.sort {
                let open = scene.solver().fresh();
                return guarded(scene, &[text.present, prefix.present], open);
            }
            // The texts that begin with a value follow it directly: values are in the order of their bytes.
            let values = scene.values(text.sort);
            let runs: Vec<usize> = values
                .iter()
                .enumerate()
                .map(|(at, prefix)| values.iter().skip(at).take_while(|text| begins(text, prefix)).count())
                .collect();
            let solver = scene.solver();
            let mut pairs = Vec::new();
            for (at, (is, run)) in prefix.is.iter().zip(runs).enumerate() {
                let (from, to) = (upto(solver, &text, at), upto(solver, &text, at + run));
                let inside = solver.and([!from, to]);
                pairs.push(solver.and([*is, inside]));
            }
            let related = solver.or(pairs);
            guarded(scene, &[text.present, prefix.present], related)
        }
    }
}
