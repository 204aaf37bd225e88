//! Governed tables, and those that hold parts of them.

use std::collections::BTreeSet;

use tenantry_policy::condition::{ColumnRef, Cond, Term};
use tenantry_policy::object::{Object, Privilege};
use tenantry_policy::{Policy, Table, Type};
use tenantry_source::cluster::{Grantee, Thing};

use super::{Ground, Level, Lint};

/// A table's row of rights takes about 2,443 grantees.
pub(crate) const MANY_GRANTEES: usize = 2_000;

pub(super) fn look(ground: &Ground<'_>, found: &mut Vec<Lint>) {
    let snapshot = ground.snapshot();
    for object in ground.governed.keys() {
        let (Some(thing), Some(relation)) = (snapshot.things.get(object), snapshot.relation(object)) else { continue };
        let mut add = |code, level, what: String, fix| found.push(ground.object(code, level, object, what, fix));
        if !relation.row_security {
            let what = format!("row security of {object} is off");
            add("row-security-off", Level::Refused, what, "apply the file: it enables and forces it");
        } else if !relation.forced {
            let what = format!("row security of {object} is not forced on its owner {}", thing.owner);
            add("force-missing", Level::Refused, what, "apply the file: it enables and forces it");
        }
        policies(ground, object, found);
        rights(ground, object, thing, found);
        parts(ground, object, found);
    }
}

fn policies(ground: &Ground<'_>, object: &Object, found: &mut Vec<Lint>) {
    let own = |name: &str| name.starts_with("tenantry:");
    let all = ground.snapshot().policies.iter().filter(|((on, name), _)| on == object && !own(name));
    for ((_, name), policy) in all.filter(|(_, policy)| policy.permissive) {
        let to: Vec<&str> = policy.roles.iter().map(|to| to.role().unwrap_or("PUBLIC")).collect();
        // For the server's own role alone the boundary narrows it.
        let level = if to.iter().all(|role| *role == ground.runtime) { Level::Warned } else { Level::Refused };
        let what = format!("policy {name} on {object} shows rows to {} by a rule of its own", to.join(", "));
        found.push(ground.object(
            "hand-made-policy",
            level,
            object,
            what,
            "write it as a permit of the file, or drop it",
        ));
    }
}

fn rights(ground: &Ground<'_>, object: &Object, thing: &Thing, found: &mut Vec<Lint>) {
    let mut grantees = BTreeSet::new();
    for grant in &thing.rights {
        grantees.insert(&grant.grantee);
        let Grantee::Role(to) = &grant.grantee else { continue };
        if *to == thing.owner || ground.is_trusted(to) {
            continue;
        }
        let (code, level) = match grant.privilege {
            Privilege::Truncate => ("truncate", Level::Refused),
            Privilege::Trigger => ("trigger", Level::Warned),
            Privilege::References => ("references", Level::Warned),
            _ => continue,
        };
        let what = format!("role {to} holds {} on {object}", grant.privilege.name());
        found.push(ground.object(code, level, object, what, "REVOKE it"));
    }
    if grantees.len() > MANY_GRANTEES {
        let what = format!("{} roles hold rights on {object} directly", grantees.len());
        found.push(ground.object("many-grantees", Level::Warned, object, what, "grant to a group"));
    }
}

/// Partitions, and tables that inherit.
fn parts(ground: &Ground<'_>, object: &Object, found: &mut Vec<Lint>) {
    let snapshot = ground.snapshot();
    for (part, thing) in &snapshot.things {
        let Some(relation) = snapshot.relation(part) else { continue };
        if relation.parent.as_ref() != Some(object) || ground.governed.contains_key(part) {
            continue;
        }
        if !(relation.row_security && relation.forced) {
            let holders: BTreeSet<&str> = thing
                .rights
                .iter()
                .map(|grant| grant.grantee.role().unwrap_or("PUBLIC"))
                .filter(|role| *role != thing.owner.as_ref() && !ground.is_trusted(role))
                .collect();
            if !holders.is_empty() {
                let holders: Vec<&str> = holders.into_iter().collect();
                let what = format!(
                    "{part} is a part of {object} without forced row security, and {} may use it directly",
                    holders.join(", ")
                );
                found.push(ground.object(
                    "partition-unguarded",
                    Level::Refused,
                    part,
                    what,
                    "REVOKE the rights on the part; those on the whole suffice",
                ));
            }
        }
        parts(ground, part, found);
    }
}

/// Conditions that no index helps with under row security.
pub(super) fn slow(ground: &Ground<'_>, policy: &Policy, found: &mut Vec<Lint>) {
    for table in &policy.tables {
        let object = Object::Table { schema: table.schema.to_string(), name: table.db_name.to_string() };
        if !ground.governed.contains_key(&object) {
            continue;
        }
        for rule in table.rules.iter().filter(|rule| rule.kind.widens()) {
            if let Some(column) = slow_column(table, &rule.when) {
                let what = format!("rule {} compares {column} by an operator that is not leakproof", rule.address);
                found.push(ground.object(
                    "slow-under-row-security",
                    Level::Warned,
                    &object,
                    what,
                    "scope by integer, text, uuid, timestamp or boolean columns",
                ));
            }
        }
    }
}

fn slow_column(table: &Table, cond: &Cond) -> Option<String> {
    let named = |term: &Term| match term {
        Term::Column(ColumnRef::Own(id)) => table.column(*id).map(|column| column.facts.name.to_string()),
        _ => None,
    };
    match cond {
        Cond::And(parts) | Cond::Or(parts) => parts.iter().find_map(|part| slow_column(table, part)),
        Cond::Not(inner) => slow_column(table, inner),
        Cond::Compare { left, right, ty: Type::Decimal, .. } => named(left).or_else(|| named(right)),
        _ => None,
    }
}
