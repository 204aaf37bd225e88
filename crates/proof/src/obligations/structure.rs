//! 16: keys and columns let nobody past the rules.

use tenantry_policy::condition::ColumnRef;
use tenantry_policy::{ColumnId, Policy, RuleKind, Table};

use super::obligation;
use crate::obligation::{Obligation, Outcome, Promise};

pub(super) fn answer(_: &Policy, table: &Table) -> Vec<Obligation> {
    let widens = table.rules.iter().any(|rule| rule.kind.widens());
    let mut outcome = if widens {
        Outcome::Proved
    } else {
        Outcome::Idle("no rule shows any row: give the table a scope, or say that it is shared")
    };
    let tenant = match table.tenant {
        Some(ColumnRef::Own(column)) => Some(column),
        _ => None,
    };
    let shared = table.rules.iter().all(|rule| rule.kind == RuleKind::Shared);
    // A unique key without the tenant, of columns that callers set, answers whether some tenant has a value.
    let settable = |column: &ColumnId| {
        table.writes.create.as_ref().is_some_and(|create| create.contains(column))
            || table.writes.update.contains(column)
    };
    let oracle =
        table.unique.iter().chain([&table.key]).find(|key| {
            !key.is_empty() && key.iter().all(settable) && !tenant.is_some_and(|tenant| key.contains(&tenant))
        });
    if oracle.is_some() && !shared && widens {
        outcome = Outcome::Idle(
            "a unique key that callers set has no tenant in it, so a refused value tells that some tenant has it",
        );
    }
    vec![obligation(table, Promise::Structure, None, None, outcome)]
}
