//! Messages from standard input to the server, and its answers to standard output, one a line.

use std::sync::Arc;

use serde_json::{Value, json};
use tenantry_eval::{Asked, Told};
use tenantry_guard::json::{self as strict, Json};
use tokio::sync::Mutex;
use tokio::task::JoinSet;

use super::credential::Credential;
use crate::commands::Run;
use crate::http::Server;
use crate::output::{Failure, Output};

/// Messages under way at once.
const AT_ONCE: usize = 8;

/// A fault of the way between client and server.
const NO_ANSWER: i32 = -32000;
/// The server took the credential for none, or for too little.
const NOT_AUTHORIZED: i32 = -32001;

/// Carries messages until the input ends; answers how many.
///
/// # Errors
/// Standard output cannot be written.
pub(super) async fn carry(run: Run<'_>, server: Server, credential: Credential<'_>) -> Result<u64, Failure> {
    let mut lines = run.environment.lines(strict::LARGEST);
    let server = Arc::new(server);
    let mut credential = credential;
    let revision: Arc<Mutex<Option<String>>> = Arc::default();
    let mut under_way: JoinSet<Carried> = JoinSet::new();
    let mut count: u64 = 0;
    let mut open = true;
    while open || !under_way.is_empty() {
        tokio::select! {
            line = lines.recv(), if open && under_way.len() < AT_ONCE => match line {
                None => open = false,
                Some(Ok(line)) if line.iter().all(u8::is_ascii_whitespace) => {}
                Some(Ok(line)) => {
                    count = count.saturating_add(1);
                    let message = Message::of(line);
                    match credential.token().await {
                        Ok(token) => {
                            let (server, revision) = (Arc::clone(&server), Arc::clone(&revision));
                            under_way.spawn(send(server, revision, message, token));
                        }
                        Err(failure) => {
                            write(run, message.failed(NOT_AUTHORIZED, &failure.message, None))?;
                        }
                    }
                }
                Some(Err(error)) => {
                    write(run, Message::of(Vec::new()).failed(-32700, &error.to_string(), None))?;
                }
            },
            Some(done) = under_way.join_next() => match done {
                Ok(carried) => {
                    if carried.refused {
                        credential.refused(&carried.token);
                        // Once more with another token, where there is another: nothing was done.
                        if let (false, Ok(token)) = (carried.message.tried, credential.token().await)
                            && token != carried.token
                        {
                            let (server, revision) = (Arc::clone(&server), Arc::clone(&revision));
                            let message = Message { tried: true, ..carried.message };
                            under_way.spawn(send(server, revision, message, token));
                            continue;
                        }
                    }
                    tell(run.output, &carried);
                    if let Some(answer) = carried.answer {
                        write(run, Some(answer))?;
                    }
                }
                Err(error) => tracing::error!(%error, "a message was lost"),
            },
        }
    }
    Ok(count)
}

/// Says on standard error what has no place in an answer.
fn tell(output: &Output, carried: &Carried) {
    if let (None, Some(why)) = (&carried.answer, &carried.why) {
        output.warn(why);
    }
}

fn write(run: Run<'_>, answer: Option<Vec<u8>>) -> Result<(), Failure> {
    let Some(mut line) = answer else { return Ok(()) };
    // Line ends inside a document would make two messages of it.
    line.retain(|byte| !matches!(byte, b'\n' | b'\r'));
    line.push(b'\n');
    run.environment
        .stdout
        .write(&line)
        .map_err(|error| Failure::failed("OUTPUT", format!("standard output cannot be written: {}", error.kind())))
}

/// A message from the client, with what its headers must say.
struct Message {
    body: Vec<u8>,
    id: Option<Json>,
    method: Option<String>,
    /// `Mcp-Name`.
    name: Option<String>,
    /// The revision that its body names.
    revision: Option<String>,
    tried: bool,
}

/// What became of a message.
struct Carried {
    message: Message,
    token: String,
    answer: Option<Vec<u8>>,
    refused: bool,
    /// The revision that the server chose.
    why: Option<String>,
}

impl Message {
    /// Looks at a line as far as headers need it. One that is no message goes to the server as it is, which says so.
    fn of(line: Vec<u8>) -> Message {
        let read = strict::parse(&line).ok();
        let member = |object: Option<&Json>, name: &str| match object {
            Some(Json::Object(members)) => {
                members.iter().find(|(known, _)| known == name).map(|(_, json)| json.clone())
            }
            _ => None,
        };
        let text = |json: Option<Json>| match json {
            Some(Json::Text(text)) => Some(text),
            _ => None,
        };
        let params = member(read.as_ref(), "params");
        let meta = member(params.as_ref(), "_meta");
        let method = text(member(read.as_ref(), "method"));
        let name = match method.as_deref() {
            Some("tools/call" | "prompts/get") => text(member(params.as_ref(), "name")),
            Some("resources/read") => text(member(params.as_ref(), "uri")),
            _ => None,
        };
        Message {
            id: member(read.as_ref(), "id"),
            revision: text(member(meta.as_ref(), "io.modelcontextprotocol/protocolVersion")),
            method,
            name,
            body: line,
            tried: false,
        }
    }

    /// The error that answers it; a notification has no answer.
    fn failed(&self, code: i32, message: &str, data: Option<Value>) -> Option<Vec<u8>> {
        if self.id.is_none() && self.method.is_some() {
            return None;
        }
        let mut error = json!({ "code": code, "message": message });
        if let (Some(error), Some(data)) = (error.as_object_mut(), data) {
            error.insert("data".to_owned(), data);
        }
        let id = self.id.as_ref().map_or_else(|| "null".to_owned(), Json::to_text);
        Some(format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"error\":{error}}}").into_bytes())
    }
}

/// A header's value: what is not plain text is written as base64.
fn encoded(value: &str) -> String {
    use base64::Engine;
    let plain = value.chars().all(|c| (' '..='~').contains(&c))
        && value.trim() == value
        && !(value.starts_with("=?base64?") && value.ends_with("?="));
    if plain {
        return value.to_owned();
    }
    ["=?base64?", &base64::engine::general_purpose::STANDARD.encode(value), "?="].concat()
}

async fn send(server: Arc<Server>, agreed: Arc<Mutex<Option<String>>>, message: Message, token: String) -> Carried {
    let mut headers = vec![
        ("authorization".to_owned(), ["Bearer ", &token].concat()),
        ("content-type".to_owned(), "application/json".to_owned()),
        ("accept".to_owned(), "application/json, text/event-stream".to_owned()),
    ];
    let revision = match &message.revision {
        Some(named) => Some(named.clone()),
        None if message.method.as_deref() == Some("initialize") => None,
        None => agreed.lock().await.clone(),
    };
    for (name, value) in
        [("mcp-protocol-version", revision), ("mcp-method", message.method.clone()), ("mcp-name", message.name.clone())]
    {
        if let Some(value) = value {
            headers.push((name.to_owned(), encoded(&value)));
        }
    }
    let asked = Asked { method: "POST".to_owned(), path: "/mcp".to_owned(), headers, body: message.body.clone() };
    let told = server.send_once(&asked).await;
    let mut carried = Carried { message, token, answer: None, refused: false, why: None };
    match told {
        Ok(told) => {
            if carried.message.method.as_deref() == Some("initialize")
                && let Some(version) = version_of(&told.body)
            {
                *agreed.lock().await = Some(version);
            }
            carried.refused = told.status == 401;
            answered(&mut carried, told);
        }
        Err(error) => {
            let why = format!("the server did not answer: {error}. Whether a write was done is not known.");
            carried.answer = carried.message.failed(NO_ANSWER, &why, None);
            carried.why = Some(why);
        }
    }
    carried
}

/// The revision that an answer to `initialize` names.
fn version_of(body: &[u8]) -> Option<String> {
    let answer: Value = serde_json::from_slice(body).ok()?;
    answer.pointer("/result/protocolVersion")?.as_str().map(str::to_owned)
}

/// Turns the server's answer into the client's: messages as they are, refusals of the way as errors.
fn answered(carried: &mut Carried, told: Told) {
    if told.status == 202 {
        return;
    }
    // Digits are not touched: only its kind is looked at.
    let kind: Option<Kind> = serde_json::from_slice(&told.body).ok();
    match kind {
        Some(Kind { jsonrpc: Some(_), .. }) => carried.answer = Some(told.body),
        other => {
            let error = other.and_then(|kind| kind.error);
            let said = error.as_ref().and_then(|error| error.get("message")).and_then(Value::as_str);
            let why = match said {
                Some(said) => format!("the server answered {}: {said}", told.status),
                None => format!("the server answered {}", told.status),
            };
            let code = if matches!(told.status, 401 | 403) { NOT_AUTHORIZED } else { NO_ANSWER };
            carried.answer = carried.message.failed(code, &why, error);
            carried.why = Some(why);
        }
    }
}

#[derive(serde::Deserialize)]
struct Kind {
    jsonrpc: Option<String>,
    error: Option<Value>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_say_what_the_body_says() {
        let line = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"gét","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}"#;
        let message = Message::of(line.as_bytes().to_vec());
        assert_eq!(
            (message.method.as_deref(), message.name.as_deref(), message.revision.as_deref()),
            (Some("tools/call"), Some("gét"), Some("2026-07-28"))
        );
        assert_eq!(encoded("gét"), "=?base64?Z8OpdA==?=");
        assert_eq!(encoded("get"), "get");
        assert_eq!(encoded("=?base64?Z2V0?="), "=?base64?PT9iYXNlNjQ/WjJWMD89?=");
    }

    #[test]
    fn only_what_was_asked_is_answered() {
        let notification = Message::of(br#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#.to_vec());
        assert_eq!(notification.failed(1, "x", None), None);
        let broken = Message::of(b"{".to_vec()).failed(-32700, "x", None).unwrap();
        assert_eq!(
            String::from_utf8(broken).unwrap(),
            r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"x"}}"#
        );
    }
}
