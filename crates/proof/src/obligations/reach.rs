//! 1 to 6 and 9: what the rules show for reading and writing is the principal's own.

use batsat::Lit;
use tenantry_policy::table::{AutoValue, DeleteMode};
use tenantry_policy::{ColumnId, Op, Policy, RelationId, RuleKind, Table};

use super::{
    ask, bounded_for, foreign, never, obligation, points_at_visible, shown_for, too_large, within_for, written_hops,
};
use crate::model::{Problem, RowId};
use crate::obligation::{Obligation, Outcome, Promise};
use crate::sorts::{About, hops};
use crate::witness::Witness;

pub(super) fn answer(policy: &Policy, table: &Table) -> Vec<Obligation> {
    let mut all = vec![obligation(table, Promise::Read, Some(Op::Read), None, read(policy, table))];
    if table.writes.create.is_some() {
        all.push(obligation(table, Promise::Create, Some(Op::Create), None, written(policy, table, Op::Create)));
    }
    if !table.writes.update.is_empty() {
        all.push(obligation(table, Promise::UpdateOld, Some(Op::Update), None, written(policy, table, Op::Update)));
        all.push(obligation(table, Promise::UpdateNew, Some(Op::Update), None, moved(policy, table)));
    }
    if table.writes.delete != DeleteMode::Off {
        all.push(obligation(table, Promise::Delete, Some(Op::Delete), None, written(policy, table, Op::Delete)));
    }
    let shares = table.rules.iter().any(|rule| rule.kind == RuleKind::Shared);
    for op in written_ops(table) {
        if shares {
            all.push(obligation(table, Promise::SharedWrite, Some(op), None, shared_written(policy, table, op)));
        }
    }
    for op in [Op::Read].into_iter().chain(written_ops(table)) {
        all.push(obligation(table, Promise::Boundary, Some(op), None, bounded(policy, table, op)));
    }
    all
}

/// The writes that a table takes.
pub(crate) fn written_ops(table: &Table) -> Vec<Op> {
    let mut ops = Vec::new();
    if table.writes.create.is_some() {
        ops.push(Op::Create);
    }
    if !table.writes.update.is_empty() {
        ops.push(Op::Update);
    }
    if table.writes.delete != DeleteMode::Off {
        ops.push(Op::Delete);
    }
    ops
}

/// The evaluator's word: the rules show the row at the place, and nothing excuses it.
fn leaks(policy: &Policy, witness: &Witness, place: usize, ops: &[Op]) -> bool {
    ops.iter().all(|op| witness.shows(policy, place, *op, None))
}

fn read(policy: &Policy, table: &Table) -> Outcome {
    let (mut problem, row) = match ask(policy, table) {
        Ok(asked) => asked,
        Err(outcome) => return outcome,
    };
    let wanted = [problem.shown(row, Op::Read, None), foreign(&mut problem, row, Op::Read)];
    never(&mut problem, &wanted, Op::Read, |witness| leaks(policy, witness, 0, &[Op::Read]))
}

fn written(policy: &Policy, table: &Table, op: Op) -> Outcome {
    let (mut problem, row) = match ask(policy, table) {
        Ok(asked) => asked,
        Err(outcome) => return outcome,
    };
    let wanted = [shown_for(&mut problem, row, op, None), foreign(&mut problem, row, op)];
    never(&mut problem, &wanted, op, |witness| leaks(policy, witness, 0, &[Op::Read, op]))
}

/// A changed row keeps the columns that an update may not set; what it becomes must be visible again. It
/// leaks when the new row is foreign, or when its tenant is another one than before.
///
/// A reference that is written is looked up by the statement, one that is left alone is not: both are asked, for
/// each reference through which rules read.
fn moved(policy: &Policy, table: &Table) -> Outcome {
    let hops = written_hops(table, &table.writes.update);
    // Each is a question of its own; so many are in no table.
    let Some(ways) = u32::try_from(hops.len()).ok().filter(|count| *count < 8).map(|count| 1_u32 << count) else {
        return Outcome::Undecided("too many references through which rules read may be written at once".to_owned());
    };
    for way in 0..ways {
        let changed =
            |hop: &RelationId| hops.iter().position(|known| known == hop).is_some_and(|at| way & (1 << at) != 0);
        let outcome = moved_by(policy, table, &changed);
        if outcome != Outcome::Proved {
            return outcome;
        }
    }
    Outcome::Proved
}

fn moved_by(policy: &Policy, table: &Table, changed: &dyn Fn(&RelationId) -> bool) -> Outcome {
    let about = About { rows: &[table.id, table.id], ..About::default() };
    let mut problem = match Problem::new(policy, &about) {
        Ok(problem) => problem,
        Err(ty) => return too_large(ty),
    };
    let row = problem.row(table.id, "row");
    let new = problem.row(table.id, "new row");
    let automatic: Vec<ColumnId> = table.writes.auto_update.iter().map(|(column, _)| *column).collect();
    let changes: Vec<ColumnId> = table.writes.update.iter().copied().chain(automatic).collect();
    let mut wanted = Vec::new();
    for at in 0..table.columns.len() {
        let Ok(at) = u16::try_from(at) else { continue };
        let column = ColumnId(at);
        if !problem.reads(table.id, column) {
            continue;
        }
        // What callers may set, too, need not be what the server would set.
        let set = table.writes.auto_update.iter().find(|(known, _)| *known == column);
        if let Some((_, value)) = set.filter(|_| !table.writes.update.contains(&column)) {
            wanted.push(set_by_server(&mut problem, new, column, value));
        } else if !changes.contains(&column) {
            wanted.push(kept_as_it_was(&mut problem, row, new, column));
        }
    }
    for hop in hops(table) {
        if changed(&hop) {
            wanted.push(points_at_visible(&mut problem, new, hop));
        } else {
            problem.same_related(new, row, hop);
            let keys = table.relation(hop).map_or(&[][..], |relation| &relation.pairs);
            for (own, _) in keys {
                if problem.reads(table.id, *own) {
                    wanted.push(kept_as_it_was(&mut problem, row, new, *own));
                }
            }
        }
    }
    wanted.push(shown_for(&mut problem, row, Op::Update, None));
    wanted.push(shown_for(&mut problem, new, Op::Update, None));
    let foreign_now = foreign(&mut problem, new, Op::Update);
    let elsewhere = match (problem.tenant(row), problem.tenant(new)) {
        (Some(before), Some(after)) => {
            let same = problem.same(&before, &after);
            problem.solver.and([before.present, after.present, !same])
        }
        _ => problem.solver.no(),
    };
    wanted.push(problem.solver.or([foreign_now, elsewhere]));
    never(&mut problem, &wanted, Op::Update, |witness| {
        let Some(new) = witness.place("new row") else { return false };
        leaks(policy, witness, 0, &[Op::Read, Op::Update]) && leaks(policy, witness, new, &[Op::Read, Op::Update])
    })
}

/// A column that the server sets: without the attribute there is no update.
fn set_by_server(problem: &mut Problem<'_>, new: RowId, column: ColumnId, value: &AutoValue) -> Lit {
    let after = problem.cell(new, column);
    match value {
        AutoValue::Attr(attr) => {
            let attribute = problem.attr(*attr);
            // An attribute that no rule reads may be anything.
            if attribute.sort.is_some() && attribute.sort == after.sort {
                problem.same(&after, &attribute)
            } else {
                after.present
            }
        }
        AutoValue::Literal(value) => problem.is_value(&after, value).unwrap_or(after.present),
        AutoValue::Now => after.present,
    }
}

fn kept_as_it_was(problem: &mut Problem<'_>, old: RowId, new: RowId, column: ColumnId) -> Lit {
    let (before, after) = (problem.cell(old, column), problem.cell(new, column));
    let same = problem.same(&before, &after);
    let both_null = problem.solver.and([!before.present, !after.present]);
    problem.solver.or([same, both_null])
}

fn shared_written(policy: &Policy, table: &Table, op: Op) -> Outcome {
    let (mut problem, row) = match ask(policy, table) {
        Ok(asked) => asked,
        Err(outcome) => return outcome,
    };
    // Shared rules are for reading: ask them of the row that is written.
    let shared = problem.any_of(row, Op::Read, RuleKind::Shared);
    let owned = problem.owned(row, op);
    let bypassed = problem.any_of(row, op, RuleKind::Bypass);
    let wanted = [shown_for(&mut problem, row, op, None), shared, !owned, !bypassed];
    never(&mut problem, &wanted, op, |witness| leaks(policy, witness, 0, &[Op::Read, op]))
}

fn bounded(policy: &Policy, table: &Table, op: Op) -> Outcome {
    let (mut problem, row) = match ask(policy, table) {
        Ok(asked) => asked,
        Err(outcome) => return outcome,
    };
    let within = bounded_for(&mut problem, row, op);
    let wanted = [shown_for(&mut problem, row, op, None), !within];
    never(&mut problem, &wanted, op, |witness| {
        leaks(policy, witness, 0, &[Op::Read, op]) && !within_for(policy, witness, 0, op)
    })
}
