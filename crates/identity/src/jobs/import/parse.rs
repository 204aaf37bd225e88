//! Reading a JSON array one element at a time, however long it is.

use std::fmt;
use std::io::Read;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Number, Value};

use crate::text::Fields;

/// An element, and what about it no user may have.
#[derive(Debug, PartialEq)]
pub(super) struct Element {
    pub(super) value: Value,
    /// A member that stands there twice.
    pub(super) twice: Option<String>,
    /// A text holds a NUL.
    pub(super) nul: bool,
}

/// How many elements there are, when it is JSON throughout.
pub(super) fn count(reader: impl Read) -> Result<u64, serde_json::Error> {
    struct Count;
    impl<'de> Visitor<'de> for Count {
        type Value = u64;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an array of users")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<u64, A::Error> {
            let mut count = 0;
            while items.next_element::<IgnoredAny>()?.is_some() {
                count += 1;
            }
            Ok(count)
        }
    }
    let mut deserializer = serde_json::Deserializer::from_reader(reader);
    let count = deserializer.deserialize_seq(Count)?;
    deserializer.end()?;
    Ok(count)
}

/// Hands each element to `take`, until it answers `false`.
pub(super) fn each(reader: impl Read, take: impl FnMut(Element) -> bool) -> Result<(), serde_json::Error> {
    struct Each<F>(F);
    impl<'de, F: FnMut(Element) -> bool> Visitor<'de> for Each<F> {
        type Value = ();

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an array of users")
        }

        fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<(), A::Error> {
            loop {
                let (mut twice, mut nul) = (None, false);
                let whole = Whole { twice: &mut twice, nul: &mut nul };
                let Some(value) = items.next_element_seed(whole)? else { return Ok(()) };
                if !(self.0)(Element { value, twice, nul }) {
                    return Err(A::Error::custom("nobody takes them"));
                }
            }
        }
    }
    serde_json::Deserializer::from_reader(reader).deserialize_seq(Each(take))
}

/// A value whose members are looked at while they are read.
struct Whole<'a> {
    twice: &'a mut Option<String>,
    nul: &'a mut bool,
}

impl Whole<'_> {
    fn again(&mut self) -> Whole<'_> {
        Whole { twice: self.twice, nul: self.nul }
    }
}

impl<'de> DeserializeSeed<'de> for Whole<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Whole<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        *self.nul |= value.contains('\0');
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        *self.nul |= value.contains('\0');
        Ok(Value::String(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<Value, A::Error> {
        let mut found = Vec::new();
        while let Some(item) = items.next_element_seed(self.again())? {
            found.push(item);
        }
        Ok(Value::Array(found))
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<Value, A::Error> {
        let mut found = Fields::new();
        while let Some(name) = members.next_key::<String>()? {
            *self.nul |= name.contains('\0');
            let value = members.next_value_seed(self.again())?;
            if found.contains_key(&name) {
                self.twice.get_or_insert(name);
            } else {
                found.insert(name, value);
            }
        }
        Ok(Value::Object(found))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn all(text: &str) -> (Vec<Element>, bool) {
        let mut found = Vec::new();
        let whole = each(text.as_bytes(), |element| {
            found.push(element);
            true
        });
        (found, whole.is_ok())
    }

    #[test]
    fn elements_come_one_by_one() {
        let (found, whole) = all(r#"[{"a": 1, "b": {"c": [1.5, null, true]}}, 7, {"a": 1, "a": 2}, {"x": "a\u0000"}]"#);
        assert!(whole);
        let element = |value, twice: Option<&str>, nul| Element { value, twice: twice.map(str::to_owned), nul };
        assert_eq!(
            found,
            [
                element(json!({"a": 1, "b": {"c": [1.5, null, true]}}), None, false),
                element(json!(7), None, false),
                element(json!({"a": 1}), Some("a"), false),
                element(json!({"x": "a\0"}), None, true),
            ]
        );
    }

    #[test]
    fn what_is_not_json_throughout_is_not_counted() {
        assert_eq!(count("[1, {}, []]".as_bytes()).ok(), Some(3));
        assert_eq!(count("[]".as_bytes()).ok(), Some(0));
        let deep = "[".repeat(5_000);
        for bad in ["", "{}", "[1", "[1] 2", "[1,]", "nonsense", "[{\"a\"}]", "\"x\"", &deep, "[\"\u{1}\"]"] {
            assert!(count(bad.as_bytes()).is_err(), "{bad:.20}");
        }
        assert!(count([b'[', b'"', 0xff, b'"', b']'].as_slice()).is_err() || !all("[\"\u{fffd}\"]").0.is_empty());
    }
}
