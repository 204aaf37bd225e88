//! 11: a tenant sees its own rows, and a declared reach list is used.

use tenantry_policy::{Address, Op, Policy, Table};

use super::{ask, obligation, sometimes};
use crate::obligation::{Obligation, Outcome, Promise};

pub(super) fn answer(policy: &Policy, table: &Table) -> Vec<Obligation> {
    if table.tenant.is_none() {
        return Vec::new();
    }
    let mut all = vec![obligation(table, Promise::Own, Some(Op::Read), None, own(policy, table))];
    let lists = policy.reach_read.iter().map(|list| (Op::Read, *list));
    for (op, list) in lists {
        let Some(attribute) = policy.attributes.get(list) else { continue };
        if !reads(table, list) {
            continue;
        }
        let about = Address::new(attribute.path.to_string());
        all.push(obligation(table, Promise::Own, Some(op), Some(&about), reached(policy, table, op, list)));
    }
    all
}

/// Does a rule of the table read the attribute? (The boundary reads every list.)
pub(crate) fn reads(table: &Table, attr: tenantry_policy::AttrId) -> bool {
    let mut found = false;
    for rule in &table.rules {
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
    let wanted = [problem.visible(row, op), within, !own];
    sometimes(&mut problem, &wanted, op, "no rule here uses the list", |witness| {
        witness.shows(policy, 0, op, None) && witness.bounded(policy, 0, op)
    })
}
