//! A scenario file as it is written: tables with rows, a policy, people, and what they ask. The format
//! is described in `scenarios/README.md`.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{MapAccess, Visitor};
use serde_json::Value;

use crate::support::database::TableDef;

/// A table of TOML whose order counts.
#[derive(Debug, Clone)]
pub struct Ordered<T>(pub Vec<(String, T)>);

impl<T> Default for Ordered<T> {
    fn default() -> Self {
        Ordered(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Ordered<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Reader<T> {
            type Value = Ordered<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Ordered(members))
            }
        }
        deserializer.deserialize_map(Reader(PhantomData))
    }
}

/// A whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    pub title: String,
    pub covers: Vec<String>,
    /// In no answer and no audit entry of this file.
    #[serde(default)]
    pub hides: Vec<String>,
    #[serde(default)]
    pub tables: Ordered<TableSpec>,
    /// What the owner runs after the tables are made, by database.
    #[serde(default)]
    pub sql: Sql,
    pub policy: Option<String>,
    /// Columns (`table.column`) whose stored values do not fit their type, by database.
    #[serde(default)]
    pub misfits: Misfits,
    #[serde(default)]
    pub people: BTreeMap<String, Person>,
    #[serde(default)]
    pub ask: Vec<Ask>,
    #[serde(default)]
    pub refuse: Vec<Refuse>,
}

/// SQL for each database.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sql {
    pub both: Option<String>,
    pub sqlite: Option<String>,
    pub postgres: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Misfits {
    pub sqlite: Vec<String>,
    pub postgres: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableSpec {
    /// Name to `kind`, `?` when it may be NULL, and `key`.
    pub columns: Ordered<String>,
    /// Column to `table.column`.
    #[serde(default)]
    pub references: BTreeMap<String, String>,
    #[serde(default)]
    pub unique: Vec<Vec<String>>,
    #[serde(default)]
    pub defaults: BTreeMap<String, String>,
    #[serde(default)]
    pub rows: Vec<serde_json::Map<String, Value>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    pub tenant: Option<String>,
    pub user: Option<String>,
    pub workspace: Option<String>,
    #[serde(default)]
    pub roles: Vec<String>,
    /// A table, or a text of JSON where TOML has no word for the value.
    #[serde(default)]
    pub metadata: Value,
    pub delegate: Option<String>,
    /// The token is refused, and the refusal holds this text.
    pub refuse_token: Option<String>,
}

/// One step: a question, a decision on an approval, or something that the owner does.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Ask {
    pub name: Option<String>,
    pub who: Option<String>,
    pub tool: Option<String>,
    pub args: Option<String>,
    /// Approves the request of that id.
    pub approve: Option<String>,
    /// Denies the request of that id.
    pub deny: Option<String>,
    /// Lists the requests that `who` may decide on.
    pub approvals: bool,
    /// Puts this policy in force.
    pub law: Option<String>,
    /// The owner runs this.
    pub owner: Option<Sql>,

    pub data: Option<String>,
    pub rows: Option<usize>,
    pub found: Option<bool>,
    pub has_more: Option<bool>,
    pub count: Option<u64>,
    pub dry_run: Option<bool>,
    pub done: Option<bool>,
    pub error: Option<String>,
    pub at: Option<String>,
    pub hint: Option<String>,
    /// Text that the whole answer holds.
    pub says: Vec<String>,
    pub hides: Vec<String>,
    /// The answer is byte-equal to that ask's, ids of requests apart.
    pub like: Option<String>,
    pub unlike: Option<String>,
    pub save: BTreeMap<String, String>,
    pub database: Option<String>,
    pub audit: Option<Audit>,
}

/// The last audit entry of the call.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Audit {
    pub phases: Option<Vec<String>>,
    pub account: Option<String>,
    pub user: Option<String>,
    pub workspace: Option<String>,
    pub delegate: Option<String>,
    pub tool: Option<String>,
    pub model: Option<String>,
    pub decision: Option<String>,
    pub code: Option<String>,
    pub error: Option<String>,
    pub rows: Option<i64>,
    pub reasons: Option<Vec<String>>,
    /// Texts that the injected SQL holds.
    pub scopes: Vec<String>,
    pub inputs: Option<String>,
    pub keys: Option<String>,
    pub before: Option<String>,
    pub after: Option<String>,
    pub hides: Vec<String>,
}

/// A policy that must not compile.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refuse {
    /// Why it must not, for the reader.
    pub why: Option<String>,
    /// The whole policy; without it, `policy` of the file with `add` at its end or `change` made.
    pub policy: Option<String>,
    #[serde(default)]
    pub add: String,
    /// A text of the file's policy and what stands there instead.
    pub change: Option<(String, String)>,
    pub code: String,
    /// It compiles, with this warning.
    #[serde(default)]
    pub warns: bool,
    pub says: Option<String>,
    pub hint: Option<String>,
    /// Only for what one database alone can have in its catalog.
    pub only: Option<String>,
}

impl Scenario {
    pub fn read(text: &str) -> Result<Scenario, String> {
        let scenario: Scenario = toml_edit::de::from_str(text).map_err(|error| error.to_string())?;
        for (number, ask) in scenario.ask.iter().enumerate() {
            ask.check(&scenario).map_err(|problem| format!("question {}: {problem}", number + 1))?;
        }
        if scenario.ask.is_empty() && scenario.refuse.is_empty() && scenario.misfits.sqlite.is_empty() {
            return Err("the file asks nothing".to_owned());
        }
        if scenario.policy.is_none() && !scenario.ask.is_empty() {
            return Err("there is no policy".to_owned());
        }
        Ok(scenario)
    }

    pub fn tables(&self) -> Vec<TableDef> {
        self.tables.0.iter().map(|(name, spec)| spec.table(name)).collect()
    }
}

impl TableSpec {
    fn table(&self, name: &str) -> TableDef {
        let mut columns = Vec::new();
        let mut key = Vec::new();
        for (column, text) in &self.columns.0 {
            let (kind, is_key) = text.strip_suffix(" key").map_or((text.as_str(), false), |kind| (kind, true));
            let (kind, nullable) = kind.strip_suffix('?').map_or((kind, false), |kind| (kind, true));
            if is_key {
                key.push(column.clone());
            }
            columns.push((column.clone(), kind.to_owned(), nullable));
        }
        TableDef {
            name: name.to_owned(),
            columns,
            key,
            references: self
                .references
                .iter()
                .map(|(column, to)| {
                    let (table, key) = to.split_once('.').expect("`table.column`");
                    (column.clone(), table.to_owned(), key.to_owned())
                })
                .collect(),
            unique: self.unique.clone(),
            defaults: self.defaults.clone().into_iter().collect(),
            rows: self.rows.clone(),
        }
    }
}

impl Ask {
    /// Is it a call, rather than a step of the owner or the operator?
    pub fn is_call(&self) -> bool {
        self.law.is_none() && self.owner.is_none()
    }

    fn check(&self, scenario: &Scenario) -> Result<(), String> {
        if !self.is_call() {
            return Ok(());
        }
        let who = self.who.as_ref().ok_or("nobody asks")?;
        let person = scenario.people.get(who).ok_or_else(|| format!("nobody is called `{who}`"))?;
        if person.refuse_token.is_some() {
            return Err(format!("`{who}` has no token to ask with"));
        }
        let ways = [self.tool.is_some(), self.approve.is_some(), self.deny.is_some(), self.approvals];
        if ways.into_iter().filter(|way| *way).count() != 1 {
            return Err("one of tool, approve, deny, approvals".to_owned());
        }
        let expects = self.data.is_some()
            || self.rows.is_some()
            || self.found.is_some()
            || self.has_more.is_some()
            || self.count.is_some()
            || self.done.is_some()
            || self.dry_run.is_some()
            || self.error.is_some()
            || self.like.is_some();
        if expects { Ok(()) } else { Err("nothing is expected".to_owned()) }
    }
}
