//! Which of a cluster's roles are written. A cluster is shared by many applications; a file is about one database.

use std::collections::BTreeSet;

use tenantry_policy::object::Object;
use tenantry_policy::seat;
use tenantry_source::cluster::Snapshot;

/// PostgreSQL's own roles begin so, and nobody else's can.
pub(super) const OWN: &str = "pg_";

/// Is a role PostgreSQL's own, or one that is made from here for SQL seats? No file says anything of the latter.
pub(super) fn is_own(name: &str) -> bool {
    name.starts_with(OWN) || name.starts_with(seat::ROLES)
}

/// Roles that have to do with the database: that own something in it, hold rights in it, are named by its policies,
/// default privileges or settings; whoever is a member of them; and the roles that all of these are members of.
pub(super) fn concerned<'s>(snapshot: &'s Snapshot, runtime: Option<&'s str>) -> BTreeSet<&'s str> {
    let here = snapshot.server.database.as_ref();
    let mut found: BTreeSet<&str> = runtime.into_iter().collect();
    for (object, thing) in &snapshot.things {
        let is_here = match object {
            Object::Database(name) => name == here,
            Object::Parameter(_) | Object::Tablespace(_) => false,
            _ => true,
        };
        if is_here {
            // What came with the server or an extension belongs to whoever made that, which says nothing.
            let came = match object {
                Object::Schema(name) => name.starts_with(OWN) || name == "information_schema",
                _ => matches!(object.schema(), Some("pg_catalog" | "information_schema")),
            };
            if !came && thing.extension.is_none() {
                found.insert(&thing.owner);
            }
            let others = thing.rights.iter().filter_map(|grant| grant.grantee.role());
            found.extend(others.filter(|role| **role != *thing.owner));
        }
    }
    for policy in snapshot.policies.values() {
        found.extend(policy.roles.iter().filter_map(|role| role.role()));
    }
    for row in &snapshot.defaults {
        found.insert(&row.owner);
        found.extend(row.rights.iter().filter_map(|grant| grant.grantee.role()));
    }
    let set = snapshot.roles.iter().filter(|(_, role)| role.settings_in.contains_key(here));
    found.extend(set.map(|(name, _)| name.as_ref()));
    found.retain(|name| !is_own(name) && snapshot.roles.contains_key(*name));
    spread(&mut found, snapshot.members.iter().map(|row| (row.role.as_ref(), row.member.as_ref())));
    spread(&mut found, snapshot.members.iter().map(|row| (row.member.as_ref(), row.role.as_ref())));
    found
}

/// Adds what is reached from what is there.
fn spread<'s>(found: &mut BTreeSet<&'s str>, ways: impl Iterator<Item = (&'s str, &'s str)>) {
    let mut ways: Vec<(&str, &str)> = ways.filter(|(from, to)| !is_own(from) && !is_own(to)).collect();
    ways.sort_unstable();
    let mut left: Vec<&str> = found.iter().copied().collect();
    while let Some(here) = left.pop() {
        let from = ways.partition_point(|(from, _)| *from < here);
        for (_, to) in ways.get(from..).into_iter().flatten().take_while(|(from, _)| *from == here) {
            if found.insert(to) {
                left.push(to);
            }
        }
    }
}

/// Does a name fit a pattern, in which `*` stands for anything?
pub(super) fn fits(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| name.strip_prefix(first)) else { return false };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.split_once(part) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_names_with_stars() {
        for (pattern, name, fit) in [
            ("app", "app", true),
            ("app", "apps", false),
            ("app*", "apps", true),
            ("*", "", true),
            ("*_x", "a_x", true),
            ("*_x", "a_xy", false),
            ("a*b*c", "aXbYc", true),
            ("a*b*c", "acb", false),
            ("a*b*c", "abc", true),
        ] {
            assert_eq!(fits(pattern, name), fit, "{pattern} {name}");
        }
    }
}
