//! Exact comparison of JSON: numbers by their digits, objects whatever their order.

use tenantry_guard::json::Json;

/// Stands for any value that is not null, in what a scenario expects.
const ANYTHING: &str = "*";

pub fn fits(got: &Json, expected: &Json) -> bool {
    match (got, expected) {
        (Json::Null, Json::Text(text)) if text == ANYTHING => false,
        (_, Json::Text(text)) if text == ANYTHING => true,
        (Json::List(got), Json::List(expected)) => {
            got.len() == expected.len() && got.iter().zip(expected).all(|(got, expected)| fits(got, expected))
        }
        (Json::Object(got), Json::Object(expected)) => {
            got.len() == expected.len()
                && expected.iter().all(|(name, expected)| {
                    got.iter().find(|(known, _)| known == name).is_some_and(|(_, got)| fits(got, expected))
                })
        }
        _ => got == expected,
    }
}

pub fn member<'j>(json: &'j Json, name: &str) -> Option<&'j Json> {
    match json {
        Json::Object(members) => members.iter().find(|(known, _)| known == name).map(|(_, value)| value),
        _ => None,
    }
}

/// The value at `/a/0/b`.
pub fn pointer<'j>(json: &'j Json, path: &str) -> Option<&'j Json> {
    path.split('/').skip(1).try_fold(json, |here, step| match here {
        Json::List(items) => items.get(step.parse::<usize>().ok()?),
        other => member(other, step),
    })
}

/// A value as it stands in another request: text without its quotes.
pub fn plain(json: &Json) -> String {
    match json {
        Json::Text(text) => text.clone(),
        other => other.to_text(),
    }
}

/// The first moment of the test's clock, which goes on by a microsecond at each look.
const NOW: &str = "2026-01-01T00:00:00.";

/// The answer without what is new in each call: the request's id, cursors, ids of approvals, the time.
pub fn lasting(body: &str, request_id: &str) -> String {
    let mut text = body.replace(request_id, "REQUEST");
    for name in ["\"next_cursor\":\"", "\"approval_id\":\""] {
        let mut from = 0;
        while let Some(at) = text[from..].find(name) {
            let start = from + at + name.len();
            let end = start + text[start..].find('"').unwrap_or(0);
            text.replace_range(start..end, "NEW");
            from = start;
        }
    }
    let mut from = 0;
    while let Some(at) = text[from..].find(NOW) {
        from += at + NOW.len();
        let digits = text[from..].chars().take_while(char::is_ascii_digit).count();
        text.replace_range(from..from + digits, "NOW");
    }
    text
}

/// Replaces `{{name}}` by what was saved, `{{3*text}}` by `texttexttext`, and `{{byte FF}}` by that byte.
pub fn fill(text: &str, saved: &[(String, String)]) -> Result<Vec<u8>, String> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        out.extend_from_slice(before.as_bytes());
        let (word, after) = after.split_once("}}").ok_or("`{{` without `}}`")?;
        let repeated = word.split_once('*').and_then(|(count, text)| Some((count.parse::<usize>().ok()?, text)));
        if let Some((count, text)) = repeated {
            out.extend_from_slice(text.repeat(count).as_bytes());
        } else if let Some(digits) = word.strip_prefix("byte ") {
            out.push(u8::from_str_radix(digits, 16).map_err(|_| format!("`{word}` is no byte"))?);
        } else {
            let (_, value) =
                saved.iter().rfind(|(name, _)| name == word).ok_or_else(|| format!("no `{word}` saved"))?;
            out.extend_from_slice(value.as_bytes());
        }
        rest = after;
    }
    out.extend_from_slice(rest.as_bytes());
    Ok(out)
}

/// The same, where text comes out.
pub fn fill_text(text: &str, saved: &[(String, String)]) -> Result<String, String> {
    String::from_utf8(fill(text, saved)?).map_err(|_| "not UTF-8".to_owned())
}
