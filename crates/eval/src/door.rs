//! The doors that calls are made at: the guard in this process, or a server over HTTP.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;

use serde_json::Value;
use tenantry_guard::Guard;
use tenantry_policy::{Bound, Code};

/// An answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// `None` when the call was done, else why not.
    pub code: Option<Code>,
    /// The HTTP status; 0 where there was no HTTP.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
    /// The body as JSON; null when it is none.
    pub json: Value,
}

impl Answer {
    /// The call's id, as a refusal names it.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.json.pointer("/error/details/request_id").and_then(Value::as_str)
    }
}

/// There was no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoAnswer {
    /// Nobody of that name can call at this door.
    #[error("nobody called `{0}` can call here")]
    Unknown(String),
    /// The server did not answer.
    #[error("no answer: {0}")]
    Unreachable(String),
}

/// Where calls of the data tools are made.
pub trait Door: Sync {
    /// Makes one call as somebody.
    fn call(&self, who: &str, tool: &str, body: &[u8]) -> impl Future<Output = Result<Answer, NoAnswer>> + Send;
}

/// The guard in this process.
pub struct AtGuard<'a> {
    guard: &'a Guard,
    people: BTreeMap<String, Arc<Bound>>,
}

impl<'a> AtGuard<'a> {
    /// The guard, and who may call by which name.
    #[must_use]
    pub fn new(guard: &'a Guard, people: BTreeMap<String, Arc<Bound>>) -> AtGuard<'a> {
        AtGuard { guard, people }
    }
}

impl Door for AtGuard<'_> {
    async fn call(&self, who: &str, tool: &str, body: &[u8]) -> Result<Answer, NoAnswer> {
        let bound = self.people.get(who).ok_or_else(|| NoAnswer::Unknown(who.to_owned()))?;
        let reply = self.guard.call(bound, tool, body).await;
        let json = serde_json::from_slice(&reply.body).unwrap_or(Value::Null);
        Ok(Answer { code: reply.code, status: 0, body: reply.body, json })
    }
}

/// One HTTP request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The method.
    pub method: String,
    /// Path and query, encoded.
    pub path: String,
    /// The headers, but for `Host` and `Content-Length`.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// One HTTP answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// What carries requests to a server: a socket, or the server's own router in this process.
pub trait Wire: Sync {
    /// Sends a request as it is and reads the whole answer. Waits out a server that asks for a pause.
    fn send(&self, asked: Asked) -> impl Future<Output = Result<Told, NoAnswer>> + Send;
}

/// A server, and the tokens of those who call.
pub struct OverWire<'a, W: Wire> {
    wire: &'a W,
    tokens: BTreeMap<String, String>,
}

impl<'a, W: Wire> OverWire<'a, W> {
    /// A server, and who calls with which token.
    #[must_use]
    pub fn new(wire: &'a W, tokens: BTreeMap<String, String>) -> OverWire<'a, W> {
        OverWire { wire, tokens }
    }
}

impl<W: Wire> Door for OverWire<'_, W> {
    async fn call(&self, who: &str, tool: &str, body: &[u8]) -> Result<Answer, NoAnswer> {
        let token = self.tokens.get(who).ok_or_else(|| NoAnswer::Unknown(who.to_owned()))?;
        self.wire.send(tool_call(token, tool, body.to_vec())).await.map(answer)
    }
}

/// The request that calls a tool.
#[must_use]
pub fn tool_call(token: &str, tool: &str, body: Vec<u8>) -> Asked {
    Asked {
        method: "POST".to_owned(),
        path: ["/app/v1/tools/", &encoded(tool)].concat(),
        headers: vec![
            ("authorization".to_owned(), ["Bearer ", token].concat()),
            ("content-type".to_owned(), "application/json".to_owned()),
        ],
        body,
    }
}

/// A part of a path: everything but letters, digits, `-` and `_` percent-encoded, dots too.
#[must_use]
pub fn encoded(part: &str) -> String {
    let mut text = String::with_capacity(part.len());
    for byte in part.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_') {
            text.push(char::from(byte));
        } else {
            text.push('%');
            for nibble in [byte >> 4, byte & 15] {
                text.push(char::from_digit(u32::from(nibble), 16).unwrap_or('0').to_ascii_uppercase());
            }
        }
    }
    text
}

/// A tool's answer as it came over HTTP. One that is none of ours counts as our fault: nothing that a
/// caller sends may lead to such.
pub(crate) fn answer(told: Told) -> Answer {
    let json: Value = serde_json::from_slice(&told.body).unwrap_or(Value::Null);
    let code = match json.get("success").and_then(Value::as_bool) {
        Some(true) if told.status < 300 => None,
        _ => {
            let named = json.pointer("/error/code").and_then(Value::as_str).and_then(Code::parse);
            Some(named.unwrap_or(Code::InternalError))
        }
    };
    Answer { code, status: told.status, body: told.body, json }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tools_name_never_leaves_its_part_of_the_path() {
        let asked = tool_call("t", "../a b?\u{202e}", Vec::new());
        assert_eq!(asked.path, "/app/v1/tools/%2E%2E%2Fa%20b%3F%E2%80%AE");
    }

    #[test]
    fn an_answer_of_nobody_is_our_fault() {
        let told = |status, body: &str| Told { status, headers: Vec::new(), body: body.as_bytes().to_vec() };
        assert_eq!(answer(told(200, r#"{"success":true,"data":[]}"#)).code, None);
        assert_eq!(answer(told(200, "<html>")).code, Some(Code::InternalError));
        assert_eq!(answer(told(502, r#"{"success":true}"#)).code, Some(Code::InternalError));
        let refused = told(403, r#"{"success":false,"error":{"code":"FIELD_NOT_ALLOWED"}}"#);
        assert_eq!(answer(refused).code, Some(Code::FieldNotAllowed));
    }
}
