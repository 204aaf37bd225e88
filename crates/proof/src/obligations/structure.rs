//! 16: keys and columns let nobody past the rules.

use tenantry_policy::condition::ColumnRef;
use tenantry_policy::{ColumnId, Policy, RuleKind, Table, Type};

use super::obligation;
use crate::obligation::{Obligation, Outcome, Promise};

pub(super) fn answer(policy: &Policy, table: &Table) -> Vec<Obligation> {
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
    // A unique key without the tenant, of columns that callers set, answers whether some tenant has a value. Columns beside
    // these are the same for many rows, as far as anybody knows.
    let settable = |column: &ColumnId| {
        table.writes.create.as_ref().is_some_and(|create| create.contains(column))
            || table.writes.update.contains(column)
    };
    // Nobody guesses a UUID.
    let guessed = |column: &ColumnId| {
        settable(column) && table.column(*column).is_none_or(|column| column.facts.ty != Some(Type::Uuid))
    };
    // What leads to a row of one tenant keeps the values of others out as the tenant itself does, and so does a key that the
    // database makes.
    let leads = |key: &[ColumnId]| {
        table.relations.iter().any(|relation| {
            let to = policy.tables.get(relation.to.index());
            let owned =
                to.is_some_and(|to| to.tenant.is_some() && !to.rules.iter().any(|rule| rule.kind == RuleKind::Shared));
            relation.to_one && owned && relation.pairs.iter().all(|(own, _)| key.contains(own))
        })
    };
    let made = |key: &[ColumnId]| {
        !table.key.is_empty() && table.key.iter().all(|column| key.contains(column) && !settable(column))
    };
    let oracle = table.unique.iter().chain([&table.key]).find(|key| {
        key.iter().any(guessed) && !tenant.is_some_and(|tenant| key.contains(&tenant)) && !leads(key) && !made(key)
    });
    if let Some(key) = oracle.filter(|_| !shared && widens) {
        let names = key.iter().filter_map(|column| table.column(*column)).map(|column| column.facts.name.as_ref());
        outcome = Outcome::Undecided(format!(
            "the unique key ({}) is set by callers and has no tenant in it, so a refused value tells that some tenant has \
             it, where values can be guessed: let the key carry the tenant, or waive `structure` for {}",
            names.collect::<Vec<&str>>().join(", "),
            table.address()
        ));
    }
    vec![obligation(table, Promise::Structure, None, None, outcome)]
}
