//! Recorded calls, and what another law would answer them.
//!
//! A recording is made from the audit, which never holds a secret, nor a value of a denied, masked or hashed field: so
//! neither does a recording. Calls whose arguments held such a value cannot be made again, and are counted.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use tenantry_policy::table::AutoValue;
use tenantry_policy::{Code, Table, Tool};
use tenantry_store::{Entry, Phase};

use crate::compare::{comparable, rows};
use crate::derive::id_of;
use crate::door::Answer;

/// What stands in the audit for a value that it does not keep.
const NOT_KEPT: [&str; 2] = ["[redacted]", "[cursor]"];

/// A recorded call.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// Who called: `ACCOUNT/USER`, `ACCOUNT/WORKSPACE/USER`, or a platform principal.
    pub who: String,
    /// The tool.
    pub tool: String,
    /// Its arguments, as the audit keeps them.
    pub arguments: Value,
    /// The refusal's code, if it was refused.
    pub code: Option<String>,
    /// How many rows were answered or changed.
    pub rows: Option<i64>,
}

/// Calls of the audit that a recording leaves out, and why.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// Their arguments held values that the audit does not keep.
    pub redacted: usize,
    /// They were made by a client for itself, or on somebody's behalf.
    pub unnamed: usize,
    /// They never ended, or their arguments were not read.
    pub unended: usize,
}

/// The calls of the data tools among entries of one account, in the order in which they were made.
#[must_use]
pub fn recording(entries: &[(i64, Entry)]) -> (Vec<Recorded>, LeftOut) {
    let mut ordered: Vec<&(i64, Entry)> = entries.iter().collect();
    ordered.sort_by_key(|(seq, _)| *seq);
    let ends: BTreeMap<i64, &Entry> = ordered.iter().filter_map(|(_, entry)| Some((entry.start?, entry))).collect();
    let (mut calls, mut left) = (Vec::new(), LeftOut::default());
    for (seq, entry) in ordered.iter().map(|(seq, entry)| (*seq, entry)) {
        let data_tool = Tool::parse(&entry.tool).is_some() || entry.tool == "describe_schema";
        if !data_tool || entry.start.is_some() {
            continue;
        }
        // A call that was decided has a beginning and an end; one that was refused at once has only this.
        let end = match entry.phase {
            Phase::Started => ends.get(&seq).copied(),
            _ => Some(entry),
        };
        let inputs = entry.inputs.as_deref().and_then(|inputs| serde_json::from_str::<Value>(inputs).ok());
        let (Some(end), Some(arguments)) = (end, inputs.filter(Value::is_object)) else {
            left.unended += 1;
            continue;
        };
        let named = entry.user.as_ref().filter(|_| entry.delegate.is_none());
        let Some(user) = named else {
            left.unnamed += 1;
            continue;
        };
        let text = arguments.to_string();
        if NOT_KEPT.iter().any(|word| text.contains(word)) {
            left.redacted += 1;
            continue;
        }
        let place =
            [Some(entry.account.as_str()).filter(|name| !name.is_empty()), entry.workspace.as_deref(), Some(user)];
        calls.push(Recorded {
            who: place.into_iter().flatten().collect::<Vec<_>>().join("/"),
            tool: entry.tool.clone(),
            arguments,
            code: end.code.clone().or_else(|| end.error.clone()),
            rows: end.rows,
        });
    }
    (calls, left)
}

impl Recorded {
    /// One line of a recording.
    #[must_use]
    pub fn line(&self) -> String {
        json!({
            "as": self.who, "tool": self.tool, "arguments": self.arguments, "code": self.code, "rows": self.rows,
        })
        .to_string()
    }

    /// Reads a line; `None` when it is none.
    #[must_use]
    pub fn parse(line: &str) -> Option<Recorded> {
        let json: Value = serde_json::from_str(line).ok()?;
        let text = |name: &str| json.get(name)?.as_str().map(str::to_owned);
        Some(Recorded {
            who: text("as")?,
            tool: text("tool")?,
            arguments: json.get("arguments").filter(|arguments| arguments.is_object())?.clone(),
            code: text("code"),
            rows: json.get("rows").and_then(Value::as_i64),
        })
    }

    /// Does the call leave everything as it was?
    #[must_use]
    pub fn reads(&self) -> bool {
        ["query", "get", "aggregate", "describe_schema"].contains(&self.tool.as_str())
    }

    /// The arguments to replay: of a write, those of a dry run.
    #[must_use]
    pub fn body(&self) -> Vec<u8> {
        let mut arguments = self.arguments.clone();
        if let (false, Some(members)) = (self.reads(), arguments.as_object_mut()) {
            members.insert("dry_run".to_owned(), json!(true));
        }
        arguments.to_string().into_bytes()
    }
}

/// How one answer differs from another.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Difference {
    /// The refusals, when they are not the same: before and after, none for done.
    pub codes: Option<(Option<String>, Option<String>)>,
    /// Keys of rows that were not there before.
    pub gained: Vec<String>,
    /// Keys of rows that are not there any more.
    pub lost: Vec<String>,
    /// Columns that were not there before.
    pub columns_gained: Vec<String>,
    /// Columns that are not there any more.
    pub columns_lost: Vec<String>,
    /// Rows that both hold, with other values.
    pub changed: usize,
    /// Something else differs: a group, a count.
    pub other: Option<String>,
}

/// Compares the answers of two laws to one call; `None` when they are the same.
#[must_use]
pub fn difference(call: &Recorded, table: Option<&Table>, before: &Answer, after: &Answer) -> Option<Difference> {
    let code = |answer: &Answer| answer.code.map(|code: Code| code.name().to_owned());
    let mut found = Difference::default();
    if before.code != after.code {
        found.codes = Some((code(before), code(after)));
        return Some(found);
    }
    if before.code.is_some() || comparable(before, &[]) == comparable(after, &[]) {
        return None;
    }
    let data = |answer: &Answer| answer.json.get("data").cloned().unwrap_or(Value::Null);
    // What a write sets to the time of the call is never the same.
    let written = table.filter(|_| !call.reads());
    let (old, new) = (timeless(written, data(before)), timeless(written, data(after)));
    let rest = |answer: &Answer| {
        let mut json = answer.json.clone();
        if let Some(members) = json.as_object_mut() {
            members.remove("data");
            members.remove("next_cursor");
        }
        json
    };
    if old == new && rest(before) == rest(after) {
        return None;
    }
    let by_key = |data: &Value| -> Option<BTreeMap<String, Map<String, Value>>> {
        rows(data).map(|row| Some((id_of(table?, row)?.to_string(), row.clone()))).collect()
    };
    let columns = |data: &Value| -> BTreeSet<String> { rows(data).flat_map(|row| row.keys().cloned()).collect() };
    let (old_columns, new_columns) = (columns(&old), columns(&new));
    // An answer without rows tells nothing of its columns.
    if !old_columns.is_empty() && !new_columns.is_empty() {
        found.columns_gained = new_columns.difference(&old_columns).cloned().collect();
        found.columns_lost = old_columns.difference(&new_columns).cloned().collect();
    }
    match by_key(&old).zip(by_key(&new)) {
        Some((old, new)) => {
            found.gained = new.keys().filter(|key| !old.contains_key(*key)).cloned().collect();
            found.lost = old.keys().filter(|key| !new.contains_key(*key)).cloned().collect();
            found.changed = old.iter().filter(|(key, row)| new.get(*key).is_some_and(|other| other != *row)).count();
        }
        None => found.other = Some(format!("{} -> {}", clip(&old), clip(&new))),
    }
    if found == Difference::default() {
        found.other = Some(format!("{} -> {}", clip(&before.json), clip(&after.json)));
    }
    Some(found)
}

/// Rows without the columns that the server sets to the time of the call.
fn timeless(table: Option<&Table>, mut data: Value) -> Value {
    let Some(table) = table else { return data };
    let set = table.writes.auto_set.iter().chain(&table.writes.auto_update);
    let times: Vec<&str> = set
        .filter(|(_, value)| *value == AutoValue::Now)
        .filter_map(|(id, _)| table.column(*id).map(|column| column.facts.name.as_str()))
        .collect();
    let strip = |row: &mut Value| {
        if let Some(members) = row.as_object_mut() {
            members.retain(|name, _| !times.contains(&name.as_str()));
        }
    };
    match &mut data {
        Value::Array(items) => items.iter_mut().for_each(strip),
        row => strip(row),
    }
    data
}

fn clip(value: &Value) -> String {
    const MOST: usize = 160;
    let text = value.to_string();
    let start: String = text.chars().take(MOST).collect();
    if text.chars().nth(MOST).is_some() { start + "…" } else { start }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(seq: i64, phase: Phase, start: Option<i64>, inputs: Option<&str>) -> (i64, Entry) {
        let entry = Entry {
            phase,
            start,
            inputs: inputs.map(str::to_owned),
            user: Some("ada".to_owned()),
            rows: start.map(|_| 2),
            code: (phase == Phase::Denied).then(|| "FIELD_NOT_ALLOWED".to_owned()),
            ..Entry::started("req_1", "acme", "query", seq)
        };
        (seq, entry)
    }

    #[test]
    fn what_the_audit_does_not_keep_is_left_out_and_counted() {
        let entries = [
            entry(4, Phase::Denied, None, Some(r#"{"model":"orders","select":["note"]}"#)),
            entry(
                3,
                Phase::Started,
                None,
                Some(r#"{"model":"orders","where":{"field":"card","op":"eq","value":"[redacted]"}}"#),
            ),
            entry(2, Phase::Completed, Some(1), None),
            entry(1, Phase::Started, None, Some(r#"{"model":"orders"}"#)),
            entry(5, Phase::Completed, Some(3), None),
            entry(6, Phase::Started, None, Some(r#"{"model":"orders"}"#)),
        ];
        let (calls, left) = recording(&entries);
        assert_eq!(calls.len(), 2);
        assert_eq!((calls[0].who.as_str(), calls[0].rows, calls[0].code.as_deref()), ("acme/ada", Some(2), None));
        assert_eq!(calls[1].code.as_deref(), Some("FIELD_NOT_ALLOWED"));
        assert_eq!(left, LeftOut { redacted: 1, unnamed: 0, unended: 1 });
        for call in calls {
            assert_eq!(Recorded::parse(&call.line()), Some(call));
        }
        assert_eq!(Recorded::parse("{}"), None);
    }

    #[test]
    fn writes_are_replayed_as_dry_runs() {
        let call = Recorded {
            who: "a/b".to_owned(),
            tool: "delete".to_owned(),
            arguments: json!({ "model": "orders", "id": 1 }),
            code: None,
            rows: Some(1),
        };
        assert_eq!(serde_json::from_slice::<Value>(&call.body()).unwrap()["dry_run"], true);
    }
}
