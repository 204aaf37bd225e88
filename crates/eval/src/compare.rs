//! Are two answers the same, but for what differs from call to call?

use serde_json::Value;

use crate::door::Answer;

/// An answer's text without what differs from call to call: ids, cursors, and the words in `hiding`.
pub(crate) fn comparable(answer: &Answer, hiding: &[(String, &str)]) -> String {
    let mut text = String::from_utf8_lossy(&answer.body).into_owned();
    let json = &answer.json;
    for place in ["/error/details/request_id", "/error/details/approval_id", "/next_cursor"] {
        if let Some(word) = json.pointer(place).and_then(Value::as_str).filter(|word| !word.is_empty()) {
            text = text.replace(word, "ID");
        }
    }
    if !hiding.is_empty() {
        // A guess at what was meant depends on how a word is spelt, not on what it names.
        for hint in json.pointer("/error/hints").and_then(Value::as_array).into_iter().flatten() {
            if let Some(hint) = hint.as_str().filter(|hint| hint.starts_with("did you mean")) {
                text = text.replace(&[Value::from(hint).to_string().as_str(), ","].concat(), "");
            }
        }
    }
    for (word, stands_for) in hiding {
        text = text.replace(word.as_str(), stands_for);
    }
    text
}

/// How an answer differs from another; `None` when it does not.
pub(crate) fn differ(answer: &Answer, twin: &Answer, hiding: &[(String, String)]) -> Option<(String, String)> {
    let ours: Vec<_> = hiding.iter().map(|(word, _)| (word.clone(), "WORD")).collect();
    let theirs: Vec<_> = hiding.iter().map(|(_, word)| (word.clone(), "WORD")).collect();
    let (a, b) = (comparable(answer, &ours), comparable(twin, &theirs));
    (answer.code != twin.code || answer.status != twin.status || a != b).then(|| (told(answer, &a), told(twin, &b)))
}

fn told(answer: &Answer, text: &str) -> String {
    format!("{} {text}", answer.code.map_or("done", |code| code.name()))
}

/// The objects of an answer's data: one row, or several.
pub(crate) fn rows(data: &Value) -> impl Iterator<Item = &serde_json::Map<String, Value>> {
    let many = data.as_array().map_or(&[] as &[Value], Vec::as_slice);
    many.iter().filter_map(Value::as_object).chain(data.as_object())
}
