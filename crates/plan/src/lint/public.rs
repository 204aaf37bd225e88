//! What everybody may do.

use std::collections::BTreeSet;

use tenantry_policy::object::{Object, ObjectKind, Privilege};
use tenantry_source::cluster::Grantee;

use super::{Ground, Level, Lint};

pub(super) fn look(ground: &Ground<'_>, found: &mut Vec<Lint>) {
    let snapshot = ground.snapshot();
    for (object, thing) in &snapshot.things {
        let rights: BTreeSet<Privilege> =
            thing.rights.iter().filter(|grant| grant.grantee == Grantee::Public).map(|grant| grant.privilege).collect();
        // Everybody reads the standard's own views, which show each what it may know of.
        let standard =
            object.schema() == Some("information_schema") && rights.iter().all(|one| *one == Privilege::Select);
        if rights.is_empty() || thing.extension.is_some() || standard {
            continue;
        }
        let table = object.table_of_column().unwrap_or_else(|| object.clone());
        match object {
            Object::Table { .. } | Object::Column { .. } => {
                let names: Vec<&str> = rights.iter().map(|privilege| privilege.name()).collect();
                let level = if ground.governed.contains_key(&table) { Level::Refused } else { Level::Noted };
                let what = format!("PUBLIC holds {} on {object}", names.join(", "));
                found.push(ground.object("public-grant", level, &table, what, "REVOKE it, and grant to roles by name"));
            }
            Object::Schema(name) if rights.contains(&Privilege::Create) => {
                let governs = ground.governed.keys().any(|table| table.schema() == Some(name));
                let level = if governs { Level::Refused } else { Level::Noted };
                let what = format!("PUBLIC may make objects in schema {name}");
                found.push(ground.object(
                    "public-create",
                    level,
                    object,
                    what,
                    "REVOKE CREATE ON SCHEMA ... FROM PUBLIC",
                ));
            }
            _ => {}
        }
    }
    for defaults in &snapshot.defaults {
        let opens = matches!(defaults.kind, ObjectKind::Table | ObjectKind::Sequence)
            && defaults.rights.iter().any(|grant| grant.grantee == Grantee::Public);
        if opens {
            let place = defaults.schema.as_deref().map(|schema| format!(" in schema {schema}")).unwrap_or_default();
            let what = format!("what role {} will make{place} is open to PUBLIC", defaults.owner);
            let fix = "ALTER DEFAULT PRIVILEGES ... REVOKE ... FROM PUBLIC";
            found.push(ground.role("public-default", ground.about(&defaults.owner), &defaults.owner, what, fix));
        }
    }
}
