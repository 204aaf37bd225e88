//! Values made from forms: the least that fits, the most, and what does not fit.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

/// How much a value holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fill {
    /// What must be there.
    Least,
    /// Everything that may be.
    Most,
}

/// What no form says: which things there are, and what goes together.
#[derive(Debug, Default)]
pub struct Known {
    /// Values by the format that a form names: `client-id`.
    pub formats: HashMap<&'static str, Value>,
    /// Values by their place: `clients.default_organization`.
    pub places: HashMap<&'static str, Value>,
}

impl Known {
    /// A value of a form; `place` is where it stands.
    pub fn value(&self, form: &Value, place: &str, fill: Fill) -> Value {
        if let Some(value) = self.places.get(place) {
            return value.clone();
        }
        if let Some(first) = first(form, "oneOf").or_else(|| first(form, "anyOf")) {
            return self.value(first, place, fill);
        }
        if let Some(all) = form.get("enum").and_then(Value::as_array) {
            let mut all = all.iter().filter(|value| !value.is_null());
            let one = if fill == Fill::Least { all.next() } else { all.next_back() };
            return one.cloned().unwrap_or(Value::Null);
        }
        match kind(form) {
            "object" => self.object(form, place, fill),
            "array" => {
                let least = usize::from(fill == Fill::Most).max(number(form, "minItems").unwrap_or(0));
                let item =
                    form.get("items").map_or(json!("sample"), |form| self.value(form, &format!("{place}[]"), fill));
                // Items differ where there have to be several: each value that the list of them knows.
                match first_list(form.get("items")) {
                    Some(all) if least > 1 => Value::Array(all.iter().take(least).cloned().collect()),
                    _ => Value::Array(vec![item; least]),
                }
            }
            "integer" | "number" => {
                let least = form.get("minimum").and_then(Value::as_i64).unwrap_or(0);
                let most = form.get("maximum").and_then(Value::as_i64).unwrap_or(i64::MAX);
                json!(if fill == Fill::Least { least.max(1) } else { (least + 7).min(most) })
            }
            "boolean" => json!(fill == Fill::Most),
            _ => self.text(form),
        }
    }

    fn object(&self, form: &Value, place: &str, fill: Fill) -> Value {
        let none = Map::new();
        let properties = form.get("properties").and_then(Value::as_object).unwrap_or(&none);
        let required: Vec<&str> =
            form.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
        let least = number(form, "minProperties").unwrap_or(0);
        let most = number(form, "maxProperties").unwrap_or(usize::MAX);
        let mut members = Map::new();
        for (name, form) in properties {
            let wanted = required.contains(&name.as_str()) || fill == Fill::Most || members.len() < least;
            if wanted && members.len() < most {
                members.insert(name.clone(), self.value(form, &format!("{place}.{name}"), fill));
            }
        }
        if properties.is_empty() && fill == Fill::Most {
            match form.get("additionalProperties") {
                Some(Value::Bool(false)) => {}
                Some(form @ Value::Object(_)) => {
                    members.insert("sample".to_owned(), self.value(form, &format!("{place}.*"), fill));
                }
                _ => drop(members.insert("sample".to_owned(), json!("value"))),
            }
        }
        Value::Object(members)
    }

    fn text(&self, form: &Value) -> Value {
        if let Some(format) = form.get("format").and_then(Value::as_str) {
            return match self.formats.get(format) {
                Some(value) => value.clone(),
                None => panic!("no value is known of the format {format}"),
            };
        }
        let text = match form.get("pattern").and_then(Value::as_str) {
            Some(r"^con_[A-Za-z0-9]{16}$") => return self.formats["connection-id"].clone(),
            Some(r"^([A-Za-z0-9+/]){86}==$") => format!("{}==", "a".repeat(86)),
            Some(r"^\+[0-9]{1,15}$") => "+4312345678".to_owned(),
            Some(r"^[-A-Fa-f0-9]+$") => "abcdef".to_owned(),
            _ => "sample".to_owned(),
        };
        let least = number(form, "minLength").unwrap_or(0);
        Value::String(if text.len() < least { "sample".repeat(least.div_ceil(6)) } else { text })
    }
}

/// Values that do not fit a form, each with the words that tell why.
pub fn misfits(form: &Value) -> Vec<(Value, &'static str)> {
    let mut found = Vec::new();
    if form.get("oneOf").is_some() || form.get("anyOf").is_some() {
        return vec![(json!(true), "Data does not match any schemas from 'oneOf'")];
    }
    let nullable = form.get("type").and_then(Value::as_array).is_some_and(|kinds| kinds.contains(&json!("null")));
    if form.get("type").is_some() {
        let other = if kind(form) == "object" { json!("text") } else { json!({}) };
        found.push((other, "Expected type"));
        if !nullable {
            found.push((Value::Null, "Expected type"));
        }
    }
    if form.get("enum").is_some() {
        found.push((if kind(form) == "boolean" { json!(false) } else { json!("none of them") }, "No enum match for"));
        return found;
    }
    match kind(form) {
        "string" => {
            if let Some(most) = number(form, "maxLength") {
                found.push((json!("a".repeat(most + 1)), "String is too long"));
            }
            if number(form, "minLength").is_some_and(|least| least > 0) {
                found.push((json!(""), "String is too short"));
            }
            if form.get("format").and_then(Value::as_str) == Some("email") {
                found.push((json!("nobody"), "Object didn't pass validation for format email"));
            }
        }
        "integer" => {
            if let Some(least) = form.get("minimum").and_then(Value::as_i64) {
                found.push((json!(least - 1), "is less than minimum"));
            }
            if let Some(most) = form.get("maximum").and_then(Value::as_i64) {
                found.push((json!(most + 1), "is greater than maximum"));
            }
        }
        "array" if number(form, "minItems").is_some_and(|least| least > 0) => {
            found.push((json!([]), "Array is too short"));
        }
        "object" if form.get("additionalProperties") == Some(&Value::Bool(false)) => {
            found.push((json!({ "nobody-knows": 1 }), ""));
        }
        _ => {}
    }
    found
}

/// The empty value of a form that takes one.
pub fn empty(form: &Value) -> Option<Value> {
    match kind(form) {
        "array" if number(form, "minItems").unwrap_or(0) == 0 => Some(json!([])),
        "string" => {
            let format = form.get("format").and_then(Value::as_str).unwrap_or("-or-empty");
            let may = number(form, "minLength").unwrap_or(0) == 0
                && form.get("enum").is_none()
                && form.get("pattern").is_none()
                && (format.ends_with("-or-empty") || format.ends_with("-or-null"));
            may.then(|| json!(""))
        }
        _ => None,
    }
}

/// May the form be null?
pub fn is_nullable(form: &Value) -> bool {
    form.get("type").and_then(Value::as_array).is_some_and(|kinds| kinds.contains(&json!("null")))
}

fn kind(form: &Value) -> &str {
    match form.get("type") {
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null"),
        other => other.and_then(Value::as_str),
    }
    .unwrap_or("string")
}

fn first<'a>(form: &'a Value, name: &str) -> Option<&'a Value> {
    form.get(name)?.as_array()?.first()
}

fn first_list(form: Option<&Value>) -> Option<&Vec<Value>> {
    form?.get("enum")?.as_array()
}

fn number(form: &Value, name: &str) -> Option<usize> {
    usize::try_from(form.get(name)?.as_u64()?).ok()
}
