//! What the file wants of a source's database.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use tenantry_file::model::{DbRole, DbRoleMode, DbRowSecurity, Source};
use tenantry_policy::object::{Future, Object, ObjectKind, Objects, Privilege, parse_right};
use tenantry_policy::value::{format_timestamp, parse_timestamp};

use super::address::Place;
use super::ground::{Ground, privileges, rights_value, settings_value};
use crate::error::PlanError;
use crate::resource::{Kind, Resource};

/// Everything that the file wants.
///
/// # Errors
/// [`PlanError::Invalid`] for what this server or this database cannot have.
pub(super) fn desired(ground: &Ground<'_>) -> Result<Vec<Resource>, PlanError> {
    let nothing = Source {
        url: Default::default(),
        admin_url: None,
        role: BTreeMap::new(),
        public: Default::default(),
        database: BTreeMap::new(),
        schema: BTreeMap::new(),
        extension: BTreeMap::new(),
        owner: BTreeMap::new(),
        row_security: BTreeMap::new(),
    };
    let declared = ground.declared().unwrap_or(&nothing);
    let mut wants = Wants { ground, declared, rights: BTreeMap::new(), out: Vec::new() };
    wants.things()?;
    for (name, role) in &declared.role {
        wants.role(name, role)?;
        wants.grants(Some(name), &role.grants)?;
        wants.defaults(Some(name), &role.default_privileges)?;
    }
    wants.grants(None, &declared.public.grants)?;
    wants.defaults(None, &declared.public.default_privileges)?;
    wants.owners()?;
    for (table, security) in &declared.row_security {
        wants.row_security(table, security)?;
    }
    let seats = super::seats::desired(ground, &mut wants.out)?;
    super::fence::desired(ground, seats.as_deref(), &mut wants.rights, &mut wants.out)?;
    wants.acyclic()?;
    wants.finish_rights();
    Ok(wants.out)
}

/// Rights on one thing, before they become a resource.
#[derive(Debug, Default)]
pub(super) struct Rights {
    /// On the thing itself; `None` when nothing is said of it.
    pub(super) own: Option<BTreeMap<Privilege, bool>>,
    /// On columns.
    pub(super) columns: BTreeMap<String, BTreeMap<Privilege, bool>>,
    /// Does a key that names the thing say so, rather than one for all?
    explicit: bool,
    /// Where it stands.
    pub(super) place: Option<String>,
}

/// By who holds them and what they are on.
pub(super) type AllRights = BTreeMap<(Option<String>, Object), Rights>;

struct Wants<'g, 'a> {
    ground: &'g Ground<'a>,
    declared: &'g Source,
    rights: AllRights,
    out: Vec<Resource>,
}

impl Wants<'_, '_> {
    /// A role that is there or will be.
    fn known_role(&self, name: &str, path: &[&str]) -> Result<(), PlanError> {
        let declared = self.declared.role.get(name).is_some_and(|role| role.mode == DbRoleMode::Managed);
        if declared || self.ground.snapshot.roles.contains_key(name) || self.ground.runtime == Some(name) {
            return Ok(());
        }
        let known: Vec<&str> = self.declared.role.keys().map(String::as_str).collect();
        Err(PlanError::invalid("UNKNOWN_DB_ROLE", format!("there is no database role `{name}`"))
            .about(&self.address_of(path), self.ground.place(path))
            .hinted(if known.is_empty() {
                format!("declare it: [source.{}.role.{name}]", self.ground.source)
            } else {
                format!("declare it, or name one of: {}", known.join(", "))
            }))
    }

    fn address_of(&self, path: &[&str]) -> String {
        ["source.", self.ground.source, ".", &path.join(".")].concat()
    }

    /// A thing that is there or will be.
    fn known_object(&self, object: &Object, path: &[&str]) -> Result<(), PlanError> {
        let snapshot = self.ground.snapshot;
        let there = match object {
            Object::Parameter(_) => true,
            Object::Schema(name) => self.declared.schema.contains_key(name) || snapshot.things.contains_key(object),
            Object::Database(name) => self.declared.database.contains_key(name) || snapshot.things.contains_key(object),
            Object::Column { name, .. } => object
                .table_of_column()
                .and_then(|table| snapshot.relation(&table))
                .is_some_and(|relation| relation.columns.iter().any(|column| column.as_ref() == name)),
            // Of PostgreSQL's own, only what somebody changed is in a snapshot.
            _ if matches!(object.schema(), Some("pg_catalog" | "information_schema")) => true,
            _ => snapshot.things.contains_key(object),
        };
        if there {
            return Ok(());
        }
        let hint = match object {
            Object::Table { schema, name } => {
                let other = Object::Sequence { schema: schema.clone(), name: name.clone() };
                if snapshot.things.contains_key(&other) {
                    format!("it is a sequence: write `{other}`")
                } else {
                    "names stand as the catalog has them; it must be there before rights on it".to_owned()
                }
            }
            Object::Routine { schema, name, .. } => {
                let same: Vec<String> = snapshot
                    .things
                    .keys()
                    .filter(
                        |other| matches!(other, Object::Routine { schema: s, name: n, .. } if s == schema && n == name),
                    )
                    .map(ToString::to_string)
                    .collect();
                if same.is_empty() {
                    "types of arguments outside of PostgreSQL's own stand with their schema".to_owned()
                } else {
                    format!("of that name there is: {}", same.join(", "))
                }
            }
            _ => "names stand as the catalog has them".to_owned(),
        };
        let what = format!("there is no {} in database `{}`", shown(object), snapshot.server.database);
        Err(PlanError::invalid("UNKNOWN_OBJECT", what)
            .about(&self.address_of(path), self.ground.place(path))
            .hinted(hint))
    }

    fn needs(&self, major: u32, what: &str, path: &[&str]) -> Result<(), PlanError> {
        let have = self.ground.snapshot.server.major();
        if have >= major {
            return Ok(());
        }
        let text = format!("{what} needs PostgreSQL {major}; this server is {have}");
        Err(PlanError::invalid("NEEDS_NEWER_POSTGRESQL", text)
            .about(&self.address_of(path), self.ground.place(path))
            .hinted("take it out, or upgrade the server"))
    }

    /// Databases, schemas, extensions.
    fn things(&mut self) -> Result<(), PlanError> {
        let ground = self.ground;
        for (name, database) in &self.declared.database {
            let mut thing = ground
                .resource(Kind::Database, &Place::Database(name.clone()))
                .at(ground.place(&["database", name]))
                .maybe("connection_limit", database.connection_limit);
            if !database.settings.is_empty() {
                thing = thing.with("settings", settings_value(&database.settings));
            }
            self.out.push(thing);
            self.owner(&Object::Database(name.clone()), database.owner.as_deref(), &["database", name, "owner"])?;
        }
        for (name, schema) in &self.declared.schema {
            let place = ground.place(&["schema", name]);
            self.out.push(ground.resource(Kind::Schema, &Place::Schema(name.clone())).at(place));
            self.owner(&Object::Schema(name.clone()), schema.owner.as_deref(), &["schema", name, "owner"])?;
        }
        for (name, extension) in &self.declared.extension {
            if let Some(schema) = &extension.schema {
                self.known_object(&Object::Schema(schema.clone()), &["extension", name, "schema"])?;
            }
            let thing = ground
                .resource(Kind::Extension, &Place::Extension(name.clone()))
                .at(ground.place(&["extension", name]))
                .maybe("schema", extension.schema.as_deref())
                .maybe("version", extension.version.as_deref());
            self.out.push(thing);
        }
        Ok(())
    }

    fn owner(&mut self, object: &Object, owner: Option<&str>, path: &[&str]) -> Result<(), PlanError> {
        let Some(owner) = owner else { return Ok(()) };
        self.known_role(owner, path)?;
        let place = Place::Owner(object.clone());
        let address = place.address(self.ground.source);
        if self.out.iter().any(|thing| thing.address.as_str() == address) {
            return Err(PlanError::invalid("OWNER_TWICE", format!("the owner of {} is said twice", shown(object)))
                .about(&address, self.ground.place(path))
                .hinted("keep one"));
        }
        self.out.push(self.ground.resource(Kind::DbOwner, &place).with("owner", owner).at(self.ground.place(path)));
        Ok(())
    }

    fn owners(&mut self) -> Result<(), PlanError> {
        for (key, owner) in &self.declared.owner {
            let path = ["owner", key.as_str()];
            let Ok(object) = Object::parse(key) else { return Err(PlanError::Internal("an owner's key")) };
            self.known_object(&object, &path)?;
            self.owner(&object, Some(owner), &path)?;
        }
        Ok(())
    }

    fn role(&mut self, name: &str, role: &DbRole) -> Result<(), PlanError> {
        let ground = self.ground;
        let found = ground.snapshot.roles.get(name);
        let path = ["role", name];
        if role.mode != DbRoleMode::Managed && found.is_none() {
            let what = format!("there is no database role `{name}`, and the file does not make it");
            return Err(PlanError::invalid("UNKNOWN_DB_ROLE", what)
                .about(&self.address_of(&path), ground.place(&path))
                .hinted("`mode = \"managed\"` makes it; `adopted` and `external` are for roles that are there"));
        }
        if role.mode == DbRoleMode::External {
            return Ok(());
        }
        let managed = role.mode == DbRoleMode::Managed;
        let mut thing = ground.resource(Kind::DbRole, &Place::Role(name.to_owned())).at(ground.place(&path));
        let flags = [
            ("superuser", role.superuser, false, found.map(|found| found.superuser)),
            ("createdb", role.createdb, false, found.map(|found| found.createdb)),
            ("createrole", role.createrole, false, found.map(|found| found.createrole)),
            ("inherit", role.inherit, true, found.map(|found| found.inherit)),
            ("login", role.login, false, found.map(|found| found.login)),
            ("replication", role.replication, false, found.map(|found| found.replication)),
            ("bypassrls", role.bypassrls, false, found.map(|found| found.bypassrls)),
        ];
        for (field, said, default, found) in flags {
            // What is not said is the default, and only worth a word where it is not so.
            let drifted = managed && found.is_some_and(|found| found != default);
            thing = thing.maybe(field, said.or(drifted.then_some(default)));
        }
        let limit = role
            .connection_limit
            .or((managed && found.is_some_and(|found| found.connection_limit != -1)).then_some(-1));
        thing = thing.maybe("connection_limit", limit);
        match &role.valid_until {
            Some(text) => thing = thing.with("valid_until", moment(parse_timestamp(text))),
            None if managed && found.is_some_and(|found| found.valid_until.is_some()) => {
                thing = thing.with("valid_until", moment(None));
            }
            None => {}
        }
        match &role.comment {
            Some(text) => thing = thing.with("comment", text.as_str()),
            None if managed && found.is_some_and(|found| found.comment.is_some()) => {
                thing = thing.with("comment", Value::Null);
            }
            None => {}
        }
        let mut settings = Map::new();
        let mut settings_in = Map::new();
        if let Some(found) = found.filter(|_| !managed) {
            settings = settings_value(&found.settings);
            settings_in = found
                .settings_in
                .iter()
                .map(|(name, all)| (name.to_string(), Value::Object(settings_value(all))))
                .collect();
        }
        settings.extend(settings_value(&role.settings));
        for (database, all) in &role.settings_in {
            let path = ["role", name, "settings_in", database.as_str()];
            self.known_object(&Object::Database(database.clone()), &path)?;
            let entry = settings_in.entry(database.clone()).or_insert_with(|| json!({}));
            if let Some(entry) = entry.as_object_mut() {
                entry.extend(settings_value(all));
            }
        }
        if !settings.is_empty() || found.is_some_and(|found| !found.settings.is_empty()) {
            thing = thing.with("settings", settings);
        }
        if !settings_in.is_empty() || found.is_some_and(|found| !found.settings_in.is_empty()) {
            thing = thing.with("settings_in", settings_in);
        }
        if let Some(secret) = &role.password {
            thing = thing.secret("password", secret.as_str());
        }
        self.out.push(thing);
        for (group, options) in &role.member_of {
            let path = ["role", name, "member_of", group.as_str()];
            self.known_role(group, &path)?;
            if options.inherit.is_some() || options.set.is_some() {
                self.needs(16, "`inherit` and `set` of a membership", &path)?;
            }
            let place = Place::Member { member: name.to_owned(), role: group.clone() };
            self.out.push(
                ground
                    .resource(Kind::DbMembership, &place)
                    .with("admin", options.admin)
                    .maybe("inherit", options.inherit)
                    .maybe("set", options.set)
                    .at(ground.place(&path)),
            );
        }
        Ok(())
    }

    /// The privileges of a list, `ALL` spelt out as this server has it.
    fn list(&self, list: &[String], kind: ObjectKind, path: &[&str]) -> Result<BTreeMap<Privilege, bool>, PlanError> {
        let major = self.ground.snapshot.server.major();
        let mut found = BTreeMap::new();
        for text in list {
            let Ok(right) = parse_right(text) else { return Err(PlanError::Internal("a list of privileges")) };
            match right.privilege {
                Some(privilege) => {
                    self.needs(privilege.since(), privilege.name(), path)?;
                    *found.entry(privilege).or_default() |= right.grantable;
                }
                None => {
                    for privilege in privileges(kind, major) {
                        *found.entry(privilege).or_default() |= right.grantable;
                    }
                }
            }
        }
        Ok(found)
    }

    fn section<'p>(to: Option<&'p str>, section: &'p str, key: &'p str) -> Vec<&'p str> {
        match to {
            Some(role) => vec!["role", role, section, key],
            None => vec!["public", section, key],
        }
    }

    fn grants(&mut self, to: Option<&str>, grants: &BTreeMap<String, Vec<String>>) -> Result<(), PlanError> {
        if let (Some(role), false) = (to, grants.is_empty()) {
            self.known_role(role, &["role", role])?;
        }
        for (key, list) in grants {
            let path = Self::section(to, "grants", key);
            let Ok(objects) = Objects::parse(key) else { return Err(PlanError::Internal("a key of grants")) };
            let wanted = self.list(list, objects.kind(), &path)?;
            let place = self.ground.place(&path);
            let named: Vec<Object> = match objects {
                Objects::One(object) => vec![object],
                Objects::Columns { schema, table, columns } => columns
                    .into_iter()
                    .map(|name| Object::Column { schema: schema.clone(), table: table.clone(), name })
                    .collect(),
                Objects::All { kind, schema } => {
                    self.known_object(&Object::Schema(schema.clone()), &path)?;
                    let all: Vec<Object> = self
                        .ground
                        .snapshot
                        .things
                        .keys()
                        .filter(|object| object.kind() == kind && object.schema() == Some(&schema))
                        .cloned()
                        .collect();
                    for object in all {
                        let entry = self.entry(to, &object);
                        // What names the thing itself says more.
                        if !entry.explicit {
                            entry.own = Some(wanted.clone());
                            entry.place.clone_from(&place);
                        }
                    }
                    continue;
                }
            };
            for object in named {
                self.known_object(&object, &path)?;
                let own = matches!(object.schema(), Some("pg_catalog" | "information_schema"));
                if to.is_none() && own && !self.ground.snapshot.things.contains_key(&object) {
                    let what =
                        format!("what everybody may do with PostgreSQL's own {} is not managed here", shown(&object));
                    return Err(PlanError::invalid("SYSTEM_PUBLIC", what)
                        .about(&self.address_of(&path), place)
                        .hinted("take it out; a role's rights on it can be said"));
                }
                let table = object.table_of_column();
                let entry = self.entry(to, table.as_ref().unwrap_or(&object));
                entry.place.clone_from(&place);
                match object {
                    Object::Column { name, .. } => drop(entry.columns.insert(name, wanted.clone())),
                    _ => {
                        entry.own = Some(wanted.clone());
                        entry.explicit = true;
                    }
                }
            }
        }
        Ok(())
    }

    fn entry(&mut self, to: Option<&str>, object: &Object) -> &mut Rights {
        self.rights.entry((to.map(str::to_owned), object.clone())).or_default()
    }

    fn defaults(&mut self, to: Option<&str>, defaults: &BTreeMap<String, Vec<String>>) -> Result<(), PlanError> {
        for (key, list) in defaults {
            let path = Self::section(to, "default_privileges", key);
            let Ok(future) = Future::parse(key) else { return Err(PlanError::Internal("a key of default_privileges")) };
            self.known_role(&future.owner, &path)?;
            if future.kind == ObjectKind::LargeObject {
                self.needs(18, "default privileges of large objects", &path)?;
            }
            if let Some(role) = to {
                self.known_role(role, &path)?;
            }
            if let Some(schema) = &future.schema {
                self.known_object(&Object::Schema(schema.clone()), &path)?;
            }
            let mut wanted = self.list(list, future.kind, &path)?;
            if to == Some(&future.owner) {
                wanted.values_mut().for_each(|grantable| *grantable = false);
            }
            let place = Place::Default { to: to.map(str::to_owned), future };
            self.out.push(
                self.ground
                    .resource(Kind::DbDefault, &place)
                    .with("privileges", rights_value(&wanted))
                    .at(self.ground.place(&path)),
            );
        }
        Ok(())
    }

    fn row_security(&mut self, key: &str, security: &DbRowSecurity) -> Result<(), PlanError> {
        let path = ["row_security", key];
        let Ok(table) = Object::parse(key) else { return Err(PlanError::Internal("a key of row_security")) };
        self.known_object(&table, &path)?;
        if !self.ground.snapshot.relation(&table).is_some_and(|relation| relation.kind.has_row_security()) {
            return Err(PlanError::invalid("NOT_A_TABLE", format!("{} cannot have row security", shown(&table)))
                .about(&self.address_of(&path), self.ground.place(&path))
                .hinted("row security is for tables; a view takes that of its tables with security_invoker"));
        }
        self.out.push(
            self.ground
                .resource(Kind::RowSecurity, &Place::RowSecurity(table.clone()))
                .with("enabled", security.enabled.unwrap_or(true))
                .with("forced", security.forced.unwrap_or(true))
                .at(self.ground.place(&path)),
        );
        for (name, policy) in &security.policy {
            let path = ["row_security", key, "policy", name.as_str()];
            for role in policy.to.iter().filter(|role| *role != "public") {
                self.known_role(role, &path)?;
            }
            let everybody = policy.to.is_empty() || policy.to.iter().any(|role| role == "public");
            let roles: BTreeSet<&str> =
                if everybody { BTreeSet::new() } else { policy.to.iter().map(String::as_str).collect() };
            let mut thing = self
                .ground
                .resource(Kind::DbPolicy, &Place::Policy { table: table.clone(), name: name.clone() })
                .with("permissive", !policy.restrictive)
                .with("for", policy.command.name())
                .with("to", roles.into_iter().collect::<Vec<_>>())
                .with("using", policy.using.as_deref())
                .with("check", policy.check.as_deref())
                .at(self.ground.place(&path));
            thing.fixed = FIXED;
            self.out.push(thing);
        }
        Ok(())
    }

    /// Memberships that would make a role a member of itself, those that the database has counted.
    fn acyclic(&self) -> Result<(), PlanError> {
        let source = self.ground.source;
        let wanted: BTreeMap<String, &Resource> = self
            .out
            .iter()
            .filter(|thing| thing.kind == Kind::DbMembership)
            .map(|thing| (thing.address.to_string(), thing))
            .collect();
        let mut into: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for member in &self.ground.snapshot.members {
            let place = Place::Member { member: member.member.to_string(), role: member.role.to_string() };
            let address = place.address(source);
            // One that goes with this plan is in nobody's way.
            if wanted.contains_key(&address) || !self.ground.kept.has(&address) {
                into.entry(member.member.to_string()).or_default().push(member.role.to_string());
            }
        }
        for address in wanted.keys() {
            if let Some(Place::Member { member, role }) = Place::of(address, source) {
                into.entry(member).or_default().push(role);
            }
        }
        for (address, thing) in &wanted {
            let Some(Place::Member { member, role }) = Place::of(address, source) else { continue };
            let mut seen = BTreeSet::from([role.clone()]);
            let mut left = vec![role.clone()];
            while let Some(here) = left.pop() {
                if here == member {
                    let what = format!("`{member}` would be a member of itself through `{role}`");
                    return Err(PlanError::invalid("MEMBERSHIP_CYCLE", what)
                        .about(address, thing.place.clone())
                        .hinted(format!(
                            "`{role}` is a member of `{member}` already; take one of the two away first"
                        )));
                }
                for next in into.get(&here).into_iter().flatten() {
                    if seen.insert(next.clone()) {
                        left.push(next.clone());
                    }
                }
            }
        }
        Ok(())
    }

    /// Rights as resources. What an earlier file said of columns and this one does not, is taken back.
    fn finish_rights(&mut self) {
        let owners: BTreeMap<String, String> = self
            .out
            .iter()
            .filter(|thing| thing.kind == Kind::DbOwner)
            .filter_map(|thing| Some((thing.address.to_string(), thing.fields.get("owner")?.as_str()?.to_owned())))
            .collect();
        for ((to, on), rights) in std::mem::take(&mut self.rights) {
            let place = Place::Grants { to: to.clone(), on: on.clone() };
            let address = place.address(self.ground.source);
            let mut own = rights.own;
            let mut columns = rights.columns;
            let found = self.ground.snapshot.things.get(&on).map(|thing| thing.owner.as_ref());
            let owner = owners.get(&Place::Owner(on.clone()).address(self.ground.source)).map(String::as_str).or(found);
            if to.is_some() && to.as_deref() == owner {
                // An owner may give everything on, whatever is said.
                let all = own.iter_mut().chain(columns.values_mut());
                all.flat_map(BTreeMap::values_mut).for_each(|grantable| *grantable = false);
            }
            for former in self.ground.kept.id(&address).map(parts_of).into_iter().flatten() {
                match former {
                    Object::Column { name, .. } => drop(columns.entry(name).or_default()),
                    _ if own.is_none() => own = Some(BTreeMap::new()),
                    _ => {}
                }
            }
            let mut thing = self.ground.resource(Kind::DbGrant, &place).at(rights.place);
            if let Some(own) = &own {
                thing = thing.with("privileges", rights_value(own));
            }
            if !columns.is_empty() {
                let fields: Map<String, Value> =
                    columns.iter().map(|(name, rights)| (name.clone(), rights_value(rights))).collect();
                thing = thing.with("columns", fields);
            }
            self.out.push(thing);
        }
    }
}

/// What of a policy only a new one can change.
pub(super) const FIXED: &[&str] = &["permissive", "for"];

/// A moment as a field.
pub(super) fn moment(micros: Option<i64>) -> Value {
    json!(micros.and_then(format_timestamp).unwrap_or_else(|| "infinity".to_owned()))
}

/// A thing as a sentence names it.
pub(super) fn shown(object: &Object) -> String {
    match object.kind() {
        ObjectKind::Table | ObjectKind::Column => format!("{} `{object}`", object.kind().name()),
        _ => format!("`{object}`"),
    }
}

/// The id of rights: what they were declared on, so that it can be taken back when the file names it no more.
pub(super) fn id_of_rights(on: &Object, wanted: &Resource) -> String {
    let mut parts = Vec::new();
    if wanted.fields.contains_key("privileges") {
        parts.push(on.to_string());
    }
    if let Object::Table { schema, name: table } = on {
        for name in wanted.fields.get("columns").and_then(Value::as_object).into_iter().flat_map(Map::keys) {
            let column = Object::Column { schema: schema.clone(), table: table.clone(), name: name.clone() };
            parts.push(column.to_string());
        }
    }
    json!(parts).to_string()
}

/// The id read back.
pub(super) fn parts_of(id: &str) -> Vec<Object> {
    let parts: Vec<String> = serde_json::from_str(id).unwrap_or_default();
    parts.iter().filter_map(|part| Object::parse(part).ok()).collect()
}
