//! Checks a tree against the schema: keys, types, ranges, words and forms, all errors at once.
//!
//! It reads just the part of JSON Schema that the model's types produce.

use serde_json::Value;

use crate::code::FileCode;
use crate::diagnostic::Findings;
use crate::span::{Files, Span};
use crate::tree::{Map, Node, Tree};
use crate::words::{self, brief, suggest};

/// Checks the whole tree. Literals where a secret belongs are hidden from every message.
pub(crate) fn check(root: &Node, schema: &Value, files: &mut Files, findings: &mut Findings) {
    let mut checker = Checker { schema, findings, hidden: Vec::new() };
    checker.node(root, schema, &mut Vec::new(), root.span);
    for span in checker.hidden {
        files.hide(span);
    }
}

struct Checker<'a> {
    schema: &'a Value,
    findings: &'a mut Findings,
    hidden: Vec<Span>,
}

impl<'a> Checker<'a> {
    /// Follows `$ref`, and picks the branch of a choice that fits the node's type.
    fn resolve(&self, schema: &'a Value, node: &Node) -> Option<&'a Value> {
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            let target = self.schema.pointer(reference.strip_prefix('#')?)?;
            return self.resolve(target, node);
        }
        let Some(choices) = choices(schema) else { return Some(schema) };
        let mut fitting = choices.iter().filter_map(|choice| self.resolve(choice, node));
        fitting.find(|choice| fits(choice, &node.value))
    }

    /// The types that a schema takes, for people.
    fn wanted(&self, schema: &'a Value, out: &mut Vec<&'static str>) {
        if let Some(target) =
            schema.get("$ref").and_then(Value::as_str).and_then(|r| self.schema.pointer(r.strip_prefix('#')?))
        {
            return self.wanted(target, out);
        }
        if let Some(choices) = choices(schema) {
            return choices.iter().for_each(|choice| self.wanted(choice, out));
        }
        for name in type_names(schema) {
            let name = match name {
                "object" => "a table",
                "array" => "a list",
                "string" => "text",
                "integer" => "an integer",
                "number" => "a number",
                "boolean" => "true or false",
                _ => continue,
            };
            if !out.contains(&name) {
                out.push(name);
            }
        }
    }

    fn is_secret(&self, schema: &'a Value) -> bool {
        if let Some(target) =
            schema.get("$ref").and_then(Value::as_str).and_then(|r| self.schema.pointer(r.strip_prefix('#')?))
        {
            return self.is_secret(target);
        }
        if let Some(choices) = choices(schema) {
            return choices.iter().any(|choice| self.is_secret(choice));
        }
        matches!(schema.get("format").and_then(Value::as_str), Some("tenantry-secret" | "tenantry-source-url"))
    }

    fn node(&mut self, node: &Node, schema: &'a Value, path: &mut Vec<String>, key_span: Span) {
        let Some(known) = self.resolve(schema, node).filter(|known| fits(known, &node.value)) else {
            if self.is_secret(schema) {
                self.hidden.push(node.span);
            }
            let mut wanted = Vec::new();
            self.wanted(schema, &mut wanted);
            let here = path.last().map_or("the document", String::as_str);
            let message = format!("`{}` is {}, but takes {}", brief(here), node.value.kind(), wanted.join(" or "));
            let finding = self.findings.error(FileCode::WrongType, node.span, message);
            if matches!(node.value, Tree::Null) {
                finding.hint("leave the key out");
            }
            return;
        };
        match &node.value {
            Tree::Map(map) => self.map(map, known, path, key_span),
            Tree::List(items) => {
                if let Some(each) = known.get("items") {
                    items.iter().for_each(|item| self.node(item, each, path, item.span));
                }
            }
            Tree::Text(text) => self.text(text, node.span, known),
            Tree::Int(number) => self.int(*number, node.span, known, path),
            _ => {}
        }
    }

    fn map(&mut self, map: &Map, schema: &'a Value, path: &mut Vec<String>, key_span: Span) {
        let properties = schema.get("properties").and_then(Value::as_object);
        let pattern = schema.get("patternProperties").and_then(Value::as_object).and_then(|all| all.values().next());
        let open =
            schema.get("additionalProperties").filter(|value| value.is_object() || value.as_bool() == Some(true));
        for entry in map.iter() {
            let known = properties.and_then(|all| all.get(&entry.key));
            if known.is_none() && pattern.is_some() {
                self.form("tenantry-name", &entry.key, entry.key_span);
            }
            match known.or(pattern).or(open) {
                Some(known) => {
                    path.push(entry.key.clone());
                    self.node(&entry.node, known, path, entry.key_span);
                    path.pop();
                }
                None if properties.is_some() => {
                    let names = properties.into_iter().flat_map(|all| all.keys().map(String::as_str));
                    let hint = suggest(&entry.key, names);
                    // A misspelt `password` may not sound like one.
                    if sounds_secret(&entry.key)
                        || hint.as_deref().is_some_and(|hint| hint.starts_with("did you mean") && sounds_secret(hint))
                    {
                        self.hidden.push(entry.node.span);
                    }
                    let place =
                        if path.is_empty() { String::new() } else { format!(" in `{}`", brief(&path.join("."))) };
                    self.findings
                        .error(
                            FileCode::UnknownKey,
                            entry.key_span,
                            format!("unknown key `{}`{place}", brief(&entry.key)),
                        )
                        .maybe_hint(hint);
                }
                None => {}
            }
        }
        let required = schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        for name in required.filter(|name| map.get(name).is_none()) {
            let message = format!("`{name}` is missing in `{}`", brief(&path.join(".")));
            self.findings.error(FileCode::MissingKey, key_span, message);
        }
    }

    fn text(&mut self, text: &str, span: Span, schema: &Value) {
        let words: Vec<&str> = words_of(schema);
        if !words.is_empty() && !words.contains(&text) {
            self.findings
                .error(FileCode::UnknownWord, span, format!("`{}` is none of the words that stand here", brief(text)))
                .maybe_hint(suggest(text, words));
        }
        if let Some(format) = schema.get("format").and_then(Value::as_str) {
            self.form(format, text, span);
        }
    }

    fn form(&mut self, format: &str, text: &str, span: Span) {
        let Some(misfit) = words::check(format, text) else { return };
        if misfit.secret {
            self.hidden.push(span);
        }
        self.findings.error(misfit.code, span, misfit.message).hint(misfit.hint);
    }

    fn int(&mut self, number: i64, span: Span, schema: &Value, path: &[String]) {
        let least = schema.get("minimum").and_then(Value::as_i64).unwrap_or(i64::MIN);
        let most = schema.get("maximum").and_then(Value::as_i64).unwrap_or(i64::MAX);
        if number < least || number > most {
            let here = path.last().map_or("the value", String::as_str);
            let message = format!("`{}` is {number}, but takes {least} to {most}", brief(here));
            self.findings.error(FileCode::OutOfRange, span, message);
        }
    }
}

/// The branches of a choice between types. An enumeration is a choice too, but one of words.
fn choices(schema: &Value) -> Option<&Vec<Value>> {
    branches(schema).filter(|branches| !branches.iter().all(is_word))
}

fn branches(schema: &Value) -> Option<&Vec<Value>> {
    schema.get("anyOf").or_else(|| schema.get("oneOf")).and_then(Value::as_array)
}

fn is_word(schema: &Value) -> bool {
    schema.get("const").is_some() || schema.get("enum").is_some()
}

fn type_names(schema: &Value) -> Vec<&str> {
    match schema.get("type") {
        None if branches(schema).is_some_and(|branches| branches.iter().all(is_word)) => vec!["string"],
        Some(Value::String(name)) => vec![name.as_str()],
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

/// Does the value have a type that the schema takes? A schema without a type takes everything. NULL is
/// never taken where a type is named: an optional key is left out.
fn fits(schema: &Value, value: &Tree) -> bool {
    let names = type_names(schema);
    names.is_empty()
        || names.iter().any(|name| match value {
            Tree::Null => false,
            Tree::Bool(_) => *name == "boolean",
            Tree::Int(_) => matches!(*name, "integer" | "number"),
            Tree::Number(_) => *name == "number",
            Tree::Text(_) => *name == "string",
            Tree::Moment(_) => false,
            Tree::List(_) => *name == "array",
            Tree::Map(_) => *name == "object",
        })
}

/// The words that an enumeration takes: `enum`, or a choice of `const`.
fn words_of(schema: &Value) -> Vec<&str> {
    let each = branches(schema).into_iter().flatten().chain([schema]);
    each.flat_map(|schema| {
        let listed = schema.get("enum").and_then(Value::as_array).into_iter().flatten();
        listed.chain(schema.get("const"))
    })
    .filter_map(Value::as_str)
    .collect()
}

/// Would people keep a secret under this name?
fn sounds_secret(key: &str) -> bool {
    let key = key.to_lowercase();
    ["pass", "pwd", "secret", "token", "key", "credential", "url", "dsn"].iter().any(|word| key.contains(word))
}
