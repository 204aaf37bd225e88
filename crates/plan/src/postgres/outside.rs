//! What declared roles and tables have that the file does not say: it is left alone, and listed, so that nothing
//! is held unseen.

use std::collections::{BTreeMap, BTreeSet};

use tenantry_file::model::DbRoleMode;
use tenantry_policy::object::{Future, Object};

use super::address::Place;
use super::fence::OURS;
use super::ground::Ground;
use crate::lint::MANY_GRANTEES;
use crate::plan::Finding;
use crate::resource::Resource;

/// So many are named one by one.
const MOST: usize = 20;

/// The list.
pub(super) fn outside(ground: &Ground<'_>, desired: &[Resource]) -> Vec<Finding> {
    let wanted: BTreeMap<&str, &Resource> = desired.iter().map(|thing| (thing.address.as_str(), thing)).collect();
    let known = |place: &Place| {
        let address = place.address(ground.source);
        wanted.contains_key(address.as_str()) || ground.kept.has(&address)
    };
    let mut roles: BTreeSet<&str> = ground.runtime.into_iter().collect();
    let declared = ground.declared();
    for (name, role) in declared.into_iter().flat_map(|source| &source.role) {
        if role.mode != DbRoleMode::External {
            roles.insert(name);
        }
    }
    let mut out = Vec::new();
    for role in roles {
        let place = ground.place(&["role", role]);
        let mut told: BTreeMap<Object, BTreeSet<String>> = BTreeMap::new();
        for (object, grant) in ground.snapshot.rights_of(role) {
            let on = object.table_of_column().unwrap_or_else(|| object.clone());
            let owner = ground.snapshot.things.get(object).map(|thing| thing.owner.as_ref());
            let here = Place::Grants { to: Some(role.to_owned()), on: on.clone() };
            let said = wanted.get(here.address(ground.source).as_str()).is_some_and(|thing| match object {
                Object::Column { name, .. } => {
                    thing.fields.get("columns").is_some_and(|columns| columns.get(name).is_some())
                }
                _ => thing.fields.contains_key("privileges"),
            });
            let here = here.address(ground.source);
            let goes = ground.kept.has(&here) && !wanted.contains_key(here.as_str());
            if !said && !goes && owner != Some(role) {
                told.entry(object.clone()).or_default().insert(grant.privilege.to_string());
            }
        }
        let many = told.len();
        for (object, privileges) in told.into_iter().take(MOST) {
            let privileges: Vec<String> = privileges.into_iter().collect();
            out.push(Finding {
                code: "undeclared-grant",
                address: Place::Grants { to: Some(role.to_owned()), on: object.clone() }.address(ground.source),
                what: format!("`{role}` holds {} on `{object}`, which the file does not say", privileges.join(", ")),
                place: place.clone(),
            });
        }
        if many > MOST {
            out.push(Finding {
                code: "undeclared-grant",
                address: Place::Role(role.to_owned()).address(ground.source),
                what: format!("`{role}` holds rights on {} more things that the file does not say", many - MOST),
                place: place.clone(),
            });
        }
        let mut groups: BTreeSet<&str> = BTreeSet::new();
        groups.extend(ground.snapshot.members.iter().filter(|row| *row.member == *role).map(|row| row.role.as_ref()));
        for group in groups {
            let here = Place::Member { member: role.to_owned(), role: group.to_owned() };
            if !known(&here) {
                out.push(Finding {
                    code: "undeclared-membership",
                    address: here.address(ground.source),
                    what: format!("`{role}` is a member of `{group}`, which the file does not say"),
                    place: place.clone(),
                });
            }
        }
        for row in &ground.snapshot.defaults {
            let holds = row.rights.iter().any(|grant| grant.grantee.role() == Some(role));
            let future = Future {
                kind: row.kind,
                schema: row.schema.as_deref().map(str::to_owned),
                owner: row.owner.to_string(),
            };
            let here = Place::Default { to: Some(role.to_owned()), future };
            if holds && *row.owner != *role && !known(&here) {
                out.push(Finding {
                    code: "undeclared-default-privileges",
                    address: here.address(ground.source),
                    what: format!(
                        "`{role}` will hold rights on what `{}` makes, which the file does not say",
                        row.owner
                    ),
                    place: place.clone(),
                });
            }
        }
    }
    crowded(ground, desired, &mut out);
    for (table, name) in ground.snapshot.policies.keys() {
        let security = Place::RowSecurity(table.clone()).address(ground.source);
        let Some(thing) = wanted.get(security.as_str()) else { continue };
        let here = Place::Policy { table: table.clone(), name: name.to_string() };
        if !name.starts_with(OURS) && !known(&here) {
            out.push(Finding {
                code: "undeclared-policy",
                address: here.address(ground.source),
                what: format!("policy `{name}` on `{table}` was made by hand"),
                place: thing.place.clone(),
            });
        }
    }
    out
}

/// Things on which so many roles would hold rights that the server's row for them comes to its end.
fn crowded(ground: &Ground<'_>, desired: &[Resource], out: &mut Vec<Finding>) {
    let mut wanted: BTreeMap<Object, (BTreeSet<String>, Option<String>)> = BTreeMap::new();
    for thing in desired {
        if let Some(Place::Grants { to: Some(to), on }) = Place::of(thing.address.as_str(), ground.source) {
            let entry = wanted.entry(on).or_insert_with(|| (BTreeSet::new(), thing.place.clone()));
            entry.0.insert(to);
        }
    }
    for (object, (mut roles, place)) in wanted {
        let held = ground.snapshot.things.get(&object).into_iter().flat_map(|thing| &thing.rights);
        roles.extend(held.filter_map(|grant| grant.grantee.role()).map(str::to_owned));
        if roles.len() > MANY_GRANTEES {
            out.push(Finding {
                code: "many-grantees",
                address: Place::Owner(object.clone()).address(ground.source),
                what: format!(
                    "{} roles would hold rights on `{object}` directly, and PostgreSQL keeps about 2,443: give them to a \
                     group, and make the roles members of it",
                    roles.len()
                ),
                place,
            });
        }
    }
}
