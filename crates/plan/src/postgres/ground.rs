//! What both sides of a plan are made from: the file, the rules, and one moment of the database.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use tenantry_file::Loaded;
use tenantry_file::model::Source;
use tenantry_policy::Policy;
use tenantry_policy::object::{Object, ObjectKind, Privilege};
use tenantry_source::cluster::{Grantee, RelationKind, Snapshot};
use tenantry_sql::cluster::{is_list, list_of};

use super::address::Place;
use crate::resource::{Resource, Target};
use crate::state::State;

/// What the state keeps of a source: addresses, and what each thing was called.
#[derive(Debug, Clone, Default)]
pub(super) struct Kept(pub(super) BTreeMap<String, Option<String>>);

impl Kept {
    /// What the state names.
    pub(super) fn of(state: &State, target: &Target) -> Kept {
        Kept(state.managed(target).map(|row| (row.address.clone(), row.id.clone())).collect())
    }

    pub(super) fn has(&self, address: &str) -> bool {
        self.0.contains_key(address)
    }

    pub(super) fn id(&self, address: &str) -> Option<&str> {
        self.0.get(address)?.as_deref()
    }

    /// Was the thing made from here, rather than found?
    pub(super) fn made(&self, address: &str) -> bool {
        self.0.get(address).is_some_and(|id| id.as_deref().is_none_or(|id| !id.starts_with(FOUND)))
    }
}

/// What the id of a thing begins with that was there before the file managed it: it is never removed from here.
pub(super) const FOUND: &str = "found:";

/// What both sides are made from.
pub(super) struct Ground<'a> {
    pub(super) source: &'a str,
    pub(super) loaded: &'a Loaded,
    pub(super) policy: &'a Policy,
    /// The role that Tenantry connects as.
    pub(super) runtime: Option<&'a str>,
    pub(super) snapshot: &'a Snapshot,
    pub(super) kept: &'a Kept,
}

impl<'a> Ground<'a> {
    pub(super) fn target(&self) -> Target {
        Target::Source(self.source.to_owned())
    }

    pub(super) fn declared(&self) -> Option<&'a Source> {
        let mut sources = self.loaded.document().source.iter();
        sources.find(|(name, _)| name.as_str() == self.source).map(|(_, source)| source)
    }

    /// Where keys of the source's section stand.
    pub(super) fn place(&self, path: &[&str]) -> Option<String> {
        let mut whole = vec!["source", self.source];
        whole.extend(path);
        self.loaded.located(&whole)
    }

    pub(super) fn resource(&self, kind: crate::resource::Kind, place: &Place) -> Resource {
        Resource::new(kind, self.target(), place.address(self.source))
    }

    /// The rights that a role, or everybody, holds on a thing: the field's value.
    pub(super) fn held(&self, object: &Object, to: Option<&str>) -> Value {
        let Some(thing) = self.snapshot.things.get(object) else { return json!({}) };
        let mut found: BTreeMap<Privilege, bool> = BTreeMap::new();
        for grant in thing.rights.iter().filter(|grant| grant.grantee.role() == to) {
            // What an owner holds, it may give on, whatever the list says.
            let grantable = grant.grantable && to != Some(&thing.owner);
            *found.entry(grant.privilege).or_default() |= grantable;
        }
        rights_value(&found)
    }

    /// Columns of a table on which a role, or everybody, holds rights of their own.
    pub(super) fn columns_held(&self, table: &Object, to: Option<&str>) -> BTreeSet<String> {
        let Object::Table { schema, name } = table else { return BTreeSet::new() };
        let from = Object::Column { schema: schema.clone(), table: name.clone(), name: String::new() };
        self.snapshot
            .things
            .range(from..)
            .map_while(|(object, thing)| match object {
                Object::Column { schema: s, table: t, name: column } if s == schema && t == name => {
                    Some((column, thing))
                }
                _ => None,
            })
            .filter(|(_, thing)| thing.rights.iter().any(|grant| grant.grantee.role() == to))
            .map(|(column, _)| column.clone())
            .collect()
    }
}

/// Rights as a field: `{"SELECT": "granted", "INSERT": "with grant option"}`.
pub(super) fn rights_value(rights: &BTreeMap<Privilege, bool>) -> Value {
    let told = |grantable: bool| if grantable { GRANTABLE } else { "granted" };
    let fields: Map<String, Value> =
        rights.iter().map(|(privilege, grantable)| (privilege.name().to_owned(), json!(told(*grantable)))).collect();
    Value::Object(fields)
}

pub(super) const GRANTABLE: &str = "with grant option";

/// A field of rights read back.
pub(super) fn rights_of(value: Option<&Value>) -> BTreeMap<Privilege, bool> {
    let fields = value.and_then(Value::as_object).into_iter().flatten();
    fields.filter_map(|(name, told)| Some((Privilege::parse(name)?, told.as_str() == Some(GRANTABLE)))).collect()
}

/// Settings as a field; of a setting that is a list of names, a list.
pub(super) fn settings_value<'s>(settings: impl IntoIterator<Item = (&'s String, &'s String)>) -> Map<String, Value> {
    settings
        .into_iter()
        .map(|(name, value)| {
            let value = if is_list(name) { json!(list_of(value)) } else { json!(value) };
            (name.to_ascii_lowercase(), value)
        })
        .collect()
}

/// A setting's value as it is written.
pub(super) fn setting_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Array(names) => {
            let quoted =
                names.iter().filter_map(Value::as_str).map(|name| ["\"", &name.replace('"', "\"\""), "\""].concat());
            Some(quoted.collect::<Vec<_>>().join(", "))
        }
        _ => None,
    }
}

/// The privileges of a kind that a server of this version has.
pub(super) fn privileges(kind: ObjectKind, major: u32) -> impl Iterator<Item = Privilege> {
    kind.privileges().iter().copied().filter(move |privilege| privilege.since() <= major)
}

/// What a table is called in SQL.
pub(super) fn relation_word(snapshot: &Snapshot, object: &Object) -> &'static str {
    snapshot.relation(object).map_or(RelationKind::Table, |relation| relation.kind).name()
}

pub(super) fn grantee(to: Option<&str>) -> Grantee {
    to.map_or(Grantee::Public, |role| Grantee::Role(role.into()))
}

/// A name of a role that is `None` for everybody.
pub(super) fn to_of(grantee: &Grantee) -> Option<&str> {
    grantee.role()
}
