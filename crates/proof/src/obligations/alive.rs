//! 12: each rule changes something: without it some row would be shown or hidden that is not.

use tenantry_policy::{Op, Policy, Table};

use super::{ask, obligation, sometimes};
use crate::obligation::{Obligation, Outcome, Promise};

const DEAD: &str = "with or without it the same rows are shown: remove it, or mend it";

pub(super) fn answer(policy: &Policy, table: &Table) -> Vec<Obligation> {
    let mut all = Vec::new();
    for (at, rule) in table.rules.iter().enumerate() {
        let mut outcome = Outcome::Idle(DEAD);
        for op in rule.on.iter() {
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
    let (with, without) = (problem.shown(row, op, None), problem.shown(row, op, Some(at)));
    let bounded = problem.bounded(row, op);
    let shown = problem.solver.and([with, !without]);
    let hidden = problem.solver.and([without, !with]);
    let wanted = [bounded, problem.solver.or([shown, hidden])];
    sometimes(&mut problem, &wanted, op, DEAD, |witness| {
        witness.shows(policy, 0, op, None) != witness.shows(policy, 0, op, Some(at))
    })
}
