//! Roles that go: never while something is theirs, here or in another database.

use std::collections::{BTreeMap, BTreeSet};

use tenantry_policy::object::{Future, Object};
use tenantry_source::cluster::{DefaultRights, Snapshot};
use tenantry_sql::cluster::drop_role;

use super::acl::Model;
use super::address::Place;
use super::current::builtin;
use super::ground::{Ground, grantee, to_of};
use crate::resource::{Kind, Resource};

/// What keeps a role from being dropped, in words; what the same plan takes from it is not counted.
///
/// `gone` are the addresses that the plan removes.
pub(super) fn uses(
    snapshot: &Snapshot,
    role: &str,
    desired: &[Resource],
    gone: &BTreeSet<&str>,
    ground: &Ground<'_>,
) -> Vec<String> {
    let owners: BTreeMap<Object, &str> = desired
        .iter()
        .filter(|thing| thing.kind == Kind::DbOwner)
        .filter_map(|thing| match Place::of(thing.address.as_str(), ground.source)? {
            Place::Owner(object) => Some((object, thing.fields.get("owner")?.as_str()?)),
            _ => None,
        })
        .collect();
    // What was made from here, and goes with the same plan, goes before its owner.
    let goes = |place: &Place| {
        let address = place.address(ground.source);
        let is_wanted = || desired.iter().any(|thing| thing.address.as_str() == address);
        ground.kept.has(&address) && ground.kept.made(&address) && (gone.contains(address.as_str()) || !is_wanted())
    };
    let owned: Vec<String> = snapshot
        .things
        .iter()
        .filter(|(object, _)| match object {
            Object::Schema(name) => !goes(&Place::Schema(name.clone())),
            _ => true,
        })
        .filter(|(_, thing)| {
            thing.extension.as_ref().is_none_or(|extension| !goes(&Place::Extension(extension.to_string())))
        })
        .filter(|(object, thing)| {
            !matches!(object, Object::Column { .. }) && owners.get(object).copied().unwrap_or(&thing.owner) == role
        })
        .map(|(object, _)| object.to_string())
        .collect();
    let mut told = Vec::new();
    if !owned.is_empty() {
        told.push(format!("owns {}", several(&owned)));
    }
    let extensions: Vec<String> = snapshot
        .extensions
        .iter()
        .filter(|(name, extension)| *extension.owner == *role && !goes(&Place::Extension(name.to_string())))
        .map(|(name, _)| format!("extension {name}"))
        .collect();
    if !extensions.is_empty() {
        told.push(format!("owns {}", several(&extensions)));
    }
    let policies: Vec<String> = snapshot
        .policies
        .iter()
        .filter(|((table, name), policy)| {
            let address = Place::Policy { table: table.clone(), name: name.to_string() }.address(ground.source);
            if gone.contains(address.as_str()) {
                return false;
            }
            let here = desired.iter().find(|thing| thing.address.as_str() == address);
            match here {
                Some(thing) => thing
                    .fields
                    .get("to")
                    .and_then(serde_json::Value::as_array)
                    .is_some_and(|to| to.iter().any(|to| to.as_str() == Some(role))),
                None => !ground.kept.has(&address) && policy.roles.iter().any(|to| to.role() == Some(role)),
            }
        })
        .map(|((table, name), _)| format!("{name} on {table}"))
        .collect();
    if !policies.is_empty() {
        told.push(format!("is named by policies: {}", several(&policies)));
    }
    for other in snapshot.elsewhere.iter().filter(|other| *other.role == *role) {
        if other.owns > 0 {
            told.push(format!("owns {} objects in database {}", other.owns, other.database));
        }
        if other.rights > 0 {
            told.push(format!("has rights on {} objects in database {}", other.rights, other.database));
        }
    }
    told
}

fn several(names: &[String]) -> String {
    const MOST: usize = 5;
    let shown: Vec<&str> = names.iter().take(MOST).map(String::as_str).collect();
    match names.len().saturating_sub(MOST) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// Takes everything from a role that holds rights only, and drops it.
pub(super) fn retire(model: &mut Model<'_>, role: &str) {
    let to = grantee(Some(role));
    for object in model.things_held(role) {
        model.set_rights(&object, &to, &BTreeMap::new());
    }
    model.take_over(role);
    let snapshot = model.snapshot;
    for row in &snapshot.defaults {
        let future = future_of(row);
        if *row.owner == *role {
            let mut everybody: Vec<Option<&str>> = row.rights.iter().map(|grant| to_of(&grant.grantee)).collect();
            everybody.extend([None, Some(role)]);
            everybody.sort_unstable();
            everybody.dedup();
            for to in everybody {
                let plain = if row.schema.is_none() { builtin(snapshot, to, &future) } else { BTreeMap::new() };
                model.set_default(&future, &grantee(to), &plain);
            }
        } else if row.rights.iter().any(|grant| grant.grantee == to) {
            model.set_default(&future, &to, &BTreeMap::new());
        }
    }
    // From 16 on, a role that gave memberships cannot go while they are.
    if snapshot.server.major() >= 16 {
        for row in model.given_by(role) {
            model.keep_members_of(&row.role, role);
            model.end_given(&row);
        }
    }
    model.push("drop the role", drop_role(role));
}

fn future_of(row: &DefaultRights) -> Future {
    Future { kind: row.kind, schema: row.schema.as_deref().map(str::to_owned), owner: row.owner.to_string() }
}
