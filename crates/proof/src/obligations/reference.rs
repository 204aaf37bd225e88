//! 8: a reference that is written leads to a row of the same tenant, or to a shared one.
//!
//! The guard looks the referenced row up as the principal may read it, inside the writing statement. So the
//! question is whether a row that the principal may read, and one that it may write, can be of two tenants.

use tenantry_policy::{Address, Op, Policy, RuleKind, Table};

use super::{never, obligation, too_large};
use crate::model::Problem;
use crate::obligation::{Obligation, Outcome, Promise};

pub(super) fn answer(policy: &Policy, table: &Table) -> Vec<Obligation> {
    let mut all = Vec::new();
    for relation in table.relations.iter().filter(|relation| relation.to_one) {
        let Some(other) = policy.table(relation.to) else { continue };
        let writable = |column| {
            table.writes.create.as_ref().is_some_and(|create| create.contains(&column))
                || table.writes.update.contains(&column)
        };
        let written = relation.pairs.iter().any(|(own, _)| writable(*own));
        // A reference that holds the tenant itself cannot leave it.
        let holds_tenant = relation.pairs.iter().any(|(own, theirs)| {
            use tenantry_policy::condition::ColumnRef::Own;
            table.tenant == Some(Own(*own)) && other.tenant == Some(Own(*theirs))
        });
        if !written {
            continue;
        }
        let about = Address::new([table.address().as_str(), ".relation.", &relation.name].concat());
        let outcome = if holds_tenant { Outcome::Proved } else { referred(policy, table, other) };
        all.push(obligation(table, Promise::Reference, None, Some(&about), outcome));
    }
    all
}

fn referred(policy: &Policy, table: &Table, other: &Table) -> Outcome {
    let mut problem = match Problem::new(policy, &[table.id, other.id]) {
        Ok(problem) => problem,
        Err(ty) => return too_large(ty),
    };
    let row = problem.row(table.id, "row");
    let referred = problem.row(other.id, "referenced row");
    let op = if table.writes.create.is_some() { Op::Create } else { Op::Update };
    let same = match (problem.tenant(row), problem.tenant(referred)) {
        (Some((_, own)), Some((_, theirs))) => problem.same(&own, &theirs),
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
    let (read, write) = (problem.shown(row, Op::Read, None), problem.shown(row, op, None));
    let found = problem.visible(referred, Op::Read);
    let wanted = [read, write, found, !same, !shared, !bypassed, !reached, !write_reached, !write_bypassed];
    never(&mut problem, &wanted, op, |witness| {
        let Some(place) = witness.place("referenced row") else { return false };
        witness.shows(policy, 0, op, None) && witness.shows(policy, place, Op::Read, None)
    })
}
