//! 12: each rule changes something: without it some row would be shown or hidden that is not.

use tenantry_policy::{Op, Policy, RuleKind, Table};

use super::{ask, bounded_for, obligation, shown_for, shows_for, sometimes, within_for};
use crate::obligation::{Obligation, Outcome, Promise};
use crate::obligations::written_ops;

const DEAD: &str = "with or without it the same rows are shown: remove it, or mend it";

pub(super) fn answer(policy: &Policy, table: &Table) -> Vec<Obligation> {
    let mut all = Vec::new();
    for (at, rule) in table.rules.iter().enumerate() {
        let mut outcome = Outcome::Idle(DEAD);
        // A scope is for every operation, also for those that are off.
        let counts = |op: &Op| *op == Op::Read || rule.kind == RuleKind::Scope || written_ops(table).contains(op);
        for op in rule.on.iter().filter(counts) {
            outcome = changes(policy, table, at, op);
            if !matches!(outcome, Outcome::Idle(_)) {
                break;
            }
        }
        all.push(obligation(table, Promise::Alive, None, Some(&rule.address), outcome));
    }
    all
}

fn changes(policy: &Policy, table: &Table, at: usize, op: Op) -> Outcome {
    let (mut problem, row) = match ask(policy, table) {
        Ok(asked) => asked,
        Err(outcome) => return outcome,
    };
    let (with, without) = (shown_for(&mut problem, row, op, None), shown_for(&mut problem, row, op, Some(at)));
    let bounded = bounded_for(&mut problem, row, op);
    let shown = problem.solver.and([with, !without]);
    let hidden = problem.solver.and([without, !with]);
    let wanted = [bounded, problem.solver.or([shown, hidden])];
    sometimes(&mut problem, &wanted, op, DEAD, |witness| {
        shows_for(policy, witness, 0, op, None) != shows_for(policy, witness, 0, op, Some(at))
            && within_for(policy, witness, 0, op)
    })
}
