//! 1 to 6 and 9: what the rules show for reading and writing is the principal's own.

use batsat::Lit;
use tenantry_policy::condition::ColumnRef;
use tenantry_policy::table::DeleteMode;
use tenantry_policy::{ColumnId, Op, Policy, RuleKind, Table};

use super::{ask, foreign, never, obligation};
use crate::model::{Problem, RowId};
use crate::obligation::{Obligation, Outcome, Promise};
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

/// A row that is written must be visible for reading and for the write.
fn shown_for(problem: &mut Problem<'_>, row: RowId, op: Op) -> Lit {
    let (read, write) = (problem.shown(row, Op::Read, None), problem.shown(row, op, None));
    problem.solver.and([read, write])
}

fn written(policy: &Policy, table: &Table, op: Op) -> Outcome {
    let (mut problem, row) = match ask(policy, table) {
        Ok(asked) => asked,
        Err(outcome) => return outcome,
    };
    let wanted = [shown_for(&mut problem, row, op), foreign(&mut problem, row, op)];
    never(&mut problem, &wanted, op, |witness| leaks(policy, witness, 0, &[Op::Read, op]))
}

/// A changed row keeps the columns that an update may not set; what it becomes must be visible again. It
/// leaks when the new row is foreign, or when its tenant is another one than before.
fn moved(policy: &Policy, table: &Table) -> Outcome {
    let (mut problem, row) = match ask(policy, table) {
        Ok(asked) => asked,
        Err(outcome) => return outcome,
    };
    let new = problem.row(table.id, "new row");
    let changes: Vec<ColumnId> =
        table.writes.update.iter().copied().chain(table.writes.auto_update.iter().map(|(column, _)| *column)).collect();
    let mut wanted = Vec::new();
    for (at, column) in table.columns.iter().enumerate() {
        let Ok(at) = u16::try_from(at) else { continue };
        let kept =
            !changes.contains(&ColumnId(at)) && column.facts.ty.is_some_and(tenantry_policy::Type::in_conditions);
        if kept && speaks_of(table, ColumnId(at)) {
            wanted.push(kept_as_it_was(&mut problem, row, new, ColumnId(at)));
        }
    }
    for (at, relation) in table.relations.iter().enumerate() {
        let refers_alike = relation.to_one && relation.pairs.iter().all(|(own, _)| !changes.contains(own));
        if let Ok(at) = u16::try_from(at)
            && refers_alike
        {
            problem.same_related(new, row, tenantry_policy::RelationId(at));
        }
    }
    wanted.push(shown_for(&mut problem, row, Op::Update));
    wanted.push(shown_for(&mut problem, new, Op::Update));
    let foreign_now = foreign(&mut problem, new, Op::Update);
    let elsewhere = match (problem.tenant(row), problem.tenant(new)) {
        (Some((_, before)), Some((_, after))) => {
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

/// Do rules, boundary or tenant read this column of the row itself?
fn speaks_of(table: &Table, wanted: ColumnId) -> bool {
    let mut found = table.tenant == Some(ColumnRef::Own(wanted));
    for cond in table.rules.iter().map(|rule| &rule.when).chain(&table.boundary) {
        crate::model::columns(cond, &mut |column| found |= column == ColumnRef::Own(wanted));
    }
    found
}

fn kept_as_it_was(problem: &mut Problem<'_>, old: RowId, new: RowId, column: ColumnId) -> Lit {
    let ((_, before), (_, after)) = (problem.cell(old, column), problem.cell(new, column));
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
    let wanted = [shown_for(&mut problem, row, op), shared, !owned, !bypassed];
    never(&mut problem, &wanted, op, |witness| leaks(policy, witness, 0, &[Op::Read, op]))
}

fn bounded(policy: &Policy, table: &Table, op: Op) -> Outcome {
    let (mut problem, row) = match ask(policy, table) {
        Ok(asked) => asked,
        Err(outcome) => return outcome,
    };
    let within = problem.bounded(row, op);
    let wanted = [problem.shown(row, op, None), !within];
    never(&mut problem, &wanted, op, |witness| leaks(policy, witness, 0, &[op]) && !witness.bounded(policy, 0, op))
}
