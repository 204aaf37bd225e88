//! Values as both sides write them, so that equal ones look alike.

use serde_json::{Map, Value, json};
use tenantry_file::words::Millis;

/// A text, or nothing.
pub(crate) fn text(value: Option<&str>) -> Value {
    value.map_or(Value::Null, Value::from)
}

/// A list without order; nothing when it is empty.
pub(crate) fn set<T: AsRef<str>>(items: impl IntoIterator<Item = T>) -> Value {
    let mut items: Vec<String> = items.into_iter().map(|item| item.as_ref().to_owned()).collect();
    items.sort_unstable();
    items.dedup();
    if items.is_empty() { Value::Null } else { json!(items) }
}

/// An object; nothing when it holds nothing but nothing.
pub(crate) fn object(members: impl IntoIterator<Item = (impl Into<String>, Value)>) -> Value {
    let kept = members.into_iter().filter(|(_, value)| !value.is_null());
    let members: Map<String, Value> = kept.map(|(name, value)| (name.into(), value)).collect();
    if members.is_empty() { Value::Null } else { Value::Object(members) }
}

/// A duration of so many seconds in its largest whole unit: `2h`.
pub(crate) fn seconds(seconds: u64) -> String {
    for (unit, length) in [("d", 86_400), ("h", 3_600), ("m", 60)] {
        if seconds > 0 && seconds.checked_rem(length) == Some(0) {
            return format!("{}{unit}", seconds / length);
        }
    }
    format!("{seconds}s")
}

/// A duration of the file, as [`seconds`] writes it.
pub(crate) fn duration(given: &Millis) -> String {
    seconds(given.duration().unwrap_or_default().as_secs())
}

/// How many seconds a text of [`seconds`] is.
pub(crate) fn read_seconds(text: &str) -> Option<u64> {
    let at = text.find(|letter: char| !letter.is_ascii_digit())?;
    let (digits, unit) = text.split_at_checked(at)?;
    let length = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(length)
}

/// The seconds of a number in the store.
pub(crate) fn stored_seconds(value: Option<&Value>) -> Option<u64> {
    value.and_then(Value::as_u64)
}

/// An object of which only the members that another one has are kept; whole when there is no other.
pub(crate) fn as_far_as(value: &Value, wanted: Option<&Value>) -> Value {
    match (value, wanted) {
        (Value::Object(members), Some(Value::Object(wanted))) => object(
            members.iter().filter(|(name, _)| wanted.contains_key(*name)).map(|(name, value)| (name, value.clone())),
        ),
        (_, Some(Value::Null)) => Value::Null,
        (value, _) => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_written_in_one_way() {
        for (count, text) in [(86_400, "1d"), (90_000, "25h"), (5_400, "90m"), (61, "61s"), (0, "0s")] {
            assert_eq!(seconds(count), text);
            assert_eq!(read_seconds(text), Some(count));
        }
        assert_eq!(read_seconds("1w"), None);
    }
}
