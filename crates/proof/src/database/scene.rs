//! From the solver's answer to plain values, as few and as usual as can be.

use std::collections::BTreeMap;

use batsat::Lit;
use tenantry_policy::Value;

use super::access::Laws;
use super::encode::source;
use super::evaluate::{PlainRow, Scenery};
use super::expr::{Expr, List, ListForm};
use super::world::{Key, World};
use crate::solver::Found;
use crate::witness::text;

/// Takes away what the question does not need: other rows, missing settings, NULLs. Leaves a model of what is left.
pub(crate) fn bring_down(world: &mut World<'_>, wanted: &mut Vec<Lit>, about: &[usize]) {
    let mut wishes: Vec<Lit> = world.cast.clone();
    let empty = world.domain(tenantry_policy::Type::Text).iter().position(|value| value.same(&Value::text("")));
    for (at, row) in world.rows.iter().enumerate() {
        if !about.contains(&at) {
            wishes.push(!row.exists);
        }
    }
    for symbol in world.settings.values() {
        wishes.push(!symbol.null);
        wishes.extend(empty.and_then(|at| symbol.is.get(at)).map(|is| !*is));
    }
    for list in world.lists.values() {
        wishes.extend([!list.unset, !list.empty, !list.holed]);
        wishes.extend(list.holds.iter().map(|holds| !*holds));
    }
    for row in &world.rows {
        for symbol in row.cells.values() {
            wishes.push(!symbol.null);
            wishes.extend(
                empty
                    .filter(|_| symbol.ty == tenantry_policy::Type::Text)
                    .and_then(|at| symbol.is.get(at))
                    .map(|is| !*is),
            );
        }
    }
    for wish in wishes {
        wanted.push(wish);
        if !matches!(world.find(wanted), Found::Model) {
            wanted.pop();
        }
    }
    // The last model may be of a question that failed.
    let _ = world.find(wanted);
}

/// The model found last. The rows in question come first: for an update the one that the question is of.
pub(crate) fn scenery(world: &World<'_>, about: &[usize]) -> Scenery {
    let mut made = Scenery { login: world.login.clone(), ..Scenery::default() };
    for (key, symbol) in &world.settings {
        if let Some(Value::Text(value)) = world.value(symbol) {
            made.settings.insert(key.clone(), value.to_string());
        }
    }
    for (key, list) in &world.lists {
        if world.solver.holds(list.unset) {
            made.settings.remove(key);
        } else if world.solver.holds(list.empty) {
            made.settings.insert(key.clone(), String::new());
        } else {
            let items = world.domain(list.ty).iter().zip(&list.holds);
            let held = items.filter(|(_, holds)| world.solver.holds(**holds)).map(|(value, _)| value.clone());
            let mut held: Vec<Option<Value>> = held.map(Some).collect();
            if world.solver.holds(list.holed) {
                held.push(None);
            }
            made.lists.insert(key.clone(), held);
            made.settings.remove(key);
        }
    }
    let others = (0..world.rows.len()).filter(|at| !about.contains(at));
    for at in about.iter().copied().chain(others) {
        let Some(row) = world.rows.get(at) else { continue };
        if !world.solver.holds(row.exists) {
            continue;
        }
        let cells = row.cells.iter().map(|(column, symbol)| (*column, world.value(symbol))).collect();
        made.rows.push(PlainRow { relation: row.relation, role: row.role, cells, stored: row.stored });
    }
    made
}

/// The settings as a session would set them: lists in their forms, documents from their members.
pub(crate) fn settings(scenery: &Scenery, laws: &Laws) -> Vec<(String, String)> {
    let mut all: BTreeMap<String, String> = BTreeMap::new();
    let mut documents: BTreeMap<String, document::Object> = BTreeMap::new();
    let forms = forms(laws);
    let list = |key: &Key, items: &[Option<Value>]| match forms.get(key) {
        Some(ListForm::Separated(separator)) => items.iter().flatten().map(text).collect::<Vec<_>>().join(separator),
        Some(ListForm::Json) => document::array(items),
        _ => array(items),
    };
    for (key, items) in &scenery.lists {
        if key.path.is_empty() {
            all.insert(key.setting.clone(), list(key, items));
        } else {
            let raw = match forms.get(key) {
                Some(ListForm::Json) => document::array(items),
                _ => document::quoted(&list(key, items)),
            };
            documents.entry(key.setting.clone()).or_default().put(&key.path, raw);
        }
    }
    for (key, value) in &scenery.settings {
        if key.path.is_empty() {
            all.insert(key.setting.clone(), value.clone());
        } else {
            documents.entry(key.setting.clone()).or_default().put(&key.path, document::quoted(value));
        }
    }
    let set: Vec<String> = all.keys().cloned().collect();
    for (setting, object) in documents {
        all.insert(setting, object.text());
    }
    // A document that is set, of which no member matters.
    let is_document: Vec<&String> =
        scenery.settings.keys().filter(|key| !key.path.is_empty()).map(|key| &key.setting).collect();
    for name in set {
        let claimed = documents_of(laws).contains(&name) && !is_document.contains(&&name);
        if claimed && all.get(&name).is_some_and(|text| !text.is_empty() && !text.starts_with('{')) {
            all.insert(name, "{}".to_owned());
        }
    }
    all.into_iter().collect()
}

/// Settings that are read as documents.
fn documents_of(laws: &Laws) -> Vec<String> {
    let mut found = Vec::new();
    laws.each(&mut |expr| {
        if let Expr::Claim { setting, .. } = expr {
            found.push(setting.clone());
        }
    });
    found
}

/// How lists travel.
fn forms(laws: &Laws) -> BTreeMap<Key, ListForm> {
    let mut found = BTreeMap::new();
    laws.lists(&mut |list| {
        if let List::Setting { of, form, .. } = list
            && let Some((key, _)) = source(of)
        {
            found.insert(key, form.clone());
        }
    });
    found
}

/// `{"a","b"}`
fn array(items: &[Option<Value>]) -> String {
    let quoted = items.iter().map(|item| match item {
        Some(item) => ["\"", &text(item).replace('\\', "\\\\").replace('"', "\\\""), "\""].concat(),
        None => "NULL".to_owned(),
    });
    ["{", &quoted.collect::<Vec<_>>().join(","), "}"].concat()
}

/// The little of JSON that a session's document takes.
mod document {
    use std::collections::BTreeMap;

    use tenantry_policy::Value;

    /// An object; its members are JSON as they are.
    #[derive(Default)]
    pub(super) struct Object {
        members: BTreeMap<String, String>,
        inner: BTreeMap<String, Object>,
    }

    impl Object {
        pub(super) fn put(&mut self, path: &[String], raw: String) {
            match path {
                [] => {}
                [last] => drop(self.members.insert(last.clone(), raw)),
                [first, rest @ ..] => self.inner.entry(first.clone()).or_default().put(rest, raw),
            }
        }

        pub(super) fn text(&self) -> String {
            let inner = self.inner.iter().map(|(name, object)| (name, object.text()));
            let members = self
                .members
                .iter()
                .filter(|(name, _)| !self.inner.contains_key(*name))
                .map(|(name, raw)| (name, raw.clone()))
                .chain(inner)
                .map(|(name, raw)| [&quoted(name), ":", &raw].concat());
            ["{", &members.collect::<Vec<_>>().join(","), "}"].concat()
        }
    }

    /// RFC 8259, section 7.
    pub(super) fn quoted(text: &str) -> String {
        let mut out = String::from('"');
        for c in text.chars() {
            match c {
                '"' | '\\' => out.extend(['\\', c]),
                c if u32::from(c) < 0x20 => out.push_str(&format!("\\u{:04x}", u32::from(c))),
                c => out.push(c),
            }
        }
        out.push('"');
        out
    }

    pub(super) fn array(items: &[Option<Value>]) -> String {
        let items = items
            .iter()
            .map(|item| item.as_ref().map_or("null".to_owned(), |item| quoted(&crate::witness::text(item))));
        ["[", &items.collect::<Vec<_>>().join(","), "]"].concat()
    }
}
