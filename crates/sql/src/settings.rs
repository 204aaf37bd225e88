//! The transaction's settings that row security reads.

use tenantry_policy::bound::Slot;
use tenantry_policy::value::format_timestamp;
use tenantry_policy::{Context, Value};

/// Every attribute of the policy with its setting's name and text, for `set_config(name, text, true)`
/// at the beginning of the transaction. An attribute that the principal lacks is the empty text,
/// which row security reads as NULL; a list is an array literal.
#[must_use]
pub fn settings(context: &Context) -> Vec<(String, String)> {
    context
        .bound
        .policy
        .attributes
        .iter()
        .map(|(id, attribute)| {
            let text = match context.bound.slot(id) {
                Slot::Missing => String::new(),
                Slot::Now => format_timestamp(context.now_micros).unwrap_or_default(),
                Slot::One(value) => text(value).unwrap_or_default(),
                Slot::Many(items) => array(items),
            };
            (attribute.setting(), text)
        })
        .collect()
}

/// A value as the database reads it back; `None` for what no setting can hold, which then counts as
/// missing and so never grants.
fn text(value: &Value) -> Option<String> {
    let text = match value {
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Decimal(value) => value.to_string(),
        Value::Text(text) => text.to_string(),
        Value::Uuid(id) => id.hyphenated().to_string(),
        Value::Timestamp(micros) => format_timestamp(*micros)?,
        Value::Date(_) | Value::Float(_) | Value::Json(_) | Value::Bytes(_) => return None,
    };
    (!text.contains('\0')).then_some(text)
}

/// An array literal, every element quoted. An element that no setting can hold makes the list count
/// as missing.
fn array(items: &[Value]) -> String {
    let mut out = String::from("{");
    for (at, item) in items.iter().enumerate() {
        let Some(text) = text(item) else { return String::new() };
        if at > 0 {
            out.push(',');
        }
        out.push('"');
        for c in text.chars() {
            if matches!(c, '"' | '\\') {
                out.push('\\');
            }
            out.push(c);
        }
        out.push('"');
    }
    out.push('}');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_array_literals() {
        let list = |items: &[&str]| array(&items.iter().map(|item| Value::text(item)).collect::<Vec<_>>());
        assert_eq!(list(&[]), "{}");
        assert_eq!(list(&["a", "b c"]), r#"{"a","b c"}"#);
        assert_eq!(list(&[r#"q"uote"#, r"back\slash", "NULL", "{,}"]), r#"{"q\"uote","back\\slash","NULL","{,}"}"#);
        assert_eq!(list(&["a", "nul\0"]), "");
        assert_eq!(array(&[Value::Int(-5), Value::Int(7)]), r#"{"-5","7"}"#);
    }
}
