//! The server's own table of endpoints, with what each needs to be called: parameters and a body that fit.

use std::collections::BTreeMap;

use serde_json::Value;
use tenantry_identity::Audience;
use tenantry_server::{EndpointFacts, endpoints};

/// Values of the path's parameters and of the placeholders in bodies, by name.
pub type Values = BTreeMap<&'static str, String>;

/// Where the endpoints of one account are mounted.
const MOUNTS: [&str; 4] = ["/portal/v1/accounts/{account_id}", "/dashboard/v1", "/portal/v1", "/app/v1"];

/// An endpoint of the table.
pub struct Entry {
    pub facts: EndpointFacts,
    body: Option<Value>,
    /// Parameters of its own, where the usual ones would not do: `{"account_id": "spare_id"}`.
    instead: BTreeMap<String, &'static str>,
}

/// Every endpoint, in the order in which they can be called one after another: what shows first, then what
/// makes and changes, then what removes, the innermost first.
pub fn entries() -> Vec<Entry> {
    let bodies: BTreeMap<String, Value> = serde_json::from_str(include_str!("bodies.json")).unwrap();
    let mut unused: Vec<&String> = bodies.keys().collect();
    let mut entries: Vec<Entry> = endpoints()
        .map(|facts| {
            let names = [facts.path, MOUNTS.iter().find_map(|mount| facts.path.strip_prefix(mount)).unwrap()]
                .map(|path| [facts.method, " ", path].concat());
            unused.retain(|name| !names.contains(name));
            let said = names.iter().find_map(|name| bodies.get(name));
            let member = |name: &str| said.and_then(|said| said.get(name)).cloned();
            let body = member("body");
            assert_eq!(
                body.is_some(),
                facts.body.is_some(),
                "{} {}: bodies.json should hold a body for endpoints that take one, and no other",
                facts.method,
                facts.path
            );
            let instead: BTreeMap<String, String> =
                member("instead").map(|value| serde_json::from_value(value).unwrap()).unwrap_or_default();
            let instead = instead.into_iter().map(|(name, other)| (name, &*other.leak())).collect();
            Entry { facts, body, instead }
        })
        .collect();
    assert!(unused.is_empty(), "bodies.json names endpoints that are not there: {unused:?}");
    let rank = |method: &str| ["GET", "POST", "PUT", "PATCH", "DELETE"].iter().position(|one| *one == method);
    entries.sort_by_key(|entry| {
        let removes = entry.facts.method == "DELETE";
        let depth = entry.facts.path.split('/').count();
        (rank(entry.facts.method), if removes { usize::MAX - depth } else { depth })
    });
    entries
}

impl Entry {
    /// `POST /portal/v1/accounts`.
    pub fn name(&self) -> String {
        [self.facts.method, " ", self.facts.path].concat()
    }

    /// The names of the path's parameters.
    pub fn params(&self) -> Vec<&'static str> {
        self.facts.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect()
    }

    /// The value that a parameter is filled in with.
    pub fn stands_for(&self, name: &'static str) -> &'static str {
        self.instead.get(name).copied().unwrap_or(name)
    }

    /// The path with its parameters filled in.
    pub fn path(&self, values: &Values) -> String {
        let parts = self.facts.path.split('/').map(|part| match part.strip_prefix('{') {
            Some(name) => {
                let name = name.trim_end_matches('}');
                encoded(
                    values
                        .get(self.instead.get(name).copied().unwrap_or(name))
                        .unwrap_or_else(|| panic!("no value for {name} of {}", self.name())),
                )
            }
            None => part.to_owned(),
        });
        parts.collect::<Vec<_>>().join("/")
    }

    /// The body with its placeholders filled in.
    pub fn body(&self, values: &Values) -> Option<String> {
        let mut text = self.body.as_ref()?.to_string();
        for (name, value) in values {
            text = text.replace(&["<", name, ">"].concat(), value);
        }
        assert!(!text.contains('<'), "a placeholder of {} is not filled in: {text}", self.name());
        Some(text)
    }

    /// Is there something of an account in the path?
    pub fn names_something(&self) -> bool {
        !self.params().is_empty()
    }

    /// Does it belong to this context?
    pub fn of(&self, context: Audience) -> bool {
        self.facts.context == context
    }
}

fn encoded(value: &str) -> String {
    value.replace('%', "%25").replace('|', "%7C").replace('/', "%2F").replace(':', "%3A")
}

/// An answer without the call's id.
pub fn without_id(text: &str) -> String {
    let Ok(mut json) = serde_json::from_str::<Value>(text) else { return text.to_owned() };
    if let Some(details) = json.pointer_mut("/error/details").and_then(Value::as_object_mut) {
        details.shift_remove("request_id");
    }
    json.to_string()
}
