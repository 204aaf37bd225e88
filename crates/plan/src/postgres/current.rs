//! What is there of what the file wants, and of what it managed before.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use tenantry_policy::object::{Future, Object, ObjectKind, Privilege};
use tenantry_source::cluster::{Detail, Role, RowPolicy, Snapshot};
use tenantry_sql::cluster::{mark_of, source_mark};

use super::address::Place;
use super::desired::{FIXED, moment, parts_of};
use super::fence::OURS;
use super::ground::{Ground, privileges, rights_value, settings_value};
use super::retire::uses;
use crate::resource::{Kind, Resource};

/// What is there.
pub(super) fn current(ground: &Ground<'_>, desired: &[Resource]) -> Vec<Resource> {
    let wanted: BTreeMap<&str, &Resource> = desired.iter().map(|thing| (thing.address.as_str(), thing)).collect();
    let mut out = Vec::new();
    for thing in desired {
        let Some(place) = Place::of(thing.address.as_str(), ground.source) else { continue };
        out.extend(found(ground, &place, Some(thing), desired));
    }
    for address in ground.kept.0.keys().filter(|address| !wanted.contains_key(address.as_str())) {
        let Some(place) = Place::of(address, ground.source) else { continue };
        out.extend(found(ground, &place, None, desired));
    }
    out
}

fn found(ground: &Ground<'_>, place: &Place, wanted: Option<&Resource>, desired: &[Resource]) -> Option<Resource> {
    let snapshot = ground.snapshot;
    let address = place.address(ground.source);
    let id = ground.kept.id(&address).map(str::to_owned);
    let resource = |kind| {
        let mut thing = ground.resource(kind, place);
        thing.id.clone_from(&id);
        thing
    };
    match place {
        Place::Role(name) => {
            let role = snapshot.roles.get(name.as_str())?;
            let mut thing = role_fields(resource(Kind::DbRole), role);
            if wanted.is_none() {
                thing.fields.retain(|_, value| !matches!(value, Value::Null | Value::Bool(false)));
                let uses = uses(snapshot, name, desired, &BTreeSet::new(), ground);
                if !uses.is_empty() && ground.kept.made(&address) {
                    thing = thing.with("in_use", uses);
                }
            }
            Some(thing)
        }
        Place::Member { member, role } => {
            let mut rows =
                snapshot.members.iter().filter(|row| *row.member == **member && *row.role == **role).peekable();
            rows.peek()?;
            let (mut admin, mut inherit, mut set) = (false, false, false);
            for row in rows {
                admin |= row.admin;
                inherit |= row.inherit;
                set |= row.set;
            }
            Some(resource(Kind::DbMembership).with("admin", admin).with("inherit", inherit).with("set", set))
        }
        Place::Grants { to, on } => rights(ground, resource(Kind::DbGrant), to.as_deref(), on, wanted),
        Place::Default { to, future } => {
            let held = default_rights(snapshot, to.as_deref(), future);
            (!held.is_empty() || wanted.is_some_and(|wanted| nothing(wanted.fields.get("privileges"))))
                .then(|| resource(Kind::DbDefault).with("privileges", rights_value(&held)))
        }
        Place::Seats => super::seats::current(ground, resource(Kind::Seats), desired),
        Place::Seat(name) => {
            let tenant = super::seats::tenant(snapshot, name)?;
            Some(resource(Kind::DbSeat).with("tenant", tenant))
        }
        Place::Owner(object) => {
            let thing = snapshot.things.get(object)?;
            Some(resource(Kind::DbOwner).with("owner", thing.owner.as_ref()))
        }
        Place::Database(name) => {
            let thing = snapshot.things.get(&Object::Database(name.clone()))?;
            let Detail::Database(database) = &thing.detail else { return None };
            Some(
                resource(Kind::Database)
                    .with("connection_limit", database.connection_limit)
                    .with("settings", settings_value(&database.settings)),
            )
        }
        Place::Schema(name) => {
            snapshot.things.get(&Object::Schema(name.clone()))?;
            Some(resource(Kind::Schema))
        }
        Place::Extension(name) => {
            let extension = snapshot.extensions.get(name.as_str())?;
            Some(
                resource(Kind::Extension)
                    .with("schema", extension.schema.as_ref())
                    .with("version", extension.version.as_ref()),
            )
        }
        Place::RowSecurity(table) => {
            let relation = snapshot.relation(table)?;
            if !relation.row_security && !relation.forced && (wanted.is_none() || wanted.is_some_and(wants_on)) {
                return None;
            }
            let mut thing =
                resource(Kind::RowSecurity).with("enabled", relation.row_security).with("forced", relation.forced);
            if wanted.is_some_and(|wanted| wanted.fields.contains_key("strange_policies")) {
                thing = thing.with("strange_policies", strange(ground, table, desired));
            }
            Some(thing)
        }
        Place::Policy { table, name } => {
            let policy = snapshot.policies.get(&(table.clone(), name.as_str().into()))?;
            let mut thing = policy_fields(resource(Kind::DbPolicy), policy, wanted);
            thing.fixed = FIXED;
            Some(thing)
        }
    }
}

/// Is row security to be on? Then one that is off is not there.
fn wants_on(wanted: &Resource) -> bool {
    wanted.fields.get("enabled") == Some(&Value::Bool(true))
}

/// Is nothing wanted? Then nothing that is there is what is wanted.
fn nothing(value: Option<&Value>) -> bool {
    value.and_then(Value::as_object).is_some_and(Map::is_empty)
}

/// Policies of ours that no rule makes any more.
pub(super) fn strange(ground: &Ground<'_>, table: &Object, desired: &[Resource]) -> Vec<String> {
    let names = ground.snapshot.policies.keys().filter(|(on, name)| on == table && name.starts_with(OURS));
    names
        .map(|(_, name)| name.to_string())
        .filter(|name| {
            let address = Place::Policy { table: table.clone(), name: name.clone() }.address(ground.source);
            // One that the state names goes by a step of its own.
            !ground.kept.has(&address) && !desired.iter().any(|thing| thing.address.as_str() == address)
        })
        .collect()
}

fn role_fields(thing: Resource, role: &Role) -> Resource {
    let settings_in: Map<String, Value> = role
        .settings_in
        .iter()
        .map(|(database, settings)| (database.to_string(), Value::Object(settings_value(settings))))
        .collect();
    thing
        .with("superuser", role.superuser)
        .with("createdb", role.createdb)
        .with("createrole", role.createrole)
        .with("inherit", role.inherit)
        .with("login", role.login)
        .with("replication", role.replication)
        .with("bypassrls", role.bypassrls)
        .with("connection_limit", role.connection_limit)
        .with("valid_until", moment(role.valid_until))
        .with("comment", role.comment.as_deref())
        .with("settings", settings_value(&role.settings))
        .with("settings_in", settings_in)
}

fn rights(
    ground: &Ground<'_>,
    mut thing: Resource,
    to: Option<&str>,
    on: &Object,
    wanted: Option<&Resource>,
) -> Option<Resource> {
    let mut own = wanted.is_some_and(|wanted| wanted.fields.contains_key("privileges"));
    let mut columns: Vec<String> = wanted
        .and_then(|wanted| wanted.fields.get("columns")?.as_object())
        .map(|columns| columns.keys().cloned().collect())
        .unwrap_or_default();
    if wanted.is_none() {
        // What an owner holds, it holds as such: no list that is gone takes it away.
        if to.is_some() && ground.snapshot.things.get(on).map(|thing| thing.owner.as_ref()) == to {
            return None;
        }
        for part in thing.id.as_deref().map(parts_of).unwrap_or_default() {
            match part {
                Object::Column { name, .. } => columns.push(name),
                _ => own = true,
            }
        }
        if !own && columns.is_empty() {
            own = true;
        }
    }
    let mut any = wanted.is_some_and(|wanted| {
        let wanted_columns = wanted.fields.get("columns").and_then(Value::as_object);
        wanted.fields.get("privileges").is_none_or(|held| nothing(Some(held)))
            && wanted_columns.is_none_or(|columns| columns.values().all(|held| nothing(Some(held))))
    });
    if own {
        let held = ground.held(on, to);
        any |= !nothing(Some(&held));
        thing = thing.with("privileges", held);
    }
    if let (Object::Table { schema, name: table }, false) = (on, columns.is_empty()) {
        let mut fields = Map::new();
        for name in columns {
            let column = Object::Column { schema: schema.clone(), table: table.clone(), name: name.clone() };
            let held = ground.held(&column, to);
            any |= !nothing(Some(&held));
            fields.insert(name, held);
        }
        thing = thing.with("columns", fields);
    }
    any.then_some(thing)
}

/// The rights on what one role will make, PostgreSQL's own where nobody changed them.
pub(super) fn default_rights(snapshot: &Snapshot, to: Option<&str>, future: &Future) -> BTreeMap<Privilege, bool> {
    let row = snapshot.defaults.iter().find(|row| {
        *row.owner == *future.owner && row.kind == future.kind && row.schema.as_deref() == future.schema.as_deref()
    });
    let mut held = BTreeMap::new();
    match row {
        Some(row) => {
            for grant in row.rights.iter().filter(|grant| grant.grantee.role() == to) {
                *held.entry(grant.privilege).or_default() |= grant.grantable && to != Some(&future.owner);
            }
        }
        None if future.schema.is_none() => held = builtin(snapshot, to, future),
        None => {}
    }
    held
}

/// What PostgreSQL gives on what a role makes when nobody said anything.
pub(super) fn builtin(snapshot: &Snapshot, to: Option<&str>, future: &Future) -> BTreeMap<Privilege, bool> {
    match to {
        Some(role) if role == future.owner => {
            privileges(future.kind, snapshot.server.major()).map(|privilege| (privilege, false)).collect()
        }
        None if future.kind == ObjectKind::Routine => BTreeMap::from([(Privilege::Execute, false)]),
        None if future.kind == ObjectKind::Type => BTreeMap::from([(Privilege::Usage, false)]),
        _ => BTreeMap::new(),
    }
}

fn policy_fields(thing: Resource, policy: &RowPolicy, wanted: Option<&Resource>) -> Resource {
    let roles: Vec<&str> = policy.roles.iter().filter_map(|role| role.role()).collect();
    let text = |wanted: Option<&Resource>, field: &str| {
        wanted.and_then(|wanted| wanted.fields.get(field)?.as_str().map(str::to_owned))
    };
    let (using, check) = (text(wanted, "using"), text(wanted, "check"));
    let mark =
        mark_of(&source_mark(using.as_deref(), check.as_deref()), policy.using.as_deref(), policy.check.as_deref());
    let same = |written: &Option<String>, kept: &Option<String>| match (written, kept) {
        (Some(written), Some(kept)) => bare(written) == bare(kept),
        (None, None) => true,
        _ => false,
    };
    // Either the server wrote it back as it stands in the file, or it carries the mark of what it was made from.
    let is_wanted = wanted.is_some()
        && (policy.comment.as_deref() == Some(&mark) || (same(&using, &policy.using) && same(&check, &policy.check)));
    let (using, check) = if is_wanted { (using, check) } else { (policy.using.clone(), policy.check.clone()) };
    thing
        .with("permissive", policy.permissive)
        .with("for", policy.command)
        .with("to", roles)
        .with("using", using)
        .with("check", check)
}

/// Without blanks at the ends and the pair of parentheses that the server puts around.
pub(super) fn bare(text: &str) -> &str {
    let text = text.trim();
    let Some(inner) = text.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) else { return text };
    // Only a pair: `(a) OR (b)` begins and ends with others.
    let mut depth = 0_i32;
    for c in inner.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            '\'' | '"' => return text,
            _ => {}
        }
        if depth < 0 {
            return text;
        }
    }
    inner.trim()
}

/// The hash by which an apply knows whether what it was planned on is still so.
pub(super) fn digest(desired: &[Resource], current: &[Resource]) -> String {
    let lines = |things: &[Resource]| {
        let mut lines: Vec<String> =
            things.iter().map(|thing| json!([thing.address.as_str(), thing.fields]).to_string()).collect();
        lines.sort_unstable();
        lines
    };
    let text = json!([lines(desired), lines(current)]).to_string();
    crate::hex(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes()).as_ref())
}
