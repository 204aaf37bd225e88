//! Principals and their metadata as JSON, without losing a digit and without a double name.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::ser::{SerializeMap, SerializeSeq, Serializer};
use serde::{Deserialize, Serialize};
use tenantry_policy::Principal;
use tenantry_policy::principal::Datum;

/// A metadata value that can be written and read as JSON. An object with a name twice is refused,
/// since two readers could take different ones. Numbers outside the 64-bit integers are read in the
/// shortest form of the nearest binary number, so `1.50` reads back as `1.5`.
#[derive(Debug, Clone, PartialEq)]
pub struct Json(pub Datum);

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Borrowed(&self.0).serialize(serializer)
    }
}

/// The same without owning.
struct Borrowed<'a>(&'a Datum);

impl Serialize for Borrowed<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Datum::Null => serializer.serialize_unit(),
            Datum::Bool(value) => serializer.serialize_bool(*value),
            Datum::Int(value) => serializer.serialize_i64(*value),
            Datum::Number(text) => match serde_json::from_str::<serde_json::Number>(text) {
                Ok(number) => number.serialize(serializer),
                Err(_) => Err(serde::ser::Error::custom("a number in the metadata is not one")),
            },
            Datum::Text(text) => serializer.serialize_str(text),
            Datum::List(list) => {
                let mut out = serializer.serialize_seq(Some(list.len()))?;
                list.iter().try_for_each(|item| out.serialize_element(&Borrowed(item)))?;
                out.end()
            }
            Datum::Map(map) => {
                let mut out = serializer.serialize_map(Some(map.len()))?;
                map.iter().try_for_each(|(name, item)| out.serialize_entry(name, &Borrowed(item)))?;
                out.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Json, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Json, E> {
        Ok(Json(Datum::Null))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Json, E> {
        Ok(Json(Datum::Bool(value)))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Json, E> {
        Ok(Json(Datum::Int(value)))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Json, E> {
        Ok(Json(i64::try_from(value).map_or_else(|_| Datum::Number(value.to_string()), Datum::Int)))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Json, E> {
        Ok(Json(Datum::Number(value.to_string())))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Json, E> {
        Ok(Json(Datum::Text(text.to_owned())))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Json, E> {
        Ok(Json(Datum::Text(text)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        let mut list = Vec::new();
        while let Some(Json(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(Json(Datum::List(list)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        let mut map = BTreeMap::new();
        while let Some(name) = items.next_key::<String>()? {
            let Json(item) = items.next_value()?;
            if map.insert(name, item).is_some() {
                return Err(A::Error::custom("a name stands twice in an object"));
            }
        }
        Ok(Json(Datum::Map(map)))
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    tenant_id: Option<String>,
    user_id: Option<String>,
    workspace_id: Option<String>,
    roles: Vec<String>,
    metadata: Json,
    client_id: Option<String>,
    delegate: Option<String>,
}

/// A principal as JSON.
#[must_use]
pub fn to_json(principal: &Principal) -> String {
    let document = Document {
        tenant_id: principal.tenant_id.clone(),
        user_id: principal.user_id.clone(),
        workspace_id: principal.workspace_id.clone(),
        roles: principal.roles.clone(),
        metadata: Json(Datum::Map(principal.metadata.clone())),
        client_id: principal.client_id.clone(),
        delegate: principal.delegate.clone(),
    };
    // Only a number that is none could fail; an empty text is not a principal and is refused later.
    serde_json::to_string(&document).unwrap_or_default()
}

/// The principal of a JSON text; `None` when it is not one.
#[must_use]
pub fn from_json(text: &str) -> Option<Principal> {
    let document: Document = serde_json::from_str(text).ok()?;
    let Json(Datum::Map(metadata)) = document.metadata else { return None };
    Some(Principal {
        tenant_id: document.tenant_id,
        user_id: document.user_id,
        workspace_id: document.workspace_id,
        roles: document.roles,
        metadata,
        client_id: document.client_id,
        delegate: document.delegate,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn principals_read_back() {
        let metadata = [
            ("region".to_owned(), Datum::Text("eu \"x\"".to_owned())),
            ("level".to_owned(), Datum::Int(i64::MIN)),
            ("share".to_owned(), Datum::Number("0.25".to_owned())),
            ("huge".to_owned(), Datum::Number(u64::MAX.to_string())),
            ("tags".to_owned(), Datum::List(vec![Datum::Null, Datum::Bool(true)])),
        ];
        let principal = Principal {
            tenant_id: Some("acme".to_owned()),
            user_id: None,
            roles: vec!["viewer".to_owned()],
            metadata: metadata.into(),
            ..Principal::default()
        };
        assert_eq!(from_json(&to_json(&principal)), Some(principal));
    }

    #[test]
    fn double_names_and_strangers_are_refused() {
        assert!(serde_json::from_str::<Json>(r#"{"a":1,"a":2}"#).is_err());
        assert!(serde_json::from_str::<Json>(r#"{"a":{"b":1,"b":1}}"#).is_err());
        assert!(from_json("{}").is_none());
        assert!(from_json("").is_none());
    }
}
