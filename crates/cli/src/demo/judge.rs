//! Compares answers with what the trials expect. Pure: it knows JSON, not HTTP.

use serde_json::Value;

use crate::demo::trials::{Expect, Fact};

/// The name of the field that differs between two answers that are otherwise the same.
const REQUEST_ID: &str = "request_id";

/// Does the answer fit? `before` is the answer of the step before.
///
/// # Errors
/// What does not fit, in one sentence, with the values: the demo's data is made up.
pub fn judge(expect: &Expect, answer: &Value, before: Option<&Value>) -> Result<(), String> {
    match expect {
        Expect::Answer(facts) => {
            if answer.get("success") != Some(&Value::Bool(true)) {
                return Err(["expected success, got ", &code_of(answer)].concat());
            }
            facts.iter().try_for_each(|fact| hold(fact, answer))
        }
        Expect::Bare(facts) => facts.iter().try_for_each(|fact| hold(fact, answer)),
        Expect::BareRefused(code) => match code_of(answer) {
            found if found == *code => Ok(()),
            found => Err(format!("expected {code}, got {found}")),
        },
        Expect::Refused(codes) => {
            let code = code_of(answer);
            if answer.get("success") == Some(&Value::Bool(false)) && codes.contains(&code.as_str()) {
                Ok(())
            } else {
                Err(format!("expected {}, got {code}", codes.join(" or ")))
            }
        }
        Expect::SameAsBefore => {
            let before = before.ok_or("there is no answer before")?;
            if without_id(before) == without_id(answer) {
                Ok(())
            } else {
                Err(format!("expected the same answer as before, {}, got {}", without_id(before), without_id(answer)))
            }
        }
    }
}

/// The body of a step, with every `{"$before": "/pointer"}` replaced from the answer before.
#[must_use]
pub fn fill(body: &Value, before: Option<&Value>) -> Value {
    match body {
        Value::Object(map) => {
            if let (1, Some(Value::String(pointer))) = (map.len(), map.get("$before")) {
                return before.and_then(|answer| answer.pointer(pointer)).cloned().unwrap_or(Value::Null);
            }
            Value::Object(map.iter().map(|(name, value)| (name.clone(), fill(value, before))).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(|item| fill(item, before)).collect()),
        other => other.clone(),
    }
}

fn code_of(answer: &Value) -> String {
    match answer.pointer("/error/code") {
        Some(Value::String(code)) => code.clone(),
        _ if answer.get("success") == Some(&Value::Bool(true)) => "success".to_owned(),
        _ => "an answer without a code".to_owned(),
    }
}

fn without_id(answer: &Value) -> Value {
    match answer {
        Value::Object(map) => Value::Object(
            map.iter()
                .filter(|(name, _)| name.as_str() != REQUEST_ID)
                .map(|(name, value)| (name.clone(), without_id(value)))
                .collect(),
        ),
        Value::Array(items) => Value::Array(items.iter().map(without_id).collect()),
        other => other.clone(),
    }
}

fn hold(fact: &Fact, answer: &Value) -> Result<(), String> {
    let find = |at: &str| answer.pointer(at).ok_or_else(|| format!("there is nothing at {at}"));
    let list = |at: &str| find(at)?.as_array().ok_or_else(|| format!("no list stands at {at}"));
    match fact {
        Fact::Is(at, value) => {
            let found = find(at)?;
            if same(found, value) { Ok(()) } else { Err(format!("at {at}: expected {value}, got {found}")) }
        }
        Fact::Count(at, count) => {
            let found = list(at)?.len();
            if found == *count { Ok(()) } else { Err(format!("at {at}: expected {count} rows, got {found}")) }
        }
        Fact::Every(at, field, value) => {
            let rows = list(at)?;
            if rows.is_empty() {
                return Err(format!("at {at}: expected rows, got none"));
            }
            match rows.iter().find(|row| !row.get(field).is_some_and(|found| same(found, value))) {
                None => Ok(()),
                Some(row) => Err(format!("at {at}: expected {field} = {value} in every row, got {row}")),
            }
        }
        Fact::Column(at, field, values) => {
            let found: Vec<Value> =
                list(at)?.iter().map(|row| row.get(field).cloned().unwrap_or(Value::Null)).collect();
            if found.len() == values.len() && found.iter().zip(values).all(|(found, value)| same(found, value)) {
                Ok(())
            } else {
                Err(format!(
                    "at {at}: expected {field} to be {}, got {}",
                    Value::Array(values.clone()),
                    Value::Array(found)
                ))
            }
        }
        Fact::Lacks(at, field) => match find(at)?.get(field) {
            None => Ok(()),
            Some(_) => Err(format!("at {at}: the field {field} must not be there")),
        },
        Fact::Hash(at) => match find(at)?.as_str() {
            Some(text) if text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) => Ok(()),
            _ => Err(format!("at {at}: expected 32 hexadecimal digits")),
        },
    }
}

/// Equal, where a number may be written as `5` or `5.0`.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => match (one.as_i64(), other.as_i64()) {
            (Some(one), Some(other)) => one == other,
            _ => one.as_f64() == other.as_f64(),
        },
        _ => one == other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn facts_hold_or_say_why_not() {
        let answer =
            json!({"success": true, "data": [{"id": 1, "who": "a", "sum": 5.0}, {"id": 2, "who": "a", "sum": 6}]});
        for (fact, holds) in [
            (Fact::Is("/data/0/sum", json!(5)), true),
            (Fact::Is("/data/0/sum", json!(6)), false),
            (Fact::Is("/nothing", json!(1)), false),
            (Fact::Count("/data", 2), true),
            (Fact::Count("/data", 1), false),
            (Fact::Every("/data", "who", json!("a")), true),
            (Fact::Every("/data", "id", json!(1)), false),
            (Fact::Column("/data", "id", vec![json!(1), json!(2)]), true),
            (Fact::Column("/data", "id", vec![json!(2), json!(1)]), false),
            (Fact::Column("/data", "id", vec![json!(1)]), false),
            (Fact::Lacks("/data/0", "secret"), true),
            (Fact::Lacks("/data/0", "id"), false),
            (Fact::Hash("/data/0/who"), false),
        ] {
            assert_eq!(hold(&fact, &answer).is_ok(), holds, "{fact:?}");
        }
        assert!(judge(&Expect::Answer(vec![]), &answer, None).is_ok());
        assert!(judge(&Expect::Refused(&["X"]), &answer, None).is_err());
    }

    #[test]
    fn refusals_are_compared_without_the_request_id() {
        let one = json!({"success": false, "error": {"code": "NOT_FOUND", "details": {"request_id": "a"}}});
        let two = json!({"success": false, "error": {"code": "NOT_FOUND", "details": {"request_id": "b"}}});
        let other = json!({"success": false, "error": {"code": "CONFLICT", "details": {}}});
        assert!(judge(&Expect::SameAsBefore, &two, Some(&one)).is_ok());
        assert!(judge(&Expect::SameAsBefore, &other, Some(&one)).is_err());
        assert!(judge(&Expect::SameAsBefore, &one, None).is_err());
        assert!(judge(&Expect::Refused(&["CONFLICT", "NOT_FOUND"]), &one, None).is_ok());
        assert!(judge(&Expect::Answer(vec![]), &one, None).is_err());
    }

    #[test]
    fn bodies_are_filled_from_the_answer_before() {
        let body = json!({"cursor": {"$before": "/next"}, "list": [{"$before": "/gone"}], "x": 1});
        let before = json!({"next": "abc"});
        assert_eq!(fill(&body, Some(&before)), json!({"cursor": "abc", "list": [null], "x": 1}));
    }
}
