//! Rows that an attack knows of.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};
use tenantry_policy::Table;

use crate::derive::id_of;

/// A row: every column of its table, hidden ones too, with values as answers write them.
pub type Row = Map<String, Value>;

/// The shortest text that is looked for in answers: a shorter one may stand there by chance.
const SHORTEST: usize = 6;

/// Rows of one party, by the name of their table in the policy.
///
/// The victim's are rows of which the attacker may see nothing. The attacker's own are all that it may
/// see, so that a value that is only the victim's can be told from one that both have; in each table the
/// first is one that it may change, if there is any.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sample {
    rows: BTreeMap<String, Vec<Row>>,
}

impl Sample {
    /// Adds a row of a table.
    pub fn add(&mut self, table: &str, row: Row) {
        self.rows.entry(table.to_owned()).or_default().push(row);
    }

    /// The rows of a table.
    #[must_use]
    pub fn rows(&self, table: &str) -> &[Row] {
        self.rows.get(table).map_or(&[], Vec::as_slice)
    }

    /// The tables with rows.
    pub fn tables(&self) -> impl Iterator<Item = &str> {
        self.rows.keys().map(String::as_str)
    }

    /// Does some row of the table have this value in this column?
    #[must_use]
    pub fn has(&self, table: &str, column: &str, value: &Value) -> bool {
        self.rows(table).iter().any(|row| row.get(column) == Some(value))
    }

    /// Is this row of the table, by its key, among them?
    #[must_use]
    pub fn holds(&self, table: &Table, row: &Row) -> bool {
        let id = id_of(table, row);
        id.is_some() && self.rows(&table.name).iter().any(|known| id_of(table, known) == id)
    }

    /// The texts of all rows that are long enough to be looked for.
    pub(crate) fn texts(&self) -> BTreeSet<&str> {
        self.rows
            .values()
            .flatten()
            .flat_map(Map::values)
            .filter_map(Value::as_str)
            .filter(|text| text.chars().count() >= SHORTEST)
            .collect()
    }

    /// Like [`Sample::texts`], of one column of one table.
    pub(crate) fn texts_of(&self, table: &str, column: &str) -> BTreeSet<&str> {
        self.rows(table)
            .iter()
            .filter_map(|row| row.get(column)?.as_str())
            .filter(|text| text.chars().count() >= SHORTEST)
            .collect()
    }
}
