//! 11: a tenant sees its own rows, and a declared reach list is used.

use tenantry_policy::{Address, Op, Policy, RuleKind, Table};

use super::{ask, bounded_for, obligation, shown_for, shows_for, sometimes, within_for, written_ops};
use crate::obligation::{Obligation, Outcome, Promise};

pub(super) fn answer(policy: &Policy, table: &Table) -> Vec<Obligation> {
    if table.tenant.is_none() {
        return Vec::new();
    }
    let mut all = vec![obligation(table, Promise::Own, Some(Op::Read), None, own(policy, table))];
    let reads = policy.reach_read.iter().map(|list| (Op::Read, *list));
    let writes = written_ops(table).into_iter().flat_map(|op| policy.reach_write.iter().map(move |list| (op, *list)));
    for (op, list) in reads.chain(writes) {
        let Some(attribute) = policy.attributes.get(list) else { continue };
        if !used(table, list, op) {
            continue;
        }
        let about = Address::new(attribute.path.to_string());
        all.push(obligation(table, Promise::Own, Some(op), Some(&about), reached(policy, table, op, list)));
    }
    all
}

/// Does a rule of the table read the attribute for an operation? (The boundary reads every list.)
pub(crate) fn used(table: &Table, attr: tenantry_policy::AttrId, op: Op) -> bool {
    let mut found = false;
    for rule in table.rules.iter().filter(|rule| rule.kind == RuleKind::Permit && rule.on.has(op)) {
        rule.when.attributes(&mut |read| found |= read == attr);
    }
    found
}

fn own(policy: &Policy, table: &Table) -> Outcome {
    let (mut problem, row) = match ask(policy, table) {
        Ok(asked) => asked,
        Err(outcome) => return outcome,
    };
    let wanted = [problem.visible(row, Op::Read), problem.own(row)];
    let idle = "no principal sees a row of its own tenant: the rules contradict one another";
    sometimes(&mut problem, &wanted, Op::Read, idle, |witness| {
        witness.shows(policy, 0, Op::Read, None) && witness.bounded(policy, 0, Op::Read)
    })
}

fn reached(policy: &Policy, table: &Table, op: Op, list: tenantry_policy::AttrId) -> Outcome {
    let (mut problem, row) = match ask(policy, table) {
        Ok(asked) => asked,
        Err(outcome) => return outcome,
    };
    let within = problem.reached(row, op).into_iter().find(|(known, _)| *known == list).map(|(_, lit)| lit);
    let Some(within) = within else { return Outcome::Idle("the list is not used here") };
    let own = problem.own(row);
    let wanted = [shown_for(&mut problem, row, op, None), bounded_for(&mut problem, row, op), within, !own];
    sometimes(&mut problem, &wanted, op, "no rule here uses the list", |witness| {
        shows_for(policy, witness, 0, op, None) && within_for(policy, witness, 0, op)
    })
}
