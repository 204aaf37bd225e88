//! 15: a principal that lacks an attribute is shown nothing that it would not be shown with it.
//!
//! Three-valued logic is monotone: where a condition is TRUE with something UNKNOWN, it is TRUE whatever that
//! becomes. Only `HAS` and lists can break this, so only attributes that stand in a `HAS` are asked about with
//! the solver; for the others the argument is the proof. A hop only reads NULL where a rule is no longer TRUE, and
//! no condition can ask whether it does. (A missing list is UNKNOWN, and an empty one decides
//! like a list whose items are all others, but for NULL, where it says FALSE, or TRUE under NOT IN.)

use std::collections::BTreeSet;

use tenantry_policy::condition::Cond;
use tenantry_policy::{Address, AttrId, Op, Policy, Table};

use super::{ask, never, obligation, shown_for, shows_for, written_ops};
use crate::obligation::{Obligation, Outcome, Promise};

pub(super) fn answer(policy: &Policy, table: &Table) -> Vec<Obligation> {
    let mut tested: BTreeSet<AttrId> = BTreeSet::new();
    let mut read: BTreeSet<AttrId> = BTreeSet::new();
    for rule in &table.rules {
        rule.when.attributes(&mut |attr| {
            read.insert(attr);
        });
        has(&rule.when, &mut |attr| {
            tested.insert(attr);
        });
    }
    let mut all = Vec::new();
    for attr in read {
        let Some(attribute) = policy.attributes.get(attr) else { continue };
        let about = Address::new(attribute.path.to_string());
        for op in [Op::Read].into_iter().chain(written_ops(table)) {
            let outcome = if tested.contains(&attr) { widens(policy, table, attr, op) } else { Outcome::Proved };
            // One line for all operations, where nothing is to be said of one of them.
            if op == Op::Read || outcome != Outcome::Proved {
                all.push(obligation(table, Promise::Missing, Some(op), Some(&about), outcome));
            }
        }
    }
    all
}

fn has(cond: &Cond, visit: &mut dyn FnMut(AttrId)) {
    match cond {
        Cond::And(parts) | Cond::Or(parts) => parts.iter().for_each(|part| has(part, visit)),
        Cond::Not(inner) => has(inner, visit),
        Cond::Has(attr) => visit(*attr),
        _ => {}
    }
}

/// Is a foreign row shown to somebody who lacks the attribute, and not to the same principal with it? Rows of the
/// own tenant, and of declared reach, are their rules' business: `NOT HAS principal.metadata.suspended` is a
/// sensible thing to write.
fn widens(policy: &Policy, table: &Table, attr: AttrId, op: Op) -> Outcome {
    let (mut problem, row) = match ask(policy, table) {
        Ok(asked) => asked,
        Err(outcome) => return outcome,
    };
    let with = problem.has(attr);
    let shown_with = shown_for(&mut problem, row, op, None);
    let without = problem.change(attr);
    let shown = shown_for(&mut problem, row, op, None);
    let owned = problem.owned(row, op);
    let shared = problem.any_of(row, Op::Read, tenantry_policy::RuleKind::Shared);
    let wanted = [with, !shown_with, !without, shown, !owned, !shared];
    never(&mut problem, &wanted, op, |witness| shows_for(policy, witness, 0, op, None))
}
