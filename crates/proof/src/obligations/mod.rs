//! The obligations, one file for each family.

mod alive;
mod exceptions;
mod include;
mod missing;
mod own;
mod reach;
mod reference;
mod structure;

use batsat::Lit;
use tenantry_policy::{Address, ColumnId, Op, Policy, RelationId, Table};

use crate::model::{Problem, RowId};
use crate::obligation::{Obligation, Outcome, Promise};
use crate::solver::Found;
use crate::sorts::{About, hops};
use crate::witness::{EVALUATOR, Witness};

/// Answers a table's obligations of one family.
type Family = fn(&Policy, &Table) -> Vec<Obligation>;

/// Every family.
pub(crate) const FAMILIES: &[Family] = &[
    reach::answer,
    include::answer,
    reference::answer,
    exceptions::answer,
    own::answer,
    alive::answer,
    missing::answer,
    structure::answer,
];

/// One obligation of a table.
fn obligation(
    table: &Table,
    promise: Promise,
    op: Option<Op>,
    about: Option<&Address>,
    outcome: Outcome,
) -> Obligation {
    Obligation { promise, table: table.name.to_string(), op, about: about.cloned(), outcome }
}

/// A question's answer, where nobody should do what is asked. `confirm` puts the witness through the evaluator.
fn never(problem: &mut Problem<'_>, wanted: &[Lit], op: Op, confirm: impl FnOnce(&Witness) -> bool) -> Outcome {
    match problem.find(wanted) {
        Found::Nothing => Outcome::Proved,
        Found::Unknown => Outcome::Undecided("the solver gave up".to_owned()),
        Found::Model => {
            let mut witness = Witness::read(problem, op);
            if confirm(&witness) {
                witness.replayed.push(EVALUATOR.to_owned());
                Outcome::Leaks(Box::new(witness))
            } else {
                Outcome::Fault("what the solver found is not confirmed by the evaluator".to_owned())
            }
        }
    }
}

/// A question's answer, where somebody should be able to do what is asked.
fn sometimes(
    problem: &mut Problem<'_>,
    wanted: &[Lit],
    op: Op,
    otherwise: &'static str,
    confirm: impl FnOnce(&Witness) -> bool,
) -> Outcome {
    match problem.find(wanted) {
        Found::Nothing => Outcome::Idle(otherwise),
        Found::Unknown => Outcome::Undecided("the solver gave up".to_owned()),
        Found::Model => {
            let witness = Witness::read(problem, op);
            if confirm(&witness) {
                Outcome::Shown(Box::new(witness))
            } else {
                Outcome::Fault("what the solver found is not confirmed by the evaluator".to_owned())
            }
        }
    }
}

/// A question about one table, or why it cannot be asked.
fn ask<'p>(policy: &'p Policy, table: &Table) -> Result<(Problem<'p>, RowId), Outcome> {
    let about = About { rows: &[table.id], ..About::default() };
    let mut problem = Problem::new(policy, &about).map_err(too_large)?;
    let row = problem.row(table.id, "row");
    Ok((problem, row))
}

/// Do the rules show a row for all that an operation needs? What is written must be visible for reading, too.
/// `without` leaves one rule out.
fn shown_for(problem: &mut Problem<'_>, row: RowId, op: Op, without: Option<usize>) -> Lit {
    let read = problem.shown(row, Op::Read, without);
    if op == Op::Read {
        return read;
    }
    let write = problem.shown(row, op, without);
    let mut all = vec![read, write];
    if op == Op::Create
        && let Some(table) = problem.table(row)
        && let Some(creatable) = &table.writes.create
    {
        for relation in written_hops(table, creatable) {
            all.push(points_at_visible(problem, row, relation));
        }
    }
    problem.solver.and(all)
}

/// The relations through which rules read and whose keys are among the columns written.
fn written_hops(table: &Table, written: &[ColumnId]) -> Vec<RelationId> {
    let mut hops: Vec<RelationId> = hops(table).into_iter().collect();
    hops.retain(|hop| {
        let relation = table.relation(*hop);
        relation.is_some_and(|relation| relation.to_one && relation.pairs.iter().any(|(own, _)| written.contains(own)))
    });
    hops
}

/// The writing statement looks up what a written reference points at: no row, or one that the principal may read.
fn points_at_visible(problem: &mut Problem<'_>, row: RowId, relation: RelationId) -> Lit {
    let Some(other) = problem.related(row, relation) else { return problem.solver.yes() };
    let exists = problem.rows.get(other.0).map_or(problem.solver.no(), |row| row.exists);
    let visible = problem.visible(other, Op::Read);
    problem.solver.or([!exists, visible])
}

/// Is a row within the boundaries that an operation needs?
fn bounded_for(problem: &mut Problem<'_>, row: RowId, op: Op) -> Lit {
    let read = problem.bounded(row, Op::Read);
    if op == Op::Read {
        return read;
    }
    let write = problem.bounded(row, op);
    problem.solver.and([read, write])
}

/// The evaluator's word: do the rules show the row at a place for all that an operation needs?
fn shows_for(policy: &Policy, witness: &Witness, place: usize, op: Op, without: Option<usize>) -> bool {
    witness.shows(policy, place, Op::Read, without) && witness.shows(policy, place, op, without)
}

/// The evaluator's word: is the row at a place within the boundaries that an operation needs?
fn within_for(policy: &Policy, witness: &Witness, place: usize, op: Op) -> bool {
    witness.bounded(policy, place, Op::Read) && witness.bounded(policy, place, op)
}

fn too_large(ty: &'static str) -> Outcome {
    Outcome::Undecided(format!("the rules name too many {ty} values to look through"))
}

/// Not own, not in reach, not shared, not by a bypass: nobody's business of the principal.
fn foreign(problem: &mut Problem<'_>, row: RowId, op: Op) -> Lit {
    use tenantry_policy::RuleKind::{Bypass, Shared};
    let owned = problem.owned(row, op);
    let shared = problem.any_of(row, op, Shared);
    let bypassed = problem.any_of(row, op, Bypass);
    let excused = problem.solver.or([owned, shared, bypassed]);
    !excused
}

pub(crate) use own::used;
pub(crate) use reach::written_ops;
