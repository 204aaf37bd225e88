//! `fields` and `include_fields`: which members of an answer a caller wants.

use serde_json::{Map, Value};

use crate::management::query::Query;

/// Which members are wanted.
#[derive(Debug, Default)]
pub(crate) struct Selection {
    names: Vec<String>,
    include: bool,
}

impl Selection {
    /// What a query asks for; everything when it names no fields.
    pub(crate) fn of(query: &Query) -> Selection {
        let names = query.text("fields").unwrap_or_default().split(',').map(str::trim);
        Selection {
            names: names.filter(|name| !name.is_empty()).map(str::to_owned).collect(),
            include: query.flag("include_fields").unwrap_or(true),
        }
    }

    /// The wanted members of an object; `always` stay whatever is asked for.
    pub(crate) fn apply(&self, body: Value, always: &[&str]) -> Value {
        let Value::Object(members) = body else { return body };
        if self.names.is_empty() {
            return Value::Object(members);
        }
        let names: Vec<&str> = self.names.iter().map(String::as_str).collect();
        Value::Object(select(members, &names, self.include, always))
    }
}

fn select(members: Map<String, Value>, names: &[&str], include: bool, always: &[&str]) -> Map<String, Value> {
    let mut kept = Map::new();
    for (name, value) in members {
        let whole = names.contains(&name.as_str());
        let inner: Vec<&str> =
            names.iter().filter_map(|wanted| wanted.strip_prefix(name.as_str())?.strip_prefix('.')).collect();
        let stays = always.contains(&name.as_str());
        match (value, include) {
            (value, true) if whole || stays => drop(kept.insert(name, value)),
            (value, false) if stays || (!whole && inner.is_empty()) => drop(kept.insert(name, value)),
            (Value::Object(deeper), _) if !whole && !inner.is_empty() => {
                kept.insert(name, Value::Object(select(deeper, &inner, include, &[])));
            }
            _ => {}
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn selected(names: &[&str], include: bool, body: Value) -> Value {
        let selection = Selection { names: names.iter().map(|name| (*name).to_owned()).collect(), include };
        selection.apply(body, &["tenant"])
    }

    #[test]
    fn members_are_included_or_left_out() {
        let body = || json!({"tenant": "t", "a": 1, "b": {"c": 1, "d": 2}, "bb": 3});
        assert_eq!(selected(&[], true, body()), body());
        assert_eq!(selected(&["a"], true, body()), json!({"tenant": "t", "a": 1}));
        assert_eq!(selected(&["b"], true, body()), json!({"tenant": "t", "b": {"c": 1, "d": 2}}));
        assert_eq!(selected(&["b.c"], true, body()), json!({"tenant": "t", "b": {"c": 1}}));
        assert_eq!(selected(&["a", "b.c"], false, body()), json!({"tenant": "t", "b": {"d": 2}, "bb": 3}));
    }
}
