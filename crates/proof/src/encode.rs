//! Conditions as clauses, in three-valued logic: each is a pair of literals, one for TRUE and one for FALSE;
//! UNKNOWN is neither.

use batsat::Lit;
use tenantry_policy::condition::{Cmp, Cond, Term};
use tenantry_policy::{AttrId, Type, Value};

use crate::solver::Solver;

/// A condition's truth.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Truth {
    pub(crate) yes: Lit,
    pub(crate) no: Lit,
}

/// A value that may be absent: NULL, or an attribute that the principal lacks. When it is present, exactly
/// one of `is` holds, by its place in the type's domain.
#[derive(Debug, Clone)]
pub(crate) struct Symbol {
    pub(crate) present: Lit,
    pub(crate) is: Vec<Lit>,
}

/// A list attribute: when present, the set of the domain's values that it holds.
#[derive(Debug, Clone)]
pub(crate) struct Set {
    pub(crate) present: Lit,
    pub(crate) holds: Vec<Lit>,
}

/// Where a condition's names lead.
pub(crate) trait Scene {
    fn solver(&mut self) -> &mut Solver;
    /// The values of a type.
    fn domain(&self, ty: Type) -> &[Value];
    /// A column of the row that the condition speaks of.
    fn column(&mut self, column: tenantry_policy::condition::ColumnRef) -> (Type, Symbol);
    /// A single attribute.
    fn attribute(&mut self, attr: AttrId) -> (Type, Symbol);
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
            let (_, symbol) = scene.column(*column);
            let truth = two_valued(!symbol.present);
            if *negated { swapped(truth) } else { truth }
        }
        Cond::Compare { left, cmp, right, ty } => {
            let (left, right) = (term(scene, left), term(scene, right));
            let relates: fn(std::cmp::Ordering) -> bool = match cmp {
                Cmp::Eq => std::cmp::Ordering::is_eq,
                Cmp::Ne => std::cmp::Ordering::is_ne,
                Cmp::Lt => std::cmp::Ordering::is_lt,
                Cmp::Le => std::cmp::Ordering::is_le,
                Cmp::Gt => std::cmp::Ordering::is_gt,
                Cmp::Ge => std::cmp::Ordering::is_ge,
            };
            relation(scene, *ty, &left, &right, |a, b| a.compare(b).is_some_and(relates))
        }
        Cond::StartsWith { term: text, prefix } => {
            let (text, prefix) = (term(scene, text), term(scene, prefix));
            relation(scene, Type::Text, &text, &prefix, |text, prefix| match (text, prefix) {
                (Value::Text(text), Value::Text(prefix)) => text.as_bytes().starts_with(prefix.as_bytes()),
                _ => false,
            })
        }
        Cond::InLiterals { list, negated, .. } if list.is_empty() => constant(scene, *negated),
        Cond::InLiterals { term: member, list, negated } => {
            let ty = list.first().map_or(Type::Text, Value::ty);
            let symbol = term(scene, member);
            let places: Vec<bool> =
                scene.domain(ty).iter().map(|value| list.iter().any(|item| item.same(value))).collect();
            let within: Vec<Lit> =
                symbol.is.iter().zip(places).filter_map(|(is, listed)| listed.then_some(*is)).collect();
            let within = scene.solver().or(within);
            let truth = guarded(scene, &[symbol.present], within);
            if *negated { swapped(truth) } else { truth }
        }
        Cond::InAttr { term: member, list, negated } => {
            let symbol = term(scene, member);
            let set = scene.list(*list);
            let solver = scene.solver();
            let pairs: Vec<Lit> =
                symbol.is.iter().zip(&set.holds).map(|(is, holds)| solver.and([*is, *holds])).collect();
            let within = solver.or(pairs);
            let any = solver.or(set.holds.iter().copied());
            let inside = solver.and([set.present, symbol.present, within]);
            let apart = solver.and([symbol.present, !within]);
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

fn term(scene: &mut dyn Scene, term: &Term) -> Symbol {
    match term {
        Term::Column(column) => scene.column(*column).1,
        Term::Attr(attr) => scene.attribute(*attr).1,
        Term::Literal(value) => {
            let places: Vec<bool> = scene.domain(value.ty()).iter().map(|known| known.same(value)).collect();
            let solver = scene.solver();
            Symbol { present: solver.yes(), is: places.into_iter().map(|same| solver.constant(same)).collect() }
        }
    }
}

/// Whether two values stand in a relation: `holds` says it of each two of the domain.
fn relation(
    scene: &mut dyn Scene,
    ty: Type,
    left: &Symbol,
    right: &Symbol,
    holds: impl Fn(&Value, &Value) -> bool,
) -> Truth {
    let domain = scene.domain(ty);
    // For each value of the left side, the values of the right side that it goes with.
    let goes_with: Vec<Vec<bool>> =
        domain.iter().map(|left| domain.iter().map(|right| holds(left, right)).collect()).collect();
    let solver = scene.solver();
    let (no, yes) = (solver.no(), solver.yes());
    let mut pairs = Vec::new();
    for (is, row) in left.is.iter().zip(&goes_with) {
        if *is == no {
            continue;
        }
        let fitting: Vec<Lit> = right.is.iter().zip(row).filter_map(|(is, fits)| fits.then_some(*is)).collect();
        let fitting = if row.iter().all(|fits| *fits) { yes } else { solver.or(fitting) };
        pairs.push(solver.and([*is, fitting]));
    }
    let related = solver.or(pairs);
    guarded(scene, &[left.present, right.present], related)
}
