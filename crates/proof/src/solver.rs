//! Clauses and gates over the SAT solver.

use batsat::{BasicSolver, Lit, SolverInterface, lbool};

/// A formula as a literal: gates give their output a variable of its own.
pub(crate) struct Solver {
    inner: BasicSolver,
    yes: Lit,
}

/// What the solver found.
pub(crate) enum Found {
    /// No values do it.
    Nothing,
    /// These do; ask [`Solver::holds`].
    Model,
    /// It gave up.
    Unknown,
}

impl Solver {
    pub(crate) fn new() -> Solver {
        let mut inner = BasicSolver::default();
        let yes = Lit::new(inner.new_var_default(), true);
        inner.add_clause_reuse(&mut vec![yes]);
        Solver { inner, yes }
    }

    /// Always true.
    pub(crate) fn yes(&self) -> Lit {
        self.yes
    }

    /// Never true.
    pub(crate) fn no(&self) -> Lit {
        !self.yes
    }

    pub(crate) fn constant(&self, value: bool) -> Lit {
        if value { self.yes } else { !self.yes }
    }

    pub(crate) fn fresh(&mut self) -> Lit {
        Lit::new(self.inner.new_var_default(), true)
    }

    pub(crate) fn clause(&mut self, literals: impl IntoIterator<Item = Lit>) {
        let mut clause: Vec<Lit> = literals.into_iter().collect();
        if clause.contains(&self.yes) {
            return;
        }
        clause.retain(|literal| *literal != !self.yes);
        self.inner.add_clause_reuse(&mut clause);
    }

    /// No two of these hold. Each is linked to the next by a variable that says whether one held so far.
    pub(crate) fn at_most_one(&mut self, literals: &[Lit]) {
        const FEW: usize = 8;
        if literals.len() <= FEW {
            for (at, one) in literals.iter().enumerate() {
                for other in literals.iter().skip(at + 1) {
                    self.clause([!*one, !*other]);
                }
            }
            return;
        }
        let mut before: Option<Lit> = None;
        for literal in literals {
            let so_far = self.fresh();
            self.clause([!*literal, so_far]);
            if let Some(before) = before {
                self.clause([!before, so_far]);
                self.clause([!*literal, !before]);
            }
            before = Some(so_far);
        }
    }

    pub(crate) fn and(&mut self, parts: impl IntoIterator<Item = Lit>) -> Lit {
        let negated: Vec<Lit> = parts.into_iter().map(|part| !part).collect();
        !self.or(negated)
    }

    pub(crate) fn or(&mut self, parts: impl IntoIterator<Item = Lit>) -> Lit {
        let mut parts: Vec<Lit> = parts.into_iter().filter(|part| *part != !self.yes).collect();
        parts.sort_unstable();
        parts.dedup();
        if parts.contains(&self.yes) || parts.iter().any(|part| parts.binary_search(&!*part).is_ok()) {
            return self.yes;
        }
        match parts.as_slice() {
            [] => self.no(),
            [one] => *one,
            _ => {
                let out = self.fresh();
                for part in &parts {
                    self.clause([!*part, out]);
                }
                parts.push(!out);
                self.clause(parts);
                out
            }
        }
    }

    /// Looks for values that make all of these true.
    pub(crate) fn find(&mut self, wanted: &[Lit]) -> Found {
        if !self.inner.is_ok() {
            return Found::Nothing;
        }
        match self.inner.solve_limited(wanted) {
            found if found == lbool::TRUE => Found::Model,
            found if found == lbool::FALSE => Found::Nothing,
            _ => Found::Unknown,
        }
    }

    /// In the model that was found last.
    pub(crate) fn holds(&self, literal: Lit) -> bool {
        self.inner.value_lit(literal) == lbool::TRUE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gates_mean_what_they_say() {
        let mut solver = Solver::new();
        let (a, b) = (solver.fresh(), solver.fresh());
        let both = solver.and([a, b]);
        let either = solver.or([a, b]);
        assert!(matches!(solver.find(&[both]), Found::Model));
        assert!(solver.holds(a) && solver.holds(b));
        assert!(matches!(solver.find(&[both, !either]), Found::Nothing));
        assert!(matches!(solver.find(&[either, !both]), Found::Model));
        assert!(solver.holds(a) != solver.holds(b));
        let always = solver.or([a, !a]);
        assert_eq!(always, solver.yes());
        assert!(matches!(solver.find(&[a]), Found::Model));
        let never = solver.no();
        assert!(matches!(solver.find(&[never]), Found::Nothing));
    }
}
