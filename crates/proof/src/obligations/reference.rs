//! 8: a reference that is written leads to a row of the same tenant, or to a shared one.
//!
//! The guard looks the referenced row up as the principal may read it, inside the writing statement. So the
//! question is whether a row that the principal may read, and one that it may write, can be of two tenants.

use tenantry_policy::condition::ColumnRef;
use tenantry_policy::{Address, ColumnId, Op, Policy, RelationId, RuleKind, Table};

use super::{never, obligation, shown_for, shows_for, too_large};
use crate::model::Problem;
use crate::obligation::{Obligation, Outcome, Promise};
use crate::sorts::About;

pub(super) fn answer(policy: &Policy, table: &Table) -> Vec<Obligation> {
    let mut all = Vec::new();
    for (at, relation) in table.relations.iter().enumerate().filter(|(_, relation)| relation.to_one) {
        let (Some(other), Ok(at)) = (policy.table(relation.to), u16::try_from(at)) else { continue };
        let creates = |column: &ColumnId| table.writes.create.as_ref().is_some_and(|create| create.contains(column));
        let written = |by: &dyn Fn(&ColumnId) -> bool| relation.pairs.iter().any(|(own, _)| by(own));
        let created = written(&creates).then_some(Op::Create);
        let updated = written(&|column| table.writes.update.contains(column)).then_some(Op::Update);
        // A reference that holds the tenant itself cannot leave it.
        let holds_tenant = relation.pairs.iter().any(|(own, theirs)| {
            table.tenant == Some(ColumnRef::Own(*own)) && other.tenant == Some(ColumnRef::Own(*theirs))
        });
        let about = Address::new([table.address().as_str(), ".relation.", &relation.name].concat());
        for op in created.into_iter().chain(updated) {
            let outcome =
                if holds_tenant { Outcome::Proved } else { referred(policy, table, other, RelationId(at), op) };
            all.push(obligation(table, Promise::Reference, Some(op), Some(&about), outcome));
        }
    }
    all
}

fn referred(policy: &Policy, table: &Table, other: &Table, relation: RelationId, op: Op) -> Outcome {
    let about = About { rows: &[table.id, other.id], joins: &[(table.id, relation)], ..About::default() };
    let mut problem = match Problem::new(policy, &about) {
        Ok(problem) => problem,
        Err(ty) => return too_large(ty),
    };
    let row = problem.row(table.id, "row");
    let referred = problem.row(other.id, "referenced row");
    problem.join(row, relation, referred);
    let same = match (problem.tenant(row), problem.tenant(referred)) {
        (Some(own), Some(theirs)) => problem.same(&own, &theirs),
        // A table without tenants is shared as a whole, or readable by a bypass.
        _ => problem.solver.no(),
    };
    let shared = problem.any_of(referred, Op::Read, RuleKind::Shared);
    let bypassed = problem.any_of(referred, Op::Read, RuleKind::Bypass);
    // Declared reach is an exception that the file names.
    let reached = problem.reached(referred, Op::Read);
    let reached: Vec<_> = reached.into_iter().map(|(_, lit)| lit).collect();
    let reached = problem.solver.or(reached);
    let write_reached: Vec<_> = problem.reached(row, op).into_iter().map(|(_, lit)| lit).collect();
    let write_reached = problem.solver.or(write_reached);
    let write_bypassed = problem.any_of(row, op, RuleKind::Bypass);
    let found = problem.visible(referred, Op::Read);
    let written = shown_for(&mut problem, row, op, None);
    let wanted = [written, found, !same, !shared, !bypassed, !reached, !write_reached, !write_bypassed];
    never(&mut problem, &wanted, op, |witness| {
        let Some(place) = witness.place("referenced row") else { return false };
        shows_for(policy, witness, 0, op, None) && witness.shows(policy, place, Op::Read, None)
    })
}
