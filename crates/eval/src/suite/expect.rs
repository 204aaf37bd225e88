//! What a suite expects of one answer.

use std::collections::BTreeSet;

use serde_json::{Map, Value};
use tenantry_file::suite::Expect;

use crate::compare::rows;
use crate::door::Answer;

/// What of the expectation does not hold.
pub(super) fn unmet(expect: &Expect, answer: &Answer) -> Vec<String> {
    let mut unmet = Vec::new();
    let text = String::from_utf8_lossy(&answer.body);
    match (&expect.code, answer.code) {
        (Some(wanted), Some(code)) if wanted == code.name() => {}
        (Some(wanted), Some(code)) => unmet.push(format!("refused with {code} instead of {wanted}")),
        (Some(wanted), None) => unmet.push(format!("done, although it should be refused with {wanted}")),
        (None, Some(code)) => unmet.push(format!("refused with {code}")),
        (None, None) => {}
    }
    // Quoted as JSON writes it, or as it is.
    let holds = |word: &String| {
        let quoted = Value::from(word.as_str()).to_string();
        text.contains(word.as_str()) || text.contains(quoted.trim_matches('"'))
    };
    unmet.extend(expect.has.iter().filter(|word| !holds(word)).map(|word| format!("`{word}` is not in the answer")));
    unmet.extend(expect.lacks.iter().filter(|word| holds(word)).map(|word| format!("`{word}` is in the answer")));
    if answer.code.is_some() {
        return unmet;
    }
    let data = answer.json.get("data").unwrap_or(&Value::Null);
    let list: Vec<&Map<String, Value>> = rows(data).collect();
    let count = u64::try_from(list.len()).unwrap_or(u64::MAX);
    if let Some(wanted) = expect.rows.filter(|wanted| *wanted != count) {
        unmet.push(format!("{count} rows instead of {wanted}"));
    }
    if let Some(least) = expect.at_least.filter(|least| count < *least) {
        unmet.push(format!("{count} rows, fewer than {least}"));
    }
    if let Some(most) = expect.at_most.filter(|most| count > *most) {
        unmet.push(format!("{count} rows, more than {most}"));
    }
    if let Some(wanted) = expect.found {
        let found = answer.json.get("found").and_then(Value::as_bool);
        if found != Some(wanted) {
            unmet.push(format!("found is {}", found.map_or("not said".to_owned(), |found| found.to_string())));
        }
    }
    if let Some(wanted) = &expect.value {
        let value = match list.as_slice() {
            [only] => only.get("value"),
            _ => None,
        };
        if !value.is_some_and(|value| same(value, wanted)) {
            unmet.push(format!("the value is {} instead of {wanted}", value.unwrap_or(&Value::Null)));
        }
    }
    if let Some(fields) = &expect.fields {
        let wanted: BTreeSet<&str> = fields.iter().map(String::as_str).collect();
        let other = list.iter().map(|row| row.keys().map(String::as_str).collect::<BTreeSet<_>>());
        if let Some(other) = other.into_iter().find(|fields| *fields != wanted) {
            unmet.push(format!("a row has the fields {}", other.into_iter().collect::<Vec<_>>().join(", ")));
        }
    }
    for (field, wanted) in &expect.every {
        let other = list.iter().find(|row| !row.get(field).is_some_and(|value| same(value, wanted)));
        if let Some(row) = other {
            unmet.push(format!("a row has {field} = {}", row.get(field).unwrap_or(&Value::Null)));
        }
    }
    if let Some(wanted) = expect.data.as_ref().filter(|wanted| !same(data, wanted)) {
        unmet.push(format!("the data is {data} instead of {wanted}"));
    }
    unmet
}

/// Equal as a person reads them: `1` and `1.0` are.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(a), Value::Number(b)) => {
            a == b || a.as_f64().zip(b.as_f64()).is_some_and(|(a, b)| (a - b).abs() < f64::EPSILON)
        }
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        (a, b) => a == b,
    }
}
