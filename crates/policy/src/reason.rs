//! Why a decision came out as it did: the rules that took part, by address.

use crate::bound::Access;
use crate::ids::Address;
use crate::policy::Policy;
use crate::table::{Rule, RuleKind, Table};

/// A rule that takes part in a decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// Its address.
    pub rule: Address,
    /// How it takes part.
    pub kind: RuleKind,
    /// The condition as the file has it.
    pub when: String,
}

/// The rules of a table that take part under `access`, in the file's order.
pub fn active_rules<'a>(table: &'a Table, access: &Access) -> impl Iterator<Item = &'a Rule> {
    let access = *access;
    table.rules.iter().enumerate().filter(move |(at, _)| access.has_rule(*at)).map(|(_, rule)| rule)
}

/// The reasons for one access.
#[must_use]
pub fn reasons(policy: &Policy, access: &Access) -> Vec<Reason> {
    let Some(table) = policy.table(access.table) else { return Vec::new() };
    active_rules(table, access)
        .map(|rule| Reason { rule: rule.address.clone(), kind: rule.kind, when: rule.text.to_string() })
        .collect()
}
