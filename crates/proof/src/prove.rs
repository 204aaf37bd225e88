//! All obligations of a policy.

use std::collections::BTreeSet;

use tenantry_policy::{Address, AttrId, Op, Policy, Table};

use crate::obligation::{Assumption, Obligation, Outcome, Promise};
use crate::obligations::{FAMILIES, used, written_ops};

/// What was proved of a policy, and on what it rests.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// The policy's version, in short.
    pub policy: String,
    /// Every obligation, by table.
    pub obligations: Vec<Obligation>,
    /// The facts of the databases that were used.
    pub assumptions: Vec<Assumption>,
}

impl Report {
    /// Those that are broken.
    pub fn leaks(&self) -> impl Iterator<Item = &Obligation> {
        self.obligations.iter().filter(|obligation| obligation.outcome.is_leak())
    }

    /// Those that could not be looked through.
    pub fn undecided(&self) -> impl Iterator<Item = &Obligation> {
        self.obligations.iter().filter(|obligation| matches!(obligation.outcome, Outcome::Undecided(_)))
    }

    /// Those of which this program is wrong.
    pub fn faults(&self) -> impl Iterator<Item = &Obligation> {
        self.obligations.iter().filter(|obligation| matches!(obligation.outcome, Outcome::Fault(_)))
    }

    /// Dead rules, stale exceptions, and what else does nothing.
    pub fn idle(&self) -> impl Iterator<Item = &Obligation> {
        self.obligations.iter().filter(|obligation| matches!(obligation.outcome, Outcome::Idle(_)))
    }
}

/// Proves every table of a policy.
#[must_use]
pub fn prove(policy: &Policy) -> Report {
    let mut obligations: Vec<Obligation> = unused_lists(policy);
    obligations.extend(policy.tables.iter().flat_map(|table| prove_table(policy, table)));
    let assumptions: BTreeSet<Assumption> = policy.tables.iter().flat_map(assumptions).collect();
    Report { policy: policy.short_version(), obligations, assumptions: assumptions.into_iter().collect() }
}

/// Reach lists that no permit of any table reads for the operations that they are declared for.
fn unused_lists(policy: &Policy) -> Vec<Obligation> {
    let reading = |list: &AttrId| policy.tables.iter().any(|table| used(table, *list, Op::Read));
    let writing =
        |list: &AttrId| policy.tables.iter().any(|table| written_ops(table).iter().any(|op| used(table, *list, *op)));
    let reads = policy.reach_read.iter().filter(|list| !reading(list));
    let writes = policy.reach_write.iter().filter(|list| !writing(list));
    let unused = reads.chain(writes).filter_map(|list| {
        Some(Obligation {
            promise: Promise::Own,
            table: "tenancy".to_owned(),
            op: None,
            about: Some(Address::new(policy.attributes.get(*list)?.path.to_string())),
            outcome: Outcome::Idle("no rule of any table uses the list"),
        })
    });
    unused.collect()
}

/// Proves one table.
#[must_use]
pub fn prove_table(policy: &Policy, table: &Table) -> Vec<Obligation> {
    FAMILIES.iter().flat_map(|family| family(policy, table)).collect()
}

/// The NOT NULLs of columns that rules read.
fn assumptions(table: &Table) -> Vec<Assumption> {
    let mut read = BTreeSet::new();
    for cond in table.rules.iter().map(|rule| &rule.when).chain(&table.boundary) {
        cond.columns(&mut |column| {
            if let tenantry_policy::condition::ColumnRef::Own(column) = column {
                read.insert(column);
            }
        });
    }
    let facts = read.into_iter().filter_map(|id| {
        let facts = &table.column(id)?.facts;
        let fact = [&facts.name, " is NOT NULL"].concat();
        (!facts.nullable).then(|| Assumption { table: table.name.to_string(), fact })
    });
    facts.collect()
}
