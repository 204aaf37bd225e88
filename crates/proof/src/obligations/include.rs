//! 7: a related row that comes along is one that the principal may see on its own.
//!
//! The rewriter puts the related table's own rules and boundary on every included row, so what is left to ask
//! is whether rules of two tables, each right by itself, join rows of two tenants.

use tenantry_policy::{Address, Op, Policy, RuleKind, Table};

use super::{never, obligation, too_large};
use crate::model::Problem;
use crate::obligation::{Obligation, Outcome, Promise};

pub(super) fn answer(policy: &Policy, table: &Table) -> Vec<Obligation> {
    let each = table.relations.iter().filter_map(|relation| {
        let other = policy.table(relation.to)?;
        let about = Address::new([table.address().as_str(), ".relation.", &relation.name].concat());
        let outcome = joined(policy, table, other);
        Some(obligation(table, Promise::Include, Some(Op::Read), Some(&about), outcome))
    });
    each.collect()
}

fn joined(policy: &Policy, table: &Table, other: &Table) -> Outcome {
    let mut problem = match Problem::new(policy, &[table.id, other.id]) {
        Ok(problem) => problem,
        Err(ty) => return too_large(ty),
    };
    let included = problem.row(other.id, "included row");
    let parent = problem.row(table.id, "row");
    let owned = problem.owned(included, Op::Read);
    let shared = problem.any_of(included, Op::Read, RuleKind::Shared);
    let bypassed = problem.any_of(included, Op::Read, RuleKind::Bypass);
    let wanted =
        [problem.shown(parent, Op::Read, None), problem.shown(included, Op::Read, None), !owned, !shared, !bypassed];
    never(&mut problem, &wanted, Op::Read, |witness| {
        witness.shows(policy, 0, Op::Read, None) && witness.shows(policy, 1, Op::Read, None)
    })
}
