//! Texts that stand in rows and answers: times, hexadecimal digits, JSON documents.

use jiff::Timestamp;
use serde_json::{Map, Value};

/// A JSON object's members.
pub type Fields = Map<String, Value>;

/// A time as the APIs write it: RFC 3339, UTC, milliseconds.
#[must_use]
pub fn time(micros: i64) -> String {
    let millis = micros.div_euclid(1000);
    Timestamp::from_millisecond(millis).map_or_else(|_| String::new(), |time| format!("{time:.3}"))
}

/// Bytes as hexadecimal digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        for nibble in [byte >> 4, byte & 15] {
            text.push(char::from_digit(u32::from(nibble), 16).unwrap_or('0'));
        }
    }
    text
}

/// What [`hex`] wrote; `None` for any other text.
#[must_use]
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u32>> = text.chars().map(|one| one.to_digit(16)).collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0)?;
    digits
        .chunks_exact(2)
        .map(|pair| match pair {
            [high, low] => u8::try_from(high << 4 | low).ok(),
            _ => None,
        })
        .collect()
}

/// A stored document's members. One that is not an object reads as empty; the store writes only objects.
#[must_use]
pub fn fields(doc: &str) -> Fields {
    match serde_json::from_str(doc) {
        Ok(Value::Object(fields)) => fields,
        _ => Fields::new(),
    }
}

/// Merges a change into members: null takes a member away, anything else replaces it.
pub fn merge(fields: &mut Fields, change: Fields) {
    for (name, value) in change {
        if value.is_null() {
            fields.shift_remove(&name);
        } else {
            fields.insert(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_digits_are_read_again() {
        assert_eq!(unhex(&hex(&[0, 10, 255])), Some(vec![0, 10, 255]));
        assert!(unhex("0").is_none() && unhex("0g").is_none());
    }

    #[test]
    fn times_have_milliseconds_and_end_with_z() {
        assert_eq!(time(1_700_000_000_123_456), "2023-11-14T22:13:20.123Z");
        assert_eq!(time(0), "1970-01-01T00:00:00.000Z");
    }
}
