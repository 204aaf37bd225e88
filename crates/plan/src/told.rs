//! Witnesses in words: who, which rows, by which rule of which line, and what would mend it.

use serde_json::{Value as Json, json};
use tenantry_file::Loaded;
use tenantry_policy::bound::Slot;
use tenantry_policy::{Policy, Value};
use tenantry_proof::{Obligation, Promise, Witness};

/// The file and the policy that a witness is about.
#[derive(Debug, Clone, Copy)]
pub struct Told<'a> {
    /// The rules.
    pub policy: &'a Policy,
    /// The file that they stand in.
    pub loaded: &'a Loaded,
}

/// A row in words.
#[derive(Debug, Clone, PartialEq)]
pub struct RowTold {
    /// What it is: `row`, `new row`.
    pub role: String,
    /// Its table.
    pub table: String,
    /// Its columns that matter; null is NULL.
    pub columns: Vec<(String, Json)>,
}

impl Told<'_> {
    /// The principal's attributes, by path; a missing one is null.
    #[must_use]
    pub fn principal(&self, witness: &Witness) -> Vec<(String, Json)> {
        let each = witness.principal.iter().filter_map(|(id, slot)| {
            let path = self.policy.attributes.get(*id)?.path.to_string();
            let told = match slot {
                Slot::Missing => Json::Null,
                Slot::One(value) => shown(value),
                Slot::Many(values) => Json::Array(values.iter().map(shown).collect()),
                Slot::Now => shown(&Value::Timestamp(witness.now_micros)),
            };
            Some((path, told))
        });
        each.collect()
    }

    /// The rows.
    #[must_use]
    pub fn rows(&self, witness: &Witness) -> Vec<RowTold> {
        let each = witness.rows.iter().filter_map(|row| {
            let table = self.policy.table(row.table)?;
            let columns = row.columns.iter().filter_map(|(at, value)| {
                let column = table.columns.get(usize::from(*at))?;
                Some((column.facts.name.clone(), value.as_ref().map_or(Json::Null, shown)))
            });
            Some(RowTold { role: row.role.clone(), table: table.name.to_string(), columns: columns.collect() })
        });
        each.collect()
    }

    /// `tenantry.toml:12`: where a rule stands.
    #[must_use]
    pub fn place(&self, address: &str) -> Option<String> {
        let path: Vec<&str> = address.split('.').collect();
        let place = (2..=path.len()).rev().find_map(|length| self.loaded.span(path.get(..length)?))?;
        Some(format!("{}:{}", place.file, place.line))
    }

    /// The witness, a line for each.
    #[must_use]
    pub fn lines(&self, witness: &Witness, indent: &str) -> String {
        let pairs = |pairs: Vec<(String, Json)>| {
            let told: Vec<String> = pairs
                .into_iter()
                .map(|(name, value)| match value {
                    Json::Null => format!("{name} missing"),
                    value => format!("{name} = {value}"),
                })
                .collect();
            if told.is_empty() { "whatever it is".to_owned() } else { told.join(", ") }
        };
        let mut text = format!("{indent}principal: {}\n", pairs(self.principal(witness)));
        for row in self.rows(witness) {
            let columns = row.columns.into_iter().map(|(name, value)| match value {
                Json::Null => format!("{name} NULL"),
                value => format!("{name} = {value}"),
            });
            let columns: Vec<String> = columns.collect();
            text.push_str(&format!("{indent}{} of {}: {}\n", row.role, row.table, columns.join(", ")));
        }
        for rule in &witness.rules {
            let place = self.place(rule).map(|place| format!(" at {place}")).unwrap_or_default();
            text.push_str(&format!("{indent}shown by {rule}{place}\n"));
        }
        if !witness.replayed.is_empty() {
            text.push_str(&format!("{indent}replayed: {}\n", witness.replayed.join(", ")));
        }
        text
    }

    /// What would mend it.
    #[must_use]
    pub fn fix(&self, one: &Obligation, witness: &Witness) -> String {
        let rule = witness.rules.iter().find(|rule| rule.contains(".permit."));
        match (one.promise, rule) {
            (Promise::Read | Promise::Boundary, Some(rule)) => format!(
                "narrow {rule} to the own tenant, declare the list that it reads under [tenancy] reach.read, or make \
                 it `shared` or a `bypass` if everybody, or somebody, is meant to see these rows"
            ),
            (Promise::Create | Promise::UpdateOld | Promise::UpdateNew | Promise::Delete | Promise::SharedWrite, _) => {
                "let the rules for writing name the own tenant, or declare the list under [tenancy] reach.write"
                    .to_owned()
            }
            (Promise::Security, _) => {
                "apply the file again, and take away what somebody added or changed by hand: tenantry apply".to_owned()
            }
            (Promise::Reference, _) => {
                "let the reference carry the tenant (a composite key), or let both tables be read by the same rules"
                    .to_owned()
            }
            (Promise::Missing, _) => {
                "test for the attribute that lets somebody in, rather than for the one that would keep them out"
                    .to_owned()
            }
            _ => "let the rule name the own tenant".to_owned(),
        }
    }
}

fn shown(value: &Value) -> Json {
    match value {
        Value::Bool(value) => json!(value),
        Value::Int(value) => json!(value),
        Value::Decimal(value) => json!(value.to_string()),
        Value::Text(value) => json!(value.as_ref()),
        Value::Uuid(value) => json!(value.hyphenated().to_string()),
        Value::Timestamp(micros) => json!(tenantry_policy::value::format_timestamp(*micros)),
        _ => Json::Null,
    }
}
