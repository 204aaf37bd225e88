//! Answers as bytes: rows are copied in as the source wrote them, never parsed again.

use tenantry_policy::{Code, Denied};
use tenantry_source::Answer;

use crate::json::{Json, write_text};
use crate::tools::Shape;

/// The answer to a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// `None` when the call was done, else why not.
    pub code: Option<Code>,
    /// The JSON body: `{"success":true,…}` or `{"success":false,"error":{…}}`.
    pub body: Vec<u8>,
    /// The call's id, as in the audit.
    pub request_id: std::sync::Arc<str>,
    /// How the caller stands with its limit on calls, where it has one.
    pub standing: Option<crate::limits::Standing>,
    /// Seconds after which a call that limits refused may be tried again.
    pub retry_after: Option<u64>,
}

/// The body of a done call.
pub(crate) fn done(shape: Shape, answer: &Answer, cursor: Option<&str>, dry_run: bool) -> Vec<u8> {
    let mut body = Vec::with_capacity(answer.rows.len() + 96);
    body.extend_from_slice(br#"{"success":true,"data":"#);
    let first = || {
        // One row stands alone in the array: its object is what lies between the brackets.
        let inner = answer.rows.get(1..answer.rows.len().saturating_sub(1)).unwrap_or_default();
        if inner.is_empty() { b"null".as_slice() } else { inner }
    };
    match shape {
        Shape::Page => {
            body.extend_from_slice(&answer.rows);
            body.extend_from_slice(br#","next_cursor":"#);
            match cursor {
                Some(cursor) => {
                    // Cursors are URL-safe base64: nothing in them needs escaping.
                    body.push(b'"');
                    body.extend_from_slice(cursor.as_bytes());
                    body.push(b'"');
                }
                None => body.extend_from_slice(b"null"),
            }
            body.extend_from_slice(br#","has_more":"#);
            body.extend_from_slice(truth(answer.has_more));
        }
        Shape::One => {
            body.extend_from_slice(first());
            body.extend_from_slice(br#","found":"#);
            body.extend_from_slice(truth(answer.count > 0));
        }
        Shape::Groups => body.extend_from_slice(&answer.rows),
        Shape::Written => body.extend_from_slice(first()),
        Shape::WrittenMany => {
            body.extend_from_slice(&answer.rows);
            body.extend_from_slice(br#","count":"#);
            body.extend_from_slice(answer.count.to_string().as_bytes());
        }
        Shape::Deleted if dry_run => {
            body.extend_from_slice(br#"{"deleted":false,"would_delete":"#);
            body.extend_from_slice(answer.changes.first().map_or(b"null".as_slice(), |change| &change.key));
            body.push(b'}');
        }
        Shape::Deleted => body.extend_from_slice(br#"{"deleted":true}"#),
    }
    if dry_run {
        body.extend_from_slice(br#","dry_run":true"#);
        if matches!(shape, Shape::Written | Shape::Deleted) {
            body.extend_from_slice(br#","count":"#);
            body.extend_from_slice(answer.changes.len().to_string().as_bytes());
        }
    }
    body.push(b'}');
    body
}

/// The body of a done call whose data is a small document.
pub(crate) fn document(data: &Json) -> Vec<u8> {
    let mut body = String::from(r#"{"success":true,"data":"#);
    data.write(&mut body);
    body.push('}');
    body.into_bytes()
}

/// The body of a refusal. `details` holds the place in the request and the call's id.
#[must_use]
pub fn refusal(denied: &Denied, request_id: &str, more: &[(&str, Json)]) -> Vec<u8> {
    let mut body = String::from(r#"{"success":false,"error":{"code":"#);
    write_text(denied.code.name(), &mut body);
    body.push_str(r#","message":"#);
    write_text(&denied.message, &mut body);
    body.push_str(r#","hints":["#);
    for (at, hint) in denied.hints.iter().enumerate() {
        if at > 0 {
            body.push(',');
        }
        write_text(hint, &mut body);
    }
    body.push_str(r#"],"details":{"request_id":"#);
    write_text(request_id, &mut body);
    if let Some(at) = &denied.at {
        body.push_str(r#","at":"#);
        write_text(at, &mut body);
    }
    for (name, value) in more {
        body.push(',');
        write_text(name, &mut body);
        body.push(':');
        value.write(&mut body);
    }
    body.push_str("}}}");
    body.into_bytes()
}

fn truth(value: bool) -> &'static [u8] {
    if value { b"true" } else { b"false" }
}
