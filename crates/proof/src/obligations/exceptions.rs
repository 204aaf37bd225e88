//! 10: each exception shows a row that would not be shown otherwise, or it is stale.

use tenantry_policy::{Op, Policy, RuleKind, Table};

use super::{ask, bounded_for, obligation, shown_for, shows_for, sometimes, within_for, written_ops};
use crate::obligation::{Obligation, Outcome, Promise};

pub(super) fn answer(policy: &Policy, table: &Table) -> Vec<Obligation> {
    let mut all = Vec::new();
    for (at, rule) in table.rules.iter().enumerate() {
        if !matches!(rule.kind, RuleKind::Shared | RuleKind::Bypass) {
            continue;
        }
        // Any of its operations will do.
        let mut outcome = Outcome::Idle("it shows no row of another tenant: remove it");
        for op in rule.on.iter().filter(|op| *op == Op::Read || written_ops(table).contains(op)) {
            outcome = shows_foreign(policy, table, at, op);
            if !matches!(outcome, Outcome::Idle(_)) {
                break;
            }
        }
        all.push(obligation(table, Promise::Exception, None, Some(&rule.address), outcome));
    }
    all
}

fn shows_foreign(policy: &Policy, table: &Table, at: usize, op: Op) -> Outcome {
    let (mut problem, row) = match ask(policy, table) {
        Ok(asked) => asked,
        Err(outcome) => return outcome,
    };
    let Some(rule) = table.rules.get(at) else { return Outcome::Proved };
    let holds = problem.rule(row, rule);
    let own = problem.own(row);
    let wanted = [shown_for(&mut problem, row, op, None), bounded_for(&mut problem, row, op), holds, !own];
    let idle = "it shows no row of another tenant: remove it";
    sometimes(&mut problem, &wanted, op, idle, |witness| {
        shows_for(policy, witness, 0, op, None) && within_for(policy, witness, 0, op)
    })
}
