//! The law: governed tables, roles' tools, models, and the lists of tenancy. Servers read them from the file
//! itself; what is noted here is what was agreed to, so that the next plan can tell what changes.

use serde_json::{Map, Value};
use tenantry_file::Loaded;

use crate::resource::{Kind, Resource, Target};
use crate::state::State;

/// What the file says.
#[must_use]
pub(crate) fn desired(loaded: &Loaded) -> Vec<Resource> {
    things(&loaded.json(), Some(loaded))
}

/// What was applied last.
#[must_use]
pub(crate) fn current(state: &State) -> Vec<Resource> {
    let Some(applied) = state.applied(&Target::Law) else { return Vec::new() };
    let doc: Value = serde_json::from_str(&applied.doc).unwrap_or_default();
    let mut things = things(&doc, None);
    for thing in &mut things {
        thing.id = Some(thing.address.to_string());
    }
    things
}

fn things(doc: &Value, loaded: Option<&Loaded>) -> Vec<Resource> {
    let located = |path: &[&str]| loaded.and_then(|loaded| loaded.located(path));
    let section = |name: &str| doc.get(name).and_then(Value::as_object).into_iter().flatten();
    let mut all = Vec::new();
    if let Some(tenancy) = doc.get("tenancy").and_then(Value::as_object) {
        all.push(filled(Resource::new(Kind::Tenancy, Target::Law, "tenancy"), tenancy).at(located(&["tenancy"])));
    }
    for (kind, word) in [(Kind::Table, "table"), (Kind::Model, "model")] {
        for (name, declared) in section(word) {
            let Some(fields) = declared.as_object() else { continue };
            let thing = Resource::new(kind, Target::Law, [word, ".", name].concat());
            all.push(filled(thing, fields).at(located(&[word, name])));
        }
    }
    for (name, role) in section("role") {
        let tools = role.get("tools").and_then(Value::as_array).filter(|tools| !tools.is_empty());
        if let Some(tools) = tools {
            let mut tools = tools.clone();
            tools.sort_by(|a, b| a.as_str().cmp(&b.as_str()));
            let thing = Resource::new(Kind::Tools, Target::Law, ["role.", name, ".tools"].concat());
            all.push(thing.with("tools", tools).at(located(&["role", name, "tools"])));
        }
    }
    all
}

fn filled(mut thing: Resource, fields: &Map<String, Value>) -> Resource {
    thing.fields.extend(fields.iter().map(|(name, value)| (name.clone(), value.clone())));
    thing
}

/// A document with what the steps are about taken from another one.
pub(crate) fn replaced(mut doc: Value, from: &Value, steps: &[crate::step::Step]) -> Value {
    // Sources and accounts are needed to read the document again.
    let sections = from.as_object().into_iter().flatten();
    let Some(all) = doc.as_object_mut() else { return doc };
    for (name, section) in sections {
        if !["tenancy", "table", "model"].contains(&name.as_str()) {
            all.insert(name.clone(), section.clone());
        }
    }
    for step in steps {
        let mut parts = step.address.as_str().splitn(2, '.');
        let (section, name) = (parts.next().unwrap_or_default(), parts.next());
        match (section, name) {
            ("tenancy", None) => put(all, "tenancy", from.get("tenancy")),
            ("table" | "model", Some(name)) => {
                let value = from.get(section).and_then(|section| section.get(name));
                let entry = all.entry(section.to_owned()).or_insert_with(|| Value::Object(Map::new()));
                if let Some(members) = entry.as_object_mut() {
                    put(members, name, value);
                }
            }
            _ => {}
        }
    }
    doc
}

fn put(members: &mut Map<String, Value>, name: &str, value: Option<&Value>) {
    match value {
        Some(value) => drop(members.insert(name.to_owned(), value.clone())),
        None => drop(members.shift_remove(name)),
    }
}
