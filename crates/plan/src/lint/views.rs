//! Views over governed tables.

use std::collections::BTreeSet;

use tenantry_policy::object::{Object, Privilege};
use tenantry_source::cluster::{RelationKind, Thing};

use super::{Ground, Level, Lint};

pub(super) fn look(ground: &Ground<'_>, found: &mut Vec<Lint>) {
    let snapshot = ground.snapshot();
    let mut reached: BTreeSet<Object> = ground.governed.keys().cloned().collect();
    loop {
        let before = reached.len();
        for (view, thing) in &snapshot.things {
            let Some(relation) = snapshot.relation(view) else { continue };
            if reached.contains(view) || !relation.reads.iter().any(|read| reached.contains(read)) {
                continue;
            }
            reached.insert(view.clone());
            let readers = readers(ground, view, thing);
            if readers.is_empty() {
                continue;
            }
            let read: Vec<String> =
                relation.reads.iter().filter(|read| reached.contains(read)).map(ToString::to_string).collect();
            let readers = readers.join(", ");
            if relation.kind == RelationKind::Materialized {
                let what = format!("{view} is a copy of {} that {readers} may read", read.join(", "));
                found.push(ground.object(
                    "materialized-copy",
                    Level::Refused,
                    view,
                    what,
                    "take SELECT on it away, or govern it as a table with a scope of its own in a table",
                ));
            } else if !relation.security_invoker {
                let what = format!("view {view} reads {} as its owner {}, for {readers}", read.join(", "), thing.owner);
                found.push(ground.object(
                    "view-as-owner",
                    Level::Refused,
                    view,
                    what,
                    "ALTER VIEW ... SET (security_invoker = true)",
                ));
            }
        }
        if reached.len() == before {
            return;
        }
    }
}

/// Who was given SELECT on a view, beside its owner and whoever is trusted anyway.
fn readers(ground: &Ground<'_>, view: &Object, thing: &Thing) -> Vec<String> {
    let columns = ground.snapshot().things.iter().filter(|(object, _)| object.table_of_column().as_ref() == Some(view));
    let rights = columns.flat_map(|(_, column)| &column.rights).chain(&thing.rights);
    let readers: BTreeSet<&str> = rights
        .filter(|grant| grant.privilege == Privilege::Select)
        .map(|grant| grant.grantee.role().unwrap_or("PUBLIC"))
        .filter(|role| *role != thing.owner.as_ref() && !ground.is_trusted(role))
        .collect();
    readers.into_iter().map(str::to_owned).collect()
}
