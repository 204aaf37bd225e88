//! The file before anyone knows what it means: tables, lists and values, each with its span.

use std::collections::BTreeMap;

use tenantry_policy::principal::Datum;

use crate::span::Span;

/// A value and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    /// Where. A table's span is its header, or its braces; a merged table's the first one.
    pub(crate) span: Span,
    /// What.
    pub(crate) value: Tree,
}

/// A value.
#[derive(Debug, Clone)]
pub(crate) enum Tree {
    /// JSON null; TOML has none.
    Null,
    Bool(bool),
    Int(i64),
    /// Any other number, as its text.
    Number(String),
    Text(String),
    /// A TOML date or time, as its text.
    Moment(String),
    List(Vec<Node>),
    Map(Map),
}

/// A table: its keys in the order of the text.
#[derive(Debug, Clone, Default)]
pub(crate) struct Map {
    entries: Vec<Entry>,
    by_name: BTreeMap<String, usize>,
}

/// A key and its value.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) key_span: Span,
    pub(crate) node: Node,
}

impl Tree {
    /// The type's name for people.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Tree::Null => "null",
            Tree::Bool(_) => "true or false",
            Tree::Int(_) => "an integer",
            Tree::Number(_) => "a number with a fraction",
            Tree::Text(_) => "text",
            Tree::Moment(_) => "a date or time",
            Tree::List(_) => "a list",
            Tree::Map(_) => "a table",
        }
    }
}

impl Map {
    /// The value of a key.
    pub(crate) fn get(&self, key: &str) -> Option<&Entry> {
        self.by_name.get(key).and_then(|at| self.entries.get(*at))
    }

    /// The value of a key, to change.
    pub(crate) fn get_mut(&mut self, key: &str) -> Option<&mut Entry> {
        let at = *self.by_name.get(key)?;
        self.entries.get_mut(at)
    }

    /// Adds a key that is not there yet; a second one of the same name is dropped.
    pub(crate) fn insert(&mut self, entry: Entry) {
        if self.by_name.contains_key(&entry.key) {
            return;
        }
        self.by_name.insert(entry.key.clone(), self.entries.len());
        self.entries.push(entry);
    }

    /// The keys in the order of the text.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter()
    }
}

impl Node {
    /// The table, if it is one.
    pub(crate) fn map(&self) -> Option<&Map> {
        match &self.value {
            Tree::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The text, if it is one.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.value {
            Tree::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The node at a path of keys.
    pub(crate) fn at(&self, path: &[&str]) -> Option<&Node> {
        path.iter().try_fold(self, |node, key| Some(&node.map()?.get(key)?.node))
    }

    /// The span of a path: of its value, or of the nearest table above that is there.
    pub(crate) fn span_of(&self, path: &[&str]) -> Span {
        let mut node = self;
        let mut span = self.span;
        for key in path {
            match node.map().and_then(|map| map.get(key)) {
                Some(entry) => {
                    node = &entry.node;
                    span = node.span;
                }
                None => break,
            }
        }
        span
    }

    /// The span of a path's last key, or of the nearest table above that is there.
    pub(crate) fn key_span_of(&self, path: &[&str]) -> Span {
        let Some((last, parents)) = path.split_last() else { return self.span };
        let parent = self.at(parents).and_then(Node::map);
        parent.and_then(|map| map.get(last)).map_or_else(|| self.span_of(parents), |entry| entry.key_span)
    }

    /// As JSON, for the typed model. Numbers with a fraction become floating-point ones: the model
    /// has none, and free-form metadata is read from the tree itself.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        use serde_json::Value;
        match &self.value {
            Tree::Null => Value::Null,
            Tree::Bool(value) => Value::Bool(*value),
            Tree::Int(value) => Value::from(*value),
            Tree::Number(text) => text
                .parse::<f64>()
                .ok()
                .and_then(serde_json::Number::from_f64)
                .map_or_else(|| Value::String(text.clone()), Value::Number),
            Tree::Text(text) | Tree::Moment(text) => Value::String(text.clone()),
            Tree::List(items) => Value::Array(items.iter().map(Node::to_json).collect()),
            Tree::Map(map) => {
                Value::Object(map.iter().map(|entry| (entry.key.clone(), entry.node.to_json())).collect())
            }
        }
    }

    /// As an attribute of a principal, digits kept.
    pub(crate) fn to_datum(&self) -> Datum {
        match &self.value {
            Tree::Null => Datum::Null,
            Tree::Bool(value) => Datum::Bool(*value),
            Tree::Int(value) => Datum::Int(*value),
            Tree::Number(text) => Datum::Number(text.clone()),
            Tree::Text(text) | Tree::Moment(text) => Datum::Text(text.clone()),
            Tree::List(items) => Datum::List(items.iter().map(Node::to_datum).collect()),
            Tree::Map(map) => Datum::Map(map.iter().map(|entry| (entry.key.clone(), entry.node.to_datum())).collect()),
        }
    }

    /// One canonical text: keys sorted, no blanks, so that order, layout, comments and the choice of
    /// TOML or JSON do not change it.
    pub(crate) fn canonical(&self, out: &mut String) {
        match &self.value {
            Tree::Null => out.push_str("null"),
            Tree::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Tree::Int(value) => out.push_str(&value.to_string()),
            Tree::Number(text) => out.push_str(text),
            Tree::Text(text) | Tree::Moment(text) => push_quoted(out, text),
            Tree::List(items) => {
                out.push('[');
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        out.push(',');
                    }
                    item.canonical(out);
                }
                out.push(']');
            }
            Tree::Map(map) => {
                out.push('{');
                for (at, (key, index)) in map.by_name.iter().enumerate() {
                    if at > 0 {
                        out.push(',');
                    }
                    push_quoted(out, key);
                    out.push(':');
                    if let Some(entry) = map.entries.get(*index) {
                        entry.node.canonical(out);
                    }
                }
                out.push('}');
            }
        }
    }
}

fn push_quoted(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            c if c.is_control() => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
}
