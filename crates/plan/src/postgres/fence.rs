//! The second fence as resources: row security of the governed tables, made from the same rules as the compiled
//! predicates, and exactly what the role that Tenantry connects as needs.

use std::collections::BTreeMap;

use serde_json::json;
use tenantry_policy::catalog::Dialect;
use tenantry_policy::object::{Object, Privilege};
use tenantry_source::cluster::Detail;
use tenantry_sql::security::runtime_rights;
use tenantry_sql::{PolicyExpression, policy_expressions, seat_expressions};

use super::address::Place;
use super::desired::{AllRights, FIXED};
use super::ground::Ground;
use crate::error::PlanError;
use crate::resource::{Kind, Resource};

/// The prefix of policies that are made from rules.
pub(super) const OURS: &str = "tenantry:";

/// Adds what the fence wants.
///
/// `seats` is the group that policies for SQL seats are for, where there are any.
pub(super) fn desired(
    ground: &Ground<'_>,
    seats: Option<&str>,
    rights: &mut AllRights,
    out: &mut Vec<Resource>,
) -> Result<(), PlanError> {
    let governed: Vec<_> = ground
        .policy
        .tables
        .iter()
        .filter(|table| *table.source == *ground.source && table.dialect == Dialect::Postgres)
        .collect();
    let Some(runtime) = ground.runtime.filter(|_| !governed.is_empty()) else { return Ok(()) };
    let render = |_| PlanError::Internal("the rules do not render");
    let place_of_role = Place::Role(runtime.to_owned());
    let address = place_of_role.address(ground.source);
    if !out.iter().any(|thing| thing.address.as_str() == address)
        && !ground.declared().is_some_and(|source| source.role.contains_key(runtime))
    {
        // Made when it is absent; a role that is there and that the file does not name is left as it is: the server
        // refuses to run as one that has power.
        let mut role = ground.resource(Kind::DbRole, &place_of_role).at(ground.place(&["url"]));
        if !ground.snapshot.roles.contains_key(runtime) {
            role = role.with("login", true);
        }
        out.push(role);
    }
    let own = policy_expressions(ground.policy, ground.source).map_err(render)?;
    let mut all: Vec<(&str, PolicyExpression)> = own.into_iter().map(|expression| (runtime, expression)).collect();
    if let Some(group) = seats {
        let theirs = seat_expressions(ground.policy, ground.source).map_err(render)?;
        all.extend(theirs.into_iter().map(|expression| (group, expression)));
    }
    for (to, expression) in all {
        let table = Object::Table { schema: expression.schema.to_string(), name: expression.db_name.to_string() };
        let place = Place::Policy { table, name: expression.name.clone() };
        let mut thing = ground
            .resource(Kind::DbPolicy, &place)
            .with("permissive", expression.permissive)
            .with("for", expression.command.name())
            .with("to", vec![to])
            .with("using", expression.using.as_deref())
            .with("check", expression.check.as_deref())
            .at(ground.loaded.located(&["table", &expression.table]));
        thing.fixed = FIXED;
        out.push(thing);
    }
    for table in &governed {
        let object = Object::Table { schema: table.schema.to_string(), name: table.db_name.to_string() };
        let place = ground.loaded.located(&["table", &table.name]);
        out.push(
            ground
                .resource(Kind::RowSecurity, &Place::RowSecurity(object.clone()))
                .with("enabled", true)
                .with("forced", true)
                .with("strange_policies", json!([]))
                .at(place.clone()),
        );
        let entry = entry(ground, rights, runtime, &object)?;
        entry.place = place;
        entry.own = Some(BTreeMap::new());
        // Every column counts: a right that is there and not needed goes.
        for column in ground.columns_held(&object, Some(runtime)) {
            entry.columns.entry(column).or_default();
        }
        for right in runtime_rights(ground.policy, table).map_err(render)? {
            let held = match right.column {
                Some(column) => entry.columns.entry(column.to_string()).or_default(),
                None => entry.own.get_or_insert_default(),
            };
            held.insert(right.privilege, false);
        }
        if table.writes.create.is_some() {
            for (sequence, thing) in &ground.snapshot.things {
                if matches!(&thing.detail, Detail::Sequence(owned) if *owned == object) {
                    let entry = rights.entry((Some(runtime.to_owned()), sequence.clone())).or_default();
                    entry.own.get_or_insert_default().insert(Privilege::Usage, false);
                }
            }
        }
        let schema = Object::Schema(table.schema.to_string());
        let entry = rights.entry((Some(runtime.to_owned()), schema)).or_default();
        entry.own.get_or_insert_default().insert(Privilege::Usage, false);
    }
    Ok(())
}

/// The runtime role's rights on a governed table are those that the rules need, and nobody's to widen.
fn entry<'r>(
    ground: &Ground<'_>,
    rights: &'r mut AllRights,
    runtime: &str,
    object: &Object,
) -> Result<&'r mut super::desired::Rights, PlanError> {
    let entry = rights.entry((Some(runtime.to_owned()), object.clone())).or_default();
    if entry.own.is_some() || !entry.columns.is_empty() {
        let what = format!(
            "`{runtime}` runs the data tools, and its rights on governed table `{object}` follow from the rules"
        );
        let address = Place::Grants { to: Some(runtime.to_owned()), on: object.clone() }.address(ground.source);
        return Err(PlanError::invalid("RUNTIME_GRANT", what)
            .about(&address, entry.place.clone())
            .hinted("take the grant out; `fields` and `write` of the table say what callers may do"));
    }
    Ok(entry)
}
