//! 7: a related row that comes along is one that the principal may see on its own.
//!
//! The rewriter puts the related table's own rules and boundary on every included row, so what is left to ask
//! is whether rules of two tables, each right by itself, join rows of two tenants.

use tenantry_policy::{Address, Op, Policy, RelationId, RuleKind, Table};

use super::{never, obligation, too_large};
use crate::model::Problem;
use crate::obligation::{Obligation, Outcome, Promise};
use crate::sorts::About;

pub(super) fn answer(policy: &Policy, table: &Table) -> Vec<Obligation> {
    let mut all = Vec::new();
    for (at, relation) in table.relations.iter().enumerate() {
        let (Some(other), Ok(at)) = (policy.table(relation.to), u16::try_from(at)) else { continue };
        let about = Address::new([table.address().as_str(), ".relation.", &relation.name].concat());
        let outcome = joined(policy, table, other, RelationId(at));
        all.push(obligation(table, Promise::Include, Some(Op::Read), Some(&about), outcome));
    }
    all
}

fn joined(policy: &Policy, table: &Table, other: &Table, relation: RelationId) -> Outcome {
    let about = About { rows: &[table.id, other.id], joins: &[(table.id, relation)], ..About::default() };
    let mut problem = match Problem::new(policy, &about) {
        Ok(problem) => problem,
        Err(ty) => return too_large(ty),
    };
    let included = problem.row(other.id, "included row");
    let parent = problem.row(table.id, "row");
    problem.join(parent, relation, included);
    let owned = problem.owned(included, Op::Read);
    let shared = problem.any_of(included, Op::Read, RuleKind::Shared);
    let bypassed = problem.any_of(included, Op::Read, RuleKind::Bypass);
    let wanted =
        [problem.shown(parent, Op::Read, None), problem.shown(included, Op::Read, None), !owned, !shared, !bypassed];
    never(&mut problem, &wanted, Op::Read, |witness| {
        witness.shows(policy, 0, Op::Read, None) && witness.shows(policy, 1, Op::Read, None)
    })
}
