//! The query, checked against the operation's parameters.

use serde_json::{Map, Value};
use tenantry_identity::Refusal;

use crate::management::schema;

/// The query's parameters, typed as the operation says. Ones that it does not know are left out.
#[derive(Debug, Default)]
pub(crate) struct Query(Map<String, Value>);

impl Query {
    /// Reads `a=1&b=x`.
    ///
    /// # Errors
    /// `invalid_query_string` for a value of the wrong form.
    pub(crate) fn read(raw: &str, forms: &Map<String, Value>) -> Result<Query, Refusal> {
        let mut found = Map::new();
        for (name, text) in url::form_urlencoded::parse(raw.as_bytes()) {
            let Some(form) = forms.get(name.as_ref()) else { continue };
            let value = typed(&text, form);
            let is_list = form.get("type").and_then(Value::as_str) == Some("array");
            match found.get_mut(name.as_ref()) {
                Some(Value::Array(items)) if is_list => {
                    if let Value::Array(more) = value {
                        items.extend(more);
                    }
                }
                _ => drop(found.insert(name.into_owned(), value)),
            }
        }
        for (name, form) in forms {
            match found.get(name) {
                Some(value) => {
                    let form = Value::Object([(name.clone(), form.clone())].into_iter().collect());
                    let form = serde_json::json!({ "properties": form });
                    let whole = Value::Object([(name.clone(), value.clone())].into_iter().collect());
                    schema::check(&whole, &form).map_err(|misfit| wrong(misfit.sentence("Query")))?;
                }
                None if form.get("required") == Some(&Value::Bool(true)) => {
                    return Err(wrong(format!("Query validation error: 'Missing required property: {name}'.")));
                }
                None => {}
            }
        }
        Ok(Query(found))
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str)
    }

    pub(crate) fn int(&self, name: &str) -> Option<i64> {
        self.0.get(name).and_then(Value::as_i64)
    }

    pub(crate) fn flag(&self, name: &str) -> Option<bool> {
        self.0.get(name).and_then(Value::as_bool)
    }

    pub(crate) fn texts(&self, name: &str) -> Vec<String> {
        match self.0.get(name) {
            Some(Value::Array(items)) => items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect(),
            Some(Value::String(one)) => vec![one.clone()],
            _ => Vec::new(),
        }
    }
}

fn wrong(message: String) -> Refusal {
    Refusal::Invalid { code: "invalid_query_string", message }
}

/// A text as the type that its form wants; left a text when it is not one, for the check to refuse.
fn typed(text: &str, form: &Value) -> Value {
    let wanted = form.get("type").and_then(Value::as_str).unwrap_or("string");
    let as_text = || Value::String(text.to_owned());
    match wanted {
        "integer" | "number" => text.parse::<i64>().map_or_else(|_| as_text(), Value::from),
        "boolean" => match text {
            "true" | "1" => Value::Bool(true),
            "false" | "0" => Value::Bool(false),
            _ => as_text(),
        },
        "array" => {
            let form = form.get("items").cloned().unwrap_or(Value::Null);
            Value::Array(text.split(',').map(|item| typed(item, &form)).collect())
        }
        _ => as_text(),
    }
}
