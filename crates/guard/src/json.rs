//! Strict JSON: what callers send, read without losing or inventing anything.
//!
//! serde_json scans and unescapes; this file keeps what it would otherwise drop: numbers keep their
//! exact text, and a key that stands twice in one object is an error (two readers of one document
//! must not see different values; RFC 8259 section 4 leaves that open).

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use serde::Deserialize;
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// The deepest nesting of arrays and objects.
pub const DEEPEST: usize = 32;

/// The most bytes of one document.
pub const LARGEST: usize = 1024 * 1024;

/// The longest text of a number.
const LONGEST_NUMBER: usize = 64;

/// A JSON value.
#[derive(Debug, Clone, PartialEq)]
pub enum Json {
    /// null
    Null,
    /// true, false
    Bool(bool),
    /// A number, as its text.
    Number(String),
    /// A text.
    Text(String),
    /// An array.
    List(Vec<Json>),
    /// An object, in the order written.
    Object(Vec<(String, Json)>),
}

/// Why a document was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// Over [`LARGEST`].
    #[error("the body is larger than {LARGEST} bytes")]
    TooLarge,
    /// Not UTF-8.
    #[error("the body is not UTF-8")]
    NotUtf8,
    /// Not JSON.
    #[error("the body is not JSON: line {line}, column {column}")]
    Malformed {
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
    },
    /// Over [`DEEPEST`].
    #[error("the body is nested deeper than {DEEPEST}")]
    TooDeep,
    /// A key twice in one object.
    #[error("the key `{0}` stands twice in one object")]
    DuplicateKey(String),
    /// A number with too many digits.
    #[error("a number is longer than {LONGEST_NUMBER} characters")]
    LongNumber,
    /// A NUL character, which PostgreSQL cannot hold.
    #[error("a text holds a NUL character")]
    Nul,
}

/// Reads a document.
///
/// # Errors
/// [`JsonError`]; nothing of a refused document is used.
pub fn parse(body: &[u8]) -> Result<Json, JsonError> {
    if body.len() > LARGEST {
        return Err(JsonError::TooLarge);
    }
    let text = std::str::from_utf8(body).map_err(|_| JsonError::NotUtf8)?;
    let raw: &RawValue = serde_json::from_str(text).map_err(|error| malformed(&error))?;
    value(raw, 0)
}

fn malformed(error: &serde_json::Error) -> JsonError {
    JsonError::Malformed { line: error.line(), column: error.column() }
}

fn value(raw: &RawValue, depth: usize) -> Result<Json, JsonError> {
    let text = raw.get();
    let again = |error: serde_json::Error| malformed(&error);
    match text.as_bytes().first() {
        Some(b'{') => {
            deeper(depth)?;
            let members: Members = serde_json::from_str(text).map_err(again)?;
            let mut object: Vec<(String, Json)> = Vec::with_capacity(members.0.len());
            // A set, so that an object of very many members takes no longer than its bytes are worth.
            let mut seen: HashSet<&str> = HashSet::with_capacity(members.0.len());
            for (key, _) in &members.0 {
                if key.contains('\0') {
                    return Err(JsonError::Nul);
                }
                if !seen.insert(key) {
                    return Err(JsonError::DuplicateKey(key.chars().take(64).collect()));
                }
            }
            for (key, member) in members.0 {
                object.push((key.into_owned(), value(member, depth + 1)?));
            }
            Ok(Json::Object(object))
        }
        Some(b'[') => {
            deeper(depth)?;
            let items: Items = serde_json::from_str(text).map_err(again)?;
            items.0.into_iter().map(|item| value(item, depth + 1)).collect::<Result<_, _>>().map(Json::List)
        }
        Some(b'"') => {
            let text: String = serde_json::from_str(text).map_err(again)?;
            if text.contains('\0') { Err(JsonError::Nul) } else { Ok(Json::Text(text)) }
        }
        Some(b't') => Ok(Json::Bool(true)),
        Some(b'f') => Ok(Json::Bool(false)),
        Some(b'n') => Ok(Json::Null),
        _ if text.len() > LONGEST_NUMBER => Err(JsonError::LongNumber),
        _ => Ok(Json::Number(text.to_owned())),
    }
}

fn deeper(depth: usize) -> Result<(), JsonError> {
    if depth >= DEEPEST { Err(JsonError::TooDeep) } else { Ok(()) }
}

/// An object's members, borrowed and unread.
struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some((key, raw)) = map.next_entry::<String, &'de RawValue>()? {
                    members.push((Cow::Owned(key), raw));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Reader)
    }
}

/// An array's items, borrowed and unread.
struct Items<'a>(Vec<&'a RawValue>);

impl<'de: 'a, 'a> Deserialize<'de> for Items<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Items<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut items = Vec::new();
                while let Some(raw) = seq.next_element::<&'de RawValue>()? {
                    items.push(raw);
                }
                Ok(Items(items))
            }
        }
        deserializer.deserialize_seq(Reader)
    }
}

impl Json {
    /// A kind in words.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Json::Null => "null",
            Json::Bool(_) => "a boolean",
            Json::Number(_) => "a number",
            Json::Text(_) => "a text",
            Json::List(_) => "a list",
            Json::Object(_) => "an object",
        }
    }

    /// Writes the value as JSON, in the order it was read.
    pub fn write(&self, out: &mut String) {
        match self {
            Json::Null => out.push_str("null"),
            Json::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Json::Number(text) => out.push_str(text),
            Json::Text(text) => write_text(text, out),
            Json::List(items) => {
                out.push('[');
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        out.push(',');
                    }
                    item.write(out);
                }
                out.push(']');
            }
            Json::Object(members) => {
                out.push('{');
                for (at, (key, member)) in members.iter().enumerate() {
                    if at > 0 {
                        out.push(',');
                    }
                    write_text(key, out);
                    out.push(':');
                    member.write(out);
                }
                out.push('}');
            }
        }
    }

    /// The value as JSON text.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut out = String::new();
        self.write(&mut out);
        out
    }
}

/// Writes a text as a JSON string.
pub fn write_text(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if c < ' ' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_their_digits_and_order_is_kept() {
        let text = r#"{"b":12345678901234567890.10,"a":[1,-2.50,3e7,null,true],"c":{"d":"é\n"}}"#;
        assert_eq!(parse(text.as_bytes()).unwrap().to_text(), text);
    }

    #[test]
    fn hostile_documents_are_refused() {
        let deep = |n: usize| "[".repeat(n) + &"]".repeat(n);
        assert_eq!(parse(deep(DEEPEST).as_bytes()).map(|_| ()), Ok(()));
        assert_eq!(parse(deep(DEEPEST + 1).as_bytes()), Err(JsonError::TooDeep));
        assert_eq!(parse(deep(100_000).as_bytes()), Err(JsonError::TooDeep));
        assert!(matches!(parse("[".repeat(500_000).as_bytes()), Err(JsonError::Malformed { .. })));
        assert_eq!(parse(br#"{"a":1,"a":2}"#), Err(JsonError::DuplicateKey("a".into())));
        assert_eq!(parse(br#"{"a":{"x":1,"\u0078":2}}"#), Err(JsonError::DuplicateKey("x".into())));
        assert_eq!(parse(br#"{"a":"\u0000"}"#), Err(JsonError::Nul));
        assert_eq!(parse(b"{\"a\":\"\xff\"}"), Err(JsonError::NotUtf8));
        assert_eq!(parse(&vec![b' '; LARGEST + 1]), Err(JsonError::TooLarge));
        assert_eq!(parse("9".repeat(65).as_bytes()), Err(JsonError::LongNumber));
        for bad in ["", "{", "{a:1}", "01", "1.", "nul", "[1,]", "{\"a\":1}x", "'a'", "NaN", "\"\\ud800\"", "\"\t\""] {
            assert!(matches!(parse(bad.as_bytes()), Err(JsonError::Malformed { .. })), "{bad}");
        }
    }
}
