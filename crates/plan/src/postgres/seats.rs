//! SQL seats as resources: what they rest on, the group that policies for seats are for, and whose each seat is.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tenantry_file::model::DbRole;
use tenantry_policy::attribute::AttrPath;
use tenantry_policy::object::{Object, Privilege};
use tenantry_policy::{Type, seat};
use tenantry_source::cluster::Snapshot;
use tenantry_sql::cluster::seats as sql;
use tenantry_sql::cluster::{create_schema, drop_schema};

use super::acl::Model;
use super::address::Place;
use super::ground::Ground;
use crate::error::PlanError;
use crate::resource::{Kind, Resource};

/// From this version on a membership says by itself whether its rights are used.
const MEMBERSHIPS_INHERIT: u32 = 16;

pub(super) fn table() -> Object {
    Object::Table { schema: seat::SCHEMA.to_owned(), name: seat::TABLE.to_owned() }
}

pub(crate) fn function() -> Object {
    Object::Routine { schema: seat::SCHEMA.to_owned(), name: seat::FUNCTION.to_owned(), arguments: Vec::new() }
}

fn schema() -> Object {
    Object::Schema(seat::SCHEMA.to_owned())
}

/// The group of this database's seats.
pub(super) fn group(snapshot: &Snapshot) -> String {
    seat::group(&snapshot.server.database)
}

/// The seats of the file: login role, what the file says of it, tenant.
pub(super) fn seats<'g>(ground: &'g Ground<'_>) -> impl Iterator<Item = (&'g str, &'g DbRole, &'g str)> {
    let roles = ground.declared().into_iter().flat_map(|source| &source.role);
    roles.filter_map(|(name, role)| Some((name.as_str(), role, role.tenant.as_deref()?)))
}

/// Adds what the seats of the file need. Says for which group policies for seats are, when there are any.
pub(super) fn desired(ground: &Ground<'_>, out: &mut Vec<Resource>) -> Result<Option<String>, PlanError> {
    let all: Vec<(&str, &DbRole, &str)> = seats(ground).collect();
    if all.is_empty() {
        return Ok(None);
    }
    ours(ground)?;
    let group = group(ground.snapshot);
    let mut role = ground.resource(Kind::DbRole, &Place::Role(group.clone()));
    if let Some(found) = ground.snapshot.roles.get(group.as_str()) {
        let powers = [
            ("superuser", found.superuser),
            ("createdb", found.createdb),
            ("createrole", found.createrole),
            ("login", found.login),
            ("replication", found.replication),
            ("bypassrls", found.bypassrls),
        ];
        for (power, _) in powers.into_iter().filter(|(_, has)| *has) {
            role = role.with(power, false);
        }
    }
    out.push(role);
    out.push(
        ground
            .resource(Kind::Seats, &Place::Seats)
            .with("table", sql::SHAPE)
            .with("function", sql::DEFINITION)
            .with("rights", json!([asks(&group)]))
            .with("strange_seats", json!([])),
    );
    for (name, declared, tenant) in all {
        check(ground, name, declared, tenant)?;
        let place = ground.place(&["role", name, "tenant"]);
        let member = Place::Member { member: name.to_owned(), role: group.clone() };
        let mut membership = ground.resource(Kind::DbMembership, &member).with("admin", false).at(place.clone());
        if ground.snapshot.server.major() >= MEMBERSHIPS_INHERIT {
            membership = membership.with("inherit", true).with("set", false);
        }
        out.push(membership);
        out.push(ground.resource(Kind::DbSeat, &Place::Seat(name.to_owned())).with("tenant", tenant).at(place));
    }
    Ok(Some(group))
}

fn asks(group: &str) -> String {
    format!("{group}: EXECUTE on function")
}

fn check(ground: &Ground<'_>, name: &str, declared: &DbRole, tenant: &str) -> Result<(), PlanError> {
    let refused = |what: String, hint: &str| {
        let address = Place::Seat(name.to_owned()).address(ground.source);
        Err(PlanError::invalid("SEAT", what).about(&address, ground.place(&["role", name, "tenant"])).hinted(hint))
    };
    if ground.runtime == Some(name) {
        let what = format!("`{name}` runs the data tools, whose settings row security believes");
        return refused(what, "give people a login role of their own");
    }
    if *ground.snapshot.server.user == *name {
        return refused(format!("`{name}` applies this file"), "give people a login role of their own");
    }
    let found = ground.snapshot.roles.get(name);
    let inherits = declared.inherit.unwrap_or_else(|| {
        let adopted = declared.mode == tenantry_file::model::DbRoleMode::Adopted;
        found.filter(|_| adopted).is_none_or(|found| found.inherit)
    });
    if !inherits && ground.snapshot.server.major() < MEMBERSHIPS_INHERIT {
        let what = format!("`{name}` does not inherit, so the policies for seats would not be for it");
        return refused(what, "leave `inherit` out; PostgreSQL 16 does not need it");
    }
    let attributes = &ground.policy.attributes;
    let ty = attributes.find(&AttrPath::TenantId).and_then(|id| attributes.get(id)).map(|attribute| attribute.ty);
    let fits = match ty {
        None | Some(Type::Text) => true,
        Some(Type::Int) => tenant.parse::<i64>().is_ok(),
        Some(Type::Uuid) => uuid(tenant),
        Some(_) => false,
    };
    if !fits {
        let ty = ty.unwrap_or(Type::Text);
        let what = format!("rules read the tenant as {ty}, and `{tenant}` is none");
        return refused(what, "every query of the seat would fail; name an account whose id is of that type");
    }
    Ok(())
}

/// As PostgreSQL is sure to take it: 8-4-4-4-12 hexadecimal digits.
fn uuid(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let lengths = [8, 4, 4, 4, 12];
    parts.len() == lengths.len()
        && parts
            .iter()
            .zip(lengths)
            .all(|(part, length)| part.len() == length && part.chars().all(|c| c.is_ascii_hexdigit()))
}

/// What is there must belong to somebody who could see every row anyway: who owns the schema may put another table
/// in the place of ours.
fn ours(ground: &Ground<'_>) -> Result<(), PlanError> {
    let snapshot = ground.snapshot;
    let governed: BTreeSet<&str> = ground
        .policy
        .tables
        .iter()
        .filter(|table| *table.source == *ground.source)
        .map(|table| Object::Table { schema: table.schema.to_string(), name: table.db_name.to_string() })
        .filter_map(|object| Some(snapshot.things.get(&object)?.owner.as_ref()))
        .collect();
    for object in [schema(), table(), function()] {
        let Some(thing) = snapshot.things.get(&object) else { continue };
        let owner = thing.owner.as_ref();
        let trusted = owner == snapshot.server.user.as_ref()
            || governed.contains(owner)
            || snapshot.roles.get(owner).is_some_and(|role| role.superuser);
        if !trusted {
            let what = format!("{object} belongs to `{owner}`, who could say whose every seat is");
            return Err(PlanError::invalid("SEATS_OWNER", what)
                .about(&Place::Seats.address(ground.source), None)
                .hinted("give it to the role that applies, or drop it: seats need it for themselves"));
        }
    }
    Ok(())
}

/// What seats rest on, as it is.
pub(super) fn current(ground: &Ground<'_>, thing: Resource, desired: &[Resource]) -> Option<Resource> {
    let snapshot = ground.snapshot;
    if snapshot.seats.table.is_none() && snapshot.seats.function.is_none() {
        return None;
    }
    let mut rights: BTreeSet<String> = BTreeSet::new();
    for (object, thing) in [schema(), table(), function()].iter().filter_map(|object| {
        let thing = snapshot.things.get(object)?;
        Some((object, thing))
    }) {
        for grant in thing.rights.iter().filter(|grant| grant.grantee.role() != Some(&thing.owner)) {
            if matches!(object, Object::Schema(_)) && grant.privilege != Privilege::Create {
                continue;
            }
            let to = grant.grantee.role().unwrap_or("PUBLIC");
            let option = if grant.grantable { " with grant option" } else { "" };
            rights.insert(format!("{to}: {} on {}{option}", grant.privilege, object.kind().name()));
        }
    }
    for column in ["role", "tenant"] {
        let name =
            Object::Column { schema: seat::SCHEMA.to_owned(), table: seat::TABLE.to_owned(), name: column.to_owned() };
        for grant in snapshot.things.get(&name).into_iter().flat_map(|thing| &thing.rights) {
            let to = grant.grantee.role().unwrap_or("PUBLIC");
            rights.insert(format!("{to}: {} on column {column}", grant.privilege));
        }
    }
    Some(
        thing
            .with("table", snapshot.seats.table.as_deref())
            .with("function", snapshot.seats.function.as_deref())
            .with("rights", rights.into_iter().collect::<Vec<_>>())
            .with("strange_seats", strange(ground, desired)),
    )
}

/// Seats that neither the file nor the state knows: somebody wrote them in.
pub(super) fn strange(ground: &Ground<'_>, desired: &[Resource]) -> Vec<String> {
    let known = |name: &str| {
        let address = Place::Seat(name.to_owned()).address(ground.source);
        ground.kept.has(&address) || desired.iter().any(|thing| thing.address.as_str() == address)
    };
    let rows = ground.snapshot.seats.rows.keys();
    rows.filter(|name| !known(name)).map(|name| name.to_string()).collect()
}

/// Makes what seats rest on, or mends it.
pub(super) fn make(ground: &Ground<'_>, model: &mut Model<'_>, desired: &[Resource]) {
    let snapshot = ground.snapshot;
    if !snapshot.things.contains_key(&schema()) {
        model.push("make the schema of seats", create_schema(seat::SCHEMA));
    }
    let there = snapshot.seats.table.as_deref();
    if there != Some(sql::SHAPE) {
        if there.is_some() {
            model.push("drop a table of seats of another shape", sql::drop_table());
        }
        for statement in sql::create_table() {
            model.push("make the table of seats", statement);
        }
    }
    if snapshot.seats.function.as_deref() != Some(sql::DEFINITION) {
        model.push("make the function that says whose a seat is", sql::create_function());
    }
    model.push("close it to everybody else", sql::close());
    model.push("let seats ask whose they are", sql::let_ask(&group(snapshot)));
    for name in strange(ground, desired) {
        model.push("end a seat that the file does not know", sql::end_seat(&name));
    }
}

/// Removes what seats rest on.
pub(super) fn drop_all(ground: &Ground<'_>, model: &mut Model<'_>) {
    let snapshot = ground.snapshot;
    let group = super::ground::grantee(Some(&group(snapshot)));
    if snapshot.seats.function.is_some() {
        model.set_rights(&function(), &group, &Default::default());
        model.push("drop the function that says whose a seat is", sql::drop_function());
    }
    if snapshot.seats.table.is_some() {
        model.push("drop the table of seats", sql::drop_table());
    }
    let own = [table(), function()];
    let used = snapshot.things.keys().any(|object| {
        object.schema() == Some(seat::SCHEMA)
            && !own.contains(&object.table_of_column().unwrap_or_else(|| object.clone()))
    });
    if !used && snapshot.things.contains_key(&schema()) {
        model.push("drop the schema of seats", drop_schema(seat::SCHEMA));
    }
}

/// Whose a seat is, as a field.
pub(super) fn tenant(snapshot: &Snapshot, name: &str) -> Option<Value> {
    snapshot.seats.rows.get(name).map(|tenant| json!(tenant))
}

/// A snapshot without what is made for seats: the file has one word for all of it, which names an account. Nothing
/// when there is nothing of the kind. Whose each seat is stays in it.
pub(super) fn set_aside(snapshot: &Snapshot) -> Option<Snapshot> {
    let group = |name: &str| name.starts_with(seat::ROLES);
    if snapshot.seats == Default::default() && !snapshot.roles.keys().any(|name| group(name)) {
        return None;
    }
    let mut rest = snapshot.clone();
    rest.roles.retain(|name, _| !group(name));
    rest.members.retain(|row| !group(&row.role) && !group(&row.member));
    let own = [table(), function()];
    let ours = |object: &Object| own.contains(&object.table_of_column().unwrap_or_else(|| object.clone()));
    rest.things.retain(|object, _| !ours(object));
    if !rest.things.keys().any(|object| object.schema() == Some(seat::SCHEMA)) {
        rest.things.remove(&schema());
    }
    for thing in rest.things.values_mut() {
        thing.rights.retain(|grant| !grant.grantee.role().is_some_and(group));
    }
    Some(rest)
}
