//! Checks values against the forms in `surface.json`, a small part of JSON Schema, and says what is wrong
//! in the words that clients of this API know.

use std::cmp::Ordering;
use std::fmt::Write;

use regex::Regex;
use serde_json::{Map, Number, Value};

use crate::management::formats;

/// What is wrong, and with which member.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Misfit {
    what: String,
    /// The path to the member, `branding.colors`; empty at the top.
    at: String,
}

impl Misfit {
    /// What is wrong.
    pub(crate) fn what(&self) -> &str {
        &self.what
    }

    /// The path to the member, `branding.colors`; empty at the top.
    pub(crate) fn place(&self) -> &str {
        &self.at
    }

    /// The whole sentence; `part` is `Payload`, `Query` or `Path`.
    pub(crate) fn sentence(&self, part: &str) -> String {
        let mut text = format!("{part} validation error: '{}'", self.what);
        if !self.at.is_empty() {
            let _ = write!(text, " on property {}", self.at);
        }
        text.push('.');
        text
    }
}

/// Checks a value.
pub(crate) fn check(value: &Value, form: &Value) -> Result<(), Misfit> {
    at(value, form, "")
}

fn at(value: &Value, form: &Value, path: &str) -> Result<(), Misfit> {
    let misfit = |what: String| Err(Misfit { what, at: path.to_owned() });
    let Value::Object(form) = form else { return Ok(()) };
    if let Some(forms) = form.get("oneOf").or_else(|| form.get("anyOf")).and_then(Value::as_array)
        && !forms.iter().any(|form| at(value, form, path).is_ok())
    {
        return misfit("Data does not match any schemas from 'oneOf'".to_owned());
    }
    if let Some(wanted) = form.get("type") {
        let found = kind(value);
        let fits = |wanted: &str| wanted == found || (wanted == "number" && found == "integer");
        let (fits, wanted) = match wanted {
            Value::String(one) => (fits(one), one.clone()),
            Value::Array(several) => {
                let several: Vec<&str> = several.iter().filter_map(Value::as_str).collect();
                (several.iter().any(|one| fits(one)), several.join(","))
            }
            _ => (true, String::new()),
        };
        if !fits {
            return misfit(format!("Expected type {wanted} but found type {found}"));
        }
    }
    if let Some(allowed) = form.get("enum").and_then(Value::as_array)
        && !allowed.contains(value)
    {
        return misfit(format!("No enum match for: {}", plain(value)));
    }
    match value {
        Value::String(text) => string(text, form).or_else(misfit),
        Value::Number(number) => match (limit(form, "minimum"), limit(form, "maximum")) {
            (Some(least), _) if ordered(number, least) == Some(Ordering::Less) => {
                misfit(format!("Value {value} is less than minimum {least}"))
            }
            (_, Some(most)) if ordered(number, most) == Some(Ordering::Greater) => {
                misfit(format!("Value {value} is greater than maximum {most}"))
            }
            _ => Ok(()),
        },
        Value::Array(items) => {
            count(items.len(), form, "minItems", "maxItems", "Array is too short", "Array is too long")
                .or_else(misfit)?;
            let Some(form) = form.get("items") else { return Ok(()) };
            items.iter().enumerate().try_for_each(|(place, item)| at(item, form, &join(path, &place.to_string())))
        }
        Value::Object(members) => object(members, form, path),
        _ => Ok(()),
    }
}

fn string(text: &str, form: &Map<String, Value>) -> Result<(), String> {
    let length = text.chars().count();
    if let Some(least) = whole(form, "minLength")
        && length < least
    {
        return Err(format!("String is too short ({length} chars), minimum {least}"));
    }
    if let Some(most) = whole(form, "maxLength")
        && length > most
    {
        return Err(format!("String is too long ({length} chars), maximum {most}"));
    }
    if let Some(pattern) = form.get("pattern").and_then(Value::as_str)
        && Regex::new(pattern).is_ok_and(|regex| !regex.is_match(text))
    {
        return Err(format!("String does not match pattern {pattern}: {text}"));
    }
    match form.get("format").and_then(Value::as_str) {
        Some(format) if !formats::fits(format, text) => {
            Err(format!("Object didn't pass validation for format {format}: {text}"))
        }
        _ => Ok(()),
    }
}

fn object(members: &Map<String, Value>, form: &Map<String, Value>, path: &str) -> Result<(), Misfit> {
    let misfit = |what: String| Err(Misfit { what, at: path.to_owned() });
    let none = Map::new();
    let properties = form.get("properties").and_then(Value::as_object).unwrap_or(&none);
    let required = form.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    for name in required {
        if !members.contains_key(name) {
            return misfit(format!("Missing required property: {name}"));
        }
    }
    count(
        members.len(),
        form,
        "minProperties",
        "maxProperties",
        "Too few properties defined",
        "Too many properties defined",
    )
    .or_else(misfit)?;
    for (name, value) in members {
        match (properties.get(name), form.get("additionalProperties")) {
            (Some(form), _) => at(value, form, &join(path, name))?,
            (None, Some(Value::Bool(false))) => return misfit(format!("Additional properties not allowed: {name}")),
            (None, Some(other)) => at(value, other, &join(path, name))?,
            (None, None) => {}
        }
    }
    Ok(())
}

fn count(
    length: usize,
    form: &Map<String, Value>,
    least: &str,
    most: &str,
    few: &str,
    many: &str,
) -> Result<(), String> {
    match (whole(form, least), whole(form, most)) {
        (Some(least), _) if length < least => Err(format!("{few} ({length}), minimum {least}")),
        (_, Some(most)) if length > most => Err(format!("{many} ({length}), maximum {most}")),
        _ => Ok(()),
    }
}

fn whole(form: &Map<String, Value>, name: &str) -> Option<usize> {
    usize::try_from(form.get(name)?.as_u64()?).ok()
}

fn limit<'f>(form: &'f Map<String, Value>, name: &str) -> Option<&'f Number> {
    match form.get(name)? {
        Value::Number(number) => Some(number),
        _ => None,
    }
}

/// Whole numbers to the last digit, which a floating one does not have.
fn ordered(one: &Number, other: &Number) -> Option<Ordering> {
    let whole = |number: &Number| number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
    match (whole(one), whole(other)) {
        (Some(one), Some(other)) => Some(one.cmp(&other)),
        _ => one.as_f64()?.partial_cmp(&other.as_f64()?),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { [path, ".", name].concat() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn said(value: Value, form: Value) -> String {
        check(&value, &form).map_or_else(|misfit| misfit.sentence("Payload"), |()| "fits".to_owned())
    }

    #[test]
    fn misfits_are_told_in_the_known_words() {
        let form = json!({"type": "object", "additionalProperties": false, "required": ["name"], "properties": {
            "name": {"type": "string", "minLength": 1, "maxLength": 3},
            "app_type": {"type": "string", "enum": ["spa"]},
            "list": {"type": "array", "maxItems": 1, "items": {"type": "string"}},
            "life": {"type": ["integer", "null"], "minimum": 1}}});
        for (value, expected) in [
            (json!({"name": "a"}), "fits"),
            (json!({}), "Payload validation error: 'Missing required property: name'."),
            (json!({"name": "a", "x": 1}), "Payload validation error: 'Additional properties not allowed: x'."),
            (
                json!({"name": 1}),
                "Payload validation error: 'Expected type string but found type integer' on property name.",
            ),
            (
                json!({"name": ""}),
                "Payload validation error: 'String is too short (0 chars), minimum 1' on property name.",
            ),
            (
                json!({"name": "abcd"}),
                "Payload validation error: 'String is too long (4 chars), maximum 3' on property name.",
            ),
            (
                json!({"name": "a", "app_type": "x"}),
                "Payload validation error: 'No enum match for: x' on property app_type.",
            ),
            (
                json!({"name": "a", "list": [1]}),
                "Payload validation error: 'Expected type string but found type integer' on property list.0.",
            ),
            (
                json!({"name": "a", "list": ["1", "2"]}),
                "Payload validation error: 'Array is too long (2), maximum 1' on property list.",
            ),
            (
                json!({"name": "a", "life": 0}),
                "Payload validation error: 'Value 0 is less than minimum 1' on property life.",
            ),
            (json!({"name": "a", "life": null}), "fits"),
        ] {
            assert_eq!(said(value, form.clone()), expected);
        }
    }

    #[test]
    fn bounds_of_whole_numbers_hold_to_the_last_digit() {
        let form = json!({ "type": "integer", "maximum": 1_000_000_000_000_000_000_i64, "minimum": -9_007_199_254_740_993_i64 });
        for (value, fits) in [
            (json!(1_000_000_000_000_000_000_i64), true),
            (json!(1_000_000_000_000_000_001_i64), false),
            (json!(u64::MAX), false),
            (json!(-9_007_199_254_740_993_i64), true),
            (json!(-9_007_199_254_740_994_i64), false),
        ] {
            assert_eq!(said(value.clone(), form.clone()) == "fits", fits, "{value}");
        }
    }
}
