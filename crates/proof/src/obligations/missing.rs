//! 15: a principal that lacks an attribute is shown nothing that it would not be shown with it.
//!
//! Three-valued logic is monotone: where a condition is TRUE with something UNKNOWN, it is TRUE whatever that
//! becomes. Only `HAS` and lists can break this, so only attributes that stand in a `HAS` are asked about with
//! the solver; for the others the argument is the proof. (A missing list is UNKNOWN, and an empty one decides
//! like a list whose items are all others, but for NULL, where it says FALSE, or TRUE under NOT IN.)

use std::collections::BTreeSet;

use tenantry_policy::condition::Cond;
use tenantry_policy::{Address, AttrId, Op, Policy, Table};

use super::{ask, never, obligation};
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
    let each = read.into_iter().filter_map(|attr| {
        let about = Address::new(policy.attributes.get(attr)?.path.to_string());
        let outcome = if tested.contains(&attr) { widens(policy, table, attr) } else { Outcome::Proved };
        Some(obligation(table, Promise::Missing, Some(Op::Read), Some(&about), outcome))
    });
    each.collect()
}

fn has(cond: &Cond, visit: &mut dyn FnMut(AttrId)) {
    match cond {
        Cond::And(parts) | Cond::Or(parts) => parts.iter().for_each(|part| has(part, visit)),
        Cond::Not(inner) => has(inner, visit),
        Cond::Has(attr) => visit(*attr),
        _ => {}
    }
}

/// Is a foreign row shown to somebody who lacks the attribute? Rows of the own tenant are its rules' business:
/// `NOT HAS principal.metadata.suspended` is a sensible thing to write.
fn widens(policy: &Policy, table: &Table, attr: AttrId) -> Outcome {
    let (mut problem, row) = match ask(policy, table) {
        Ok(asked) => asked,
        Err(outcome) => return outcome,
    };
    let is_list = policy.attributes.get(attr).is_some_and(|attribute| attribute.list);
    let present = if is_list { problem.set(attr).present } else { problem.attr(attr).1.present };
    let own = problem.own(row);
    let shared = problem.any_of(row, Op::Read, tenantry_policy::RuleKind::Shared);
    let wanted = [!present, problem.shown(row, Op::Read, None), !own, !shared];
    never(&mut problem, &wanted, Op::Read, |witness| witness.shows(policy, 0, Op::Read, None))
}
