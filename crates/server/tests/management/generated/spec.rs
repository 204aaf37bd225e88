//! The recorded description of the API that ours is compatible with, where it lies beside the project: the forms of
//! answers. Elsewhere answers are not held against it.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

/// The description.
pub struct Spec {
    whole: Value,
}

fn file() -> Option<PathBuf> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.ancestors().map(|folder| folder.join("shared/auth0/management-openapi.json")).find(|path| path.is_file())
}

impl Spec {
    pub fn beside() -> Option<Spec> {
        let text = std::fs::read_to_string(file()?).unwrap();
        Some(Spec { whole: serde_json::from_str(&text).unwrap() })
    }

    fn operation(&self, method: &str, path: &str) -> &Value {
        &self.whole["paths"][path][method.to_lowercase()]
    }

    /// The form of a body, as the description has it.
    pub fn body(&self, method: &str, path: &str) -> Option<&Value> {
        let content = self.operation(method, path).get("requestBody")?.get("content")?.as_object()?;
        content.get("application/json").or_else(|| content.values().next())?.get("schema")
    }

    /// The form of a successful answer.
    pub fn answer(&self, method: &str, path: &str) -> Option<&Value> {
        let answers = self.operation(method, path).get("responses")?.as_object()?;
        let (_, first) = answers.iter().find(|(status, _)| status.starts_with('2'))?;
        first.get("content")?.as_object()?.values().next()?.get("schema")
    }

    /// A form with what it refers to in its place, one step.
    pub fn direct<'a>(&'a self, form: &'a Value) -> &'a Value {
        let mut form = form;
        while let Some(name) = form.get("$ref").and_then(Value::as_str) {
            form = self.whole.pointer(name.trim_start_matches('#')).unwrap();
        }
        form
    }

    /// What of a value does not fit a form: of the wrong type, or missing though it is required. Values that a list
    /// does not name and members that no form knows are not told: descriptions lag behind.
    pub fn misfits(&self, value: &Value, form: &Value, place: &str, found: &mut Vec<String>) {
        let form = self.direct(form);
        for name in ["oneOf", "anyOf"] {
            let Some(forms) = form.get(name).and_then(Value::as_array) else { continue };
            let mut least: Option<Vec<String>> = None;
            for form in forms {
                let mut inner = Vec::new();
                self.misfits(value, form, place, &mut inner);
                if least.as_ref().is_none_or(|least| inner.len() < least.len()) {
                    least = Some(inner);
                }
            }
            found.extend(least.unwrap_or_default());
            return;
        }
        let nullable = form.get("nullable") == Some(&Value::Bool(true));
        if let Some(kinds) = form.get("type") {
            let kinds: Vec<&str> = match kinds {
                Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
                one => one.as_str().into_iter().collect(),
            };
            let is = match value {
                Value::Null => "null",
                Value::Bool(_) => "boolean",
                Value::Number(number) if number.is_f64() => "number",
                Value::Number(_) => "integer",
                Value::String(_) => "string",
                Value::Array(_) => "array",
                Value::Object(_) => "object",
            };
            let fits =
                kinds.contains(&is) || (is == "integer" && kinds.contains(&"number")) || (is == "null" && nullable);
            if !fits {
                found.push(format!("{place}: {is} where {} is described", kinds.join(" or ")));
                return;
            }
        }
        match value {
            Value::Object(members) => {
                let required = form.get("required").and_then(Value::as_array).into_iter().flatten();
                for name in required.filter_map(Value::as_str).filter(|name| !members.contains_key(*name)) {
                    found.push(format!("{place}.{name}: missing"));
                }
                let none = Map::new();
                let properties = form.get("properties").and_then(Value::as_object).unwrap_or(&none);
                for (name, value) in members {
                    if let Some(form) = properties.get(name) {
                        self.misfits(value, form, &format!("{place}.{name}"), found);
                    }
                }
            }
            Value::Array(items) => {
                for (form, (number, item)) in form.get("items").into_iter().cycle().zip(items.iter().enumerate()) {
                    self.misfits(item, form, &format!("{place}[{number}]"), found);
                }
            }
            _ => {}
        }
    }
}
