//! Forms of what is sent: made from the types, checked before the types are filled.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use tenantry_identity::Refusal;

/// The form of a type, without references.
pub(crate) fn whole<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    settings.into_generator().into_root_schema_for::<T>().to_value()
}

/// A value that fits its form, as the type that the form was made from.
///
/// # Errors
/// When the type refuses what its form lets pass.
pub(crate) fn typed<T: DeserializeOwned>(value: Value) -> Result<T, Refusal> {
    serde_json::from_value(value).map_err(|_| Refusal::Invalid {
        code: "invalid_body",
        message: "what was sent does not have the form that is taken".to_owned(),
    })
}

/// Reads `a=1&b=x` by the form of a query: each parameter once, none that the form does not know.
///
/// # Errors
/// [`Refusal::Invalid`].
pub(crate) fn query(raw: &str, form: &Value) -> Result<Value, Refusal> {
    let wrong = |message: String| Refusal::Invalid { code: "invalid_query", message };
    let none = Map::new();
    let known = form.get("properties").and_then(Value::as_object).unwrap_or(&none);
    let mut found = Map::new();
    for (name, text) in url::form_urlencoded::parse(raw.as_bytes()) {
        let Some(form) = known.get(name.as_ref()) else {
            return Err(wrong(format!("there is no query parameter `{}`", name.escape_default())));
        };
        if text.contains('\0') {
            return Err(wrong(format!("`{name}` holds a NUL character")));
        }
        if found.insert(name.clone().into_owned(), typed_text(&text, form)).is_some() {
            return Err(wrong(format!("`{name}` stands twice in the query")));
        }
    }
    if known.is_empty() {
        return Ok(Value::Null);
    }
    Ok(Value::Object(found))
}

/// A text as the type that its form wants; left a text when it is not one, for the check to refuse.
fn typed_text(text: &str, form: &Value) -> Value {
    let wants = |name: &str| match form.get("type") {
        Some(Value::String(one)) => one == name,
        Some(Value::Array(several)) => several.iter().any(|one| one == name),
        _ => false,
    };
    let as_text = || Value::String(text.to_owned());
    if wants("integer") {
        text.parse::<i64>().map_or_else(|_| as_text(), Value::from)
    } else if wants("boolean") {
        text.parse::<bool>().map_or_else(|_| as_text(), Value::from)
    } else {
        as_text()
    }
}
