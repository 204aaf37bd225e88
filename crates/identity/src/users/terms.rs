//! What of a user's metadata can be searched for: each text, number and truth value with the path to it.

use std::collections::BTreeSet;

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::Value;
use tenantry_store::identity::users::Term;

use crate::text::{Fields, hex};

/// The most that can be searched for of one user.
const MOST: usize = 1_000;

/// The longest path, in bytes.
const LONGEST_PATH: usize = 256;

/// The longest value, in bytes; of a longer one the beginning and a digest.
const LONGEST_VALUE: usize = 480;

/// How deep objects lie in one another.
const DEEPEST: usize = 12;

/// What can be searched for of these fields' metadata.
pub(crate) fn terms(fields: &Fields) -> Vec<Term> {
    let mut found = BTreeSet::new();
    for root in ["user_metadata", "app_metadata"] {
        if let Some(value) = fields.get(root) {
            collect(root, value, 0, &mut found);
        }
    }
    found.into_iter().collect()
}

fn collect(path: &str, value: &Value, depth: usize, found: &mut BTreeSet<Term>) {
    if found.len() >= MOST || depth > DEEPEST || path.len() > LONGEST_PATH || path.contains('\0') {
        return;
    }
    let mut add = |value: String, number| found.insert(Term { path: path.to_owned(), value, number });
    match value {
        // PostgreSQL keeps no such text.
        Value::String(text) if text.contains('\0') => {}
        Value::String(text) => drop(add(clipped(text), None)),
        Value::Bool(value) => drop(add(value.to_string(), None)),
        Value::Number(number) => {
            if let Some(number) = number.as_f64() {
                add(spelled(number), Some(place(number)));
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(path, item, depth + 1, found)),
        Value::Object(members) => {
            for (name, value) in members {
                collect(&[path, ".", name].concat(), value, depth + 1, found);
            }
        }
        Value::Null => {}
    }
}

/// A text as it is kept for searching.
pub(crate) fn clipped(text: &str) -> String {
    if text.len() <= LONGEST_VALUE {
        return text.to_owned();
    }
    let mut beginning = String::with_capacity(LONGEST_VALUE);
    for letter in text.chars() {
        if beginning.len() + letter.len_utf8() > LONGEST_VALUE - 67 {
            break;
        }
        beginning.push(letter);
    }
    // No beginning of another text looks like this, so a long text is found by the whole of it.
    beginning.push('\u{2026}');
    beginning.push_str(&hex(digest(&SHA256, text.as_bytes()).as_ref()));
    beginning
}

/// A number in one spelling.
pub(crate) fn spelled(number: f64) -> String {
    // Zero has two signs and one spelling.
    (number + 0.0).to_string()
}

/// A number's place in the order of all numbers.
pub(crate) fn place(number: f64) -> i64 {
    let bits = (number + 0.0).to_bits().cast_signed();
    if bits < 0 { bits ^ i64::MAX } else { bits }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_keep_their_order() {
        let numbers = [f64::MIN, -1e9, -2.5, -1.0, 0.0, 1e-9, 1.0, 2.0, 1e17, f64::MAX];
        assert!(numbers.windows(2).all(|pair| place(pair[0]) < place(pair[1])));
        assert_eq!(place(-0.0), place(0.0));
        assert_eq!((spelled(-0.0), spelled(42.0), spelled(1.5)), ("0".to_owned(), "42".to_owned(), "1.5".to_owned()));
    }

    #[test]
    fn each_value_is_found_under_its_path() {
        let fields = json!({
            "name": "x",
            "user_metadata": {"color": "blue", "tags": ["a", "b", "a"], "none": null, "address": {"city": "Paris"}},
            "app_metadata": {"age": 42, "vip": true, "list": [{"k": 1}, {"k": 2.5}], "nul": "a\u{0}b"},
        });
        let fields = fields.as_object().cloned().unwrap_or_default();
        let found: Vec<String> =
            terms(&fields).into_iter().map(|term| [term.path, "=".into(), term.value].concat()).collect();
        assert_eq!(
            found,
            [
                "app_metadata.age=42",
                "app_metadata.list.k=1",
                "app_metadata.list.k=2.5",
                "app_metadata.vip=true",
                "user_metadata.address.city=Paris",
                "user_metadata.color=blue",
                "user_metadata.tags=a",
                "user_metadata.tags=b",
            ]
        );
    }

    #[test]
    fn long_texts_are_told_apart() {
        let long = "ä".repeat(1_000);
        let longer = [&long, "x"].concat();
        assert!(clipped(&long).len() <= LONGEST_VALUE);
        assert_ne!(clipped(&long), clipped(&longer));
        assert_eq!(clipped("short"), "short");
    }
}
