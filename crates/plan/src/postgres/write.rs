//! Steps as statements, in an order in which each finds what it needs: rights that go first, then what is made,
//! then who owns what, then rights, then row security; what others lean on is dropped last.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};
use tenantry_policy::Entropy;
use tenantry_policy::ambient::NoEntropy;
use tenantry_policy::object::Object;
use tenantry_policy::value::parse_timestamp;
use tenantry_sql::cluster::scram::Verifier;
use tenantry_sql::cluster::seats::{end_seat, set_seat};
use tenantry_sql::cluster::{
    Attributes, Holder, Options, PolicyText, alter_policy, alter_role, comment_on_role, create_database,
    create_extension, create_policy, create_role, create_schema, drop_extension, drop_policy, drop_schema,
    limit_database, mark_policy, move_extension, owner_to, set_for_database, set_for_role, set_row_security,
    source_mark, update_extension,
};
use zeroize::Zeroizing;

use super::acl::{Model, Written};
use super::address::Place;
use super::ground::{Ground, grantee, relation_word, rights_of, setting_text};
use super::retire::{retire, uses};
use crate::error::PlanError;
use crate::resource::Resource;
use crate::step::{Action, Step};

/// What a step's secret is.
pub(super) type SecretOf<'a> = dyn Fn(&Step, &str) -> Option<Zeroizing<String>> + Send + Sync + 'a;

/// The statements of steps.
///
/// # Errors
/// What no statement can do: a role that is in use, a password that cannot be one.
pub(super) fn write(
    ground: &Ground<'_>,
    desired: &[Resource],
    steps: &[Step],
    secret: &SecretOf<'_>,
    entropy: &dyn Entropy,
) -> Result<Vec<Written>, PlanError> {
    let mut model = Model::new(ground.snapshot);
    let mut ordered: Vec<(u8, &Step, Place)> = Vec::new();
    for step in steps.iter().filter(|step| step.action != Action::Adopt) {
        let Some(place) = Place::of(step.address.as_str(), ground.source) else {
            return Err(PlanError::Internal("a step of another source"));
        };
        ordered.push((phase(&place, step.action), step, place));
    }
    ordered.sort_by_key(|(phase, _, _)| *phase);
    let removed = steps.iter().filter(|step| step.action == Action::Delete);
    let gone: BTreeSet<&str> = removed.map(|step| step.address.as_str()).collect();
    let mut settled = false;
    for (at, step, place) in &ordered {
        if *at > OWNERS && !settled {
            settled = true;
            settle(ground, &mut model, desired, &ordered)?;
        }
        model.address = step.address.clone();
        let writer = Writer { ground, desired, gone: &gone, step, secret, entropy };
        writer.step(&mut model, place)?;
    }
    if !settled {
        settle(ground, &mut model, desired, &ordered)?;
    }
    Ok(model.out)
}

const OWNERS: u8 = 7;

fn phase(place: &Place, action: Action) -> u8 {
    let goes = action == Action::Delete;
    match place {
        Place::Database(_) => 0,
        Place::Policy { .. } if goes => 1,
        Place::Member { .. } | Place::Grants { .. } | Place::Default { .. } | Place::Seat(_) if goes => 2,
        Place::Schema(_) if !goes => 3,
        Place::Extension(_) if !goes => 4,
        Place::Role(_) if !goes => 5,
        Place::Member { .. } => 6,
        Place::Owner(_) => OWNERS,
        Place::Grants { .. } => 8,
        Place::Default { .. } => 9,
        Place::Seats if !goes => 9,
        Place::Seat(_) => 10,
        Place::RowSecurity(_) if !goes => 10,
        Place::Policy { .. } => 11,
        Place::RowSecurity(_) => 12,
        Place::Seats | Place::Extension(_) => 13,
        Place::Schema(_) => 14,
        Place::Role(_) => 15,
    }
}

/// When a thing changes hands, the rights on it move with its owner: what the file wants of it is made so again,
/// also where it needed no step before.
fn settle(
    ground: &Ground<'_>,
    model: &mut Model<'_>,
    desired: &[Resource],
    ordered: &[(u8, &Step, Place)],
) -> Result<(), PlanError> {
    let mut moved: Vec<Object> = ordered
        .iter()
        .filter_map(|(_, step, place)| match place {
            Place::Owner(object) if step.action != Action::Delete => Some(object.clone()),
            _ => None,
        })
        .collect();
    let sequences: Vec<Object> = moved.iter().flat_map(|object| model.sequences(object)).collect();
    moved.extend(sequences);
    for thing in desired {
        if let Some(Place::Grants { to, on }) = Place::of(thing.address.as_str(), ground.source)
            && moved.contains(&on)
        {
            model.address = thing.address.clone();
            set(model, to.as_deref(), &on, Some(thing));
        }
    }
    Ok(())
}

fn set(model: &mut Model<'_>, to: Option<&str>, on: &Object, wanted: Option<&Resource>) {
    let Some(wanted) = wanted else { return };
    let to = grantee(to);
    if let Some(rights) = wanted.fields.get("privileges") {
        model.set_rights(on, &to, &rights_of(Some(rights)));
    }
    let columns = wanted.fields.get("columns").and_then(Value::as_object).into_iter().flatten();
    if let Object::Table { schema, name: table } = on {
        for (name, rights) in columns {
            let column = Object::Column { schema: schema.clone(), table: table.clone(), name: name.clone() };
            model.set_rights(&column, &to, &rights_of(Some(rights)));
        }
    }
}

struct Writer<'w> {
    ground: &'w Ground<'w>,
    desired: &'w [Resource],
    /// What the plan removes.
    gone: &'w BTreeSet<&'w str>,
    step: &'w Step,
    secret: &'w SecretOf<'w>,
    entropy: &'w dyn Entropy,
}

impl Writer<'_> {
    fn goes(&self) -> bool {
        self.step.action == Action::Delete
    }

    /// Was the thing made from here? Only then is it removed from here.
    fn made(&self) -> bool {
        self.ground.kept.made(self.step.address.as_str())
    }

    fn field(&self, name: &str) -> Option<&Value> {
        self.step.wanted.as_ref()?.fields.get(name)
    }

    /// Does the step change this field?
    fn changes(&self, name: &str) -> bool {
        self.step.action == Action::Create
            || self.step.changes.iter().any(|change| change.field.split('.').next() == Some(name))
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.field(name)?.as_str()
    }

    fn step(&self, model: &mut Model<'_>, place: &Place) -> Result<(), PlanError> {
        match place {
            Place::Role(name) => self.role(model, name)?,
            Place::Member { member, role } => self.member(model, member, role),
            Place::Grants { to, on } => self.grants(model, to.as_deref(), on),
            Place::Default { to, future } => {
                let wanted = rights_of(self.field("privileges"));
                model.set_default(future, &grantee(to.as_deref()), &wanted);
            }
            Place::Seats if !self.goes() => super::seats::make(self.ground, model, self.desired),
            Place::Seats if self.made() => super::seats::drop_all(self.ground, model),
            Place::Seats => {}
            Place::Seat(name) if self.goes() => model.push("end the seat", end_seat(name)),
            Place::Seat(name) => {
                if let Some(tenant) = self.text("tenant") {
                    model.push("say whose the seat is", set_seat(name, tenant));
                }
            }
            Place::Owner(object) => {
                if let (false, Some(owner)) = (self.goes(), self.text("owner")) {
                    let statement = owner_to(object, relation_word(self.ground.snapshot, object), owner);
                    if let Some(statement) = statement {
                        model.push("change the owner", statement);
                        model.owned_by(object, owner);
                    }
                }
            }
            Place::Database(name) => self.database(model, name)?,
            Place::Schema(name) => match self.step.action {
                Action::Create => model.push("make the schema", create_schema(name)),
                Action::Delete if self.made() => {
                    model.push("drop the schema", drop_schema(name));
                    model.forget(|object, _| matches!(object, Object::Schema(gone) if gone == name));
                }
                _ => {}
            },
            Place::Extension(name) => self.extension(model, name),
            Place::RowSecurity(table) => self.row_security(model, table),
            Place::Policy { table, name } => self.policy(model, table, name)?,
        }
        Ok(())
    }

    fn role(&self, model: &mut Model<'_>, name: &str) -> Result<(), PlanError> {
        let address = self.step.address.as_str();
        if self.goes() {
            if !self.made() {
                return Ok(());
            }
            let uses = uses(self.ground.snapshot, name, self.desired, self.gone, self.ground);
            if !uses.is_empty() {
                let what = format!("role `{name}` is in use and is not dropped: it {}", uses.join("; it "));
                return Err(PlanError::invalid("ROLE_IN_USE", what).about(address, self.step.place.clone()).hinted(
                    "give what it owns to another (`owner`), take its rights in other databases back there, then apply again",
                ));
            }
            retire(model, name);
            return Ok(());
        }
        let verifier = match (self.secret)(self.step, "password") {
            Some(password) => Some(self.verifier(address, &password)?),
            None => None,
        };
        let flag = |field: &str| self.changes(field).then(|| self.field(field)?.as_bool()).flatten();
        let attributes = Attributes {
            superuser: flag("superuser"),
            createdb: flag("createdb"),
            createrole: flag("createrole"),
            inherit: flag("inherit"),
            login: flag("login"),
            replication: flag("replication"),
            bypassrls: flag("bypassrls"),
            connection_limit: self
                .changes("connection_limit")
                .then(|| self.field("connection_limit")?.as_i64())
                .flatten(),
            valid_until: self
                .changes("valid_until")
                .then(|| Some(parse_timestamp(self.text("valid_until")?)))
                .flatten(),
            password: verifier.as_ref(),
        };
        if self.step.action == Action::Create {
            model.push("make the role", create_role(name, &attributes));
        } else if !attributes.is_empty() {
            model.push("change the role", alter_role(name, &attributes));
        }
        if self.changes("comment")
            && (self.field("comment").is_some_and(|comment| !comment.is_null()) || self.step.action != Action::Create)
        {
            model.push("comment on the role", comment_on_role(name, self.text("comment")));
        }
        let found = self.ground.snapshot.roles.get(name);
        if let Some(wanted) = self.field("settings").and_then(Value::as_object) {
            let has = found.map(|role| super::ground::settings_value(&role.settings)).unwrap_or_default();
            settings(wanted, &has, |setting, value| {
                model.push("set for the role's sessions", set_for_role(name, None, setting, value));
            });
        }
        if let Some(wanted) = self.field("settings_in").and_then(Value::as_object) {
            let nothing = Map::new();
            let mut databases: Vec<&str> = wanted.keys().map(String::as_str).collect();
            databases.extend(found.into_iter().flat_map(|role| role.settings_in.keys().map(AsRef::as_ref)));
            databases.sort_unstable();
            databases.dedup();
            for database in databases {
                let wanted = wanted.get(database).and_then(Value::as_object).unwrap_or(&nothing);
                let has = found
                    .and_then(|role| role.settings_in.get(database))
                    .map(super::ground::settings_value)
                    .unwrap_or_default();
                settings(wanted, &has, |setting, value| {
                    model.push("set for the role's sessions", set_for_role(name, Some(database), setting, value));
                });
            }
        }
        Ok(())
    }

    fn verifier(&self, address: &str, password: &str) -> Result<Verifier, PlanError> {
        let mut salt = [0_u8; 16];
        self.entropy.fill(&mut salt).map_err(|error: NoEntropy| PlanError::Store(error.into()))?;
        Verifier::of(password, salt).map_err(|error| PlanError::Secret {
            address: address.to_owned(),
            field: "password".to_owned(),
            why: error.to_string(),
        })
    }

    fn member(&self, model: &mut Model<'_>, member: &str, role: &str) {
        if self.goes() {
            model.end_membership(role, member);
            return;
        }
        let flag = |field: &str| self.field(field).and_then(Value::as_bool);
        // A new one without the option says nothing of it: that is the default.
        let admin = flag("admin").filter(|admin| *admin || self.step.action != Action::Create);
        model.set_membership(role, member, Options { admin, inherit: flag("inherit"), set: flag("set") });
    }

    fn grants(&self, model: &mut Model<'_>, to: Option<&str>, on: &Object) {
        if !self.goes() {
            set(model, to, on, self.step.wanted.as_ref());
            return;
        }
        let parts = self.ground.kept.id(self.step.address.as_str()).map(super::desired::parts_of).unwrap_or_default();
        let parts = if parts.is_empty() { vec![on.clone()] } else { parts };
        for part in parts {
            model.set_rights(&part, &grantee(to), &BTreeMap::new());
        }
    }

    fn database(&self, model: &mut Model<'_>, name: &str) -> Result<(), PlanError> {
        if self.goes() {
            // The plan says so; nothing that holds data is dropped from here.
            return Ok(());
        }
        if self.step.action == Action::Create {
            model.push("make the database", create_database(name));
            if let Some(last) = model.out.last_mut() {
                last.alone = true;
            }
        }
        if let Some(limit) =
            self.field("connection_limit").and_then(Value::as_i64).filter(|_| self.changes("connection_limit"))
        {
            model.push("limit the database's sessions", limit_database(name, limit));
        }
        if let Some(wanted) = self.field("settings").and_then(Value::as_object) {
            let thing = self.ground.snapshot.things.get(&Object::Database(name.to_owned()));
            let has = match thing.map(|thing| &thing.detail) {
                Some(tenantry_source::cluster::Detail::Database(found)) => {
                    super::ground::settings_value(&found.settings)
                }
                _ => Map::new(),
            };
            settings(wanted, &has, |setting, value| {
                model.push("set for the database's sessions", set_for_database(name, setting, value));
            });
        }
        Ok(())
    }

    fn extension(&self, model: &mut Model<'_>, name: &str) {
        match self.step.action {
            Action::Create => {
                let statement = create_extension(name, self.text("schema"), self.text("version"));
                model.push("make the extension", statement);
            }
            Action::Delete if self.made() => {
                model.push("drop the extension", drop_extension(name));
                model.forget(|_, thing| thing.extension.as_deref() == Some(name));
            }
            Action::Delete => {}
            _ => {
                if let Some(version) = self.text("version").filter(|_| self.changes("version")) {
                    model.push("update the extension", update_extension(name, version));
                }
                if let Some(schema) = self.text("schema").filter(|_| self.changes("schema")) {
                    model.push("move the extension", move_extension(name, schema));
                }
            }
        }
    }

    fn row_security(&self, model: &mut Model<'_>, table: &Object) {
        if self.goes() {
            if self.made() {
                model.push("row security off", set_row_security(table, Some(false), Some(false)));
            }
            return;
        }
        let relation = self.ground.snapshot.relation(table);
        let differs =
            |field: &str, has: bool| self.field(field).and_then(Value::as_bool).filter(|wanted| *wanted != has);
        let enabled = differs("enabled", relation.is_some_and(|relation| relation.row_security));
        let forced = differs("forced", relation.is_some_and(|relation| relation.forced));
        if enabled.is_some() || forced.is_some() {
            model.push("row security", set_row_security(table, enabled, forced));
        }
        if self.field("strange_policies").is_some() {
            for name in super::current::strange(self.ground, table, self.desired) {
                model.push("drop a policy that no rule makes", drop_policy(table, &name));
            }
        }
    }

    fn policy(&self, model: &mut Model<'_>, table: &Object, name: &str) -> Result<(), PlanError> {
        if self.goes() {
            if self.ground.snapshot.policies.contains_key(&(table.clone(), name.into())) {
                model.push("drop the policy", drop_policy(table, name));
            }
            return Ok(());
        }
        let command = ["ALL", "SELECT", "INSERT", "UPDATE", "DELETE"];
        let Some(command) = command.into_iter().find(|command| self.text("for") == Some(command)) else {
            return Err(PlanError::Internal("the command of a policy"));
        };
        let roles = self.field("to").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        let policy = PolicyText {
            table,
            name,
            permissive: self.field("permissive").and_then(Value::as_bool).unwrap_or(true),
            command,
            roles: roles.map(Holder::Role).collect(),
            using: self.text("using"),
            check: self.text("check"),
        };
        let found = self.ground.snapshot.policies.get(&(table.clone(), name.into()));
        // An expression can be replaced, but not taken away.
        let loses = found.is_some_and(|found| {
            (found.using.is_some() && policy.using.is_none()) || (found.check.is_some() && policy.check.is_none())
        });
        match (found, self.step.action) {
            (Some(_), Action::Update) if !loses => model.push("change the policy", alter_policy(&policy)),
            (Some(_), _) => {
                model.push("drop the policy that was", drop_policy(table, name));
                model.push("make the policy", create_policy(&policy));
            }
            (None, _) => model.push("make the policy", create_policy(&policy)),
        }
        let mark = source_mark(policy.using, policy.check);
        model.push("note what the policy was made from", mark_policy(table, name, &mark));
        Ok(())
    }
}

/// Tells what is to be set, and what to be reset.
fn settings(wanted: &Map<String, Value>, has: &Map<String, Value>, mut tell: impl FnMut(&str, Option<&str>)) {
    for name in has.keys().filter(|name| !wanted.contains_key(*name)) {
        tell(name, None);
    }
    for (name, value) in wanted.iter().filter(|(name, value)| has.get(*name) != Some(*value)) {
        tell(name, setting_text(value).as_deref());
    }
}

/// The id that the state keeps of a thing.
pub(super) fn id_of(ground: &Ground<'_>, step: &Step) -> String {
    let address = step.address.as_str();
    let found = |name: &str| {
        let made = step.action == Action::Create || (ground.kept.has(address) && ground.kept.made(address));
        if made { name.to_owned() } else { [super::ground::FOUND, name].concat() }
    };
    match Place::of(address, ground.source) {
        Some(Place::Role(name) | Place::Schema(name) | Place::Extension(name) | Place::Database(name)) => found(&name),
        Some(Place::RowSecurity(table)) => found(&table.to_string()),
        Some(Place::Policy { table, name }) => found(&format!("{name} on {table}")),
        Some(Place::Grants { on, .. }) => {
            step.wanted.as_ref().map_or_else(String::new, |wanted| super::desired::id_of_rights(&on, wanted))
        }
        Some(Place::Seats) => found(tenantry_policy::seat::SCHEMA),
        Some(Place::Seat(name)) => name,
        Some(Place::Member { member, role }) => format!("{member} in {role}"),
        Some(Place::Default { future, .. }) => future.to_string(),
        Some(Place::Owner(object)) => object.to_string(),
        None => address.to_owned(),
    }
}
