//! JSON-RPC 2.0: one message as it came, and refusals as errors.

use axum::http::StatusCode;
use serde_json::{Value, json};
use tenantry_guard::json::{self, Json};

/// The document is not JSON.
pub(super) const PARSE_ERROR: i32 = -32700;
/// It is no message.
pub(super) const INVALID_REQUEST: i32 = -32600;
/// There is no such method here.
pub(super) const METHOD_NOT_FOUND: i32 = -32601;
/// What the method was given does not fit.
pub(super) const INVALID_PARAMS: i32 = -32602;
/// Our own fault.
pub(super) const INTERNAL_ERROR: i32 = -32603;
/// A header says something else than the body.
pub(super) const HEADER_MISMATCH: i32 = -32020;
/// A revision that is not spoken here.
pub(super) const UNSUPPORTED_VERSION: i32 = -32022;
/// The server's own: the credential does not suffice.
pub(super) const NOT_AUTHORIZED: i32 = -32001;

/// A message from a client.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Message {
    /// Absent for a notification.
    pub(super) id: Option<Json>,
    pub(super) method: String,
    pub(super) params: Vec<(String, Json)>,
}

/// Why a message is not answered with a result.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Refused {
    pub(super) status: StatusCode,
    pub(super) code: i32,
    pub(super) message: String,
    pub(super) data: Option<Box<Value>>,
    pub(super) id: Option<Json>,
}

impl Refused {
    /// A refusal of what the transport carried: answered with 400.
    pub(super) fn bad(code: i32, message: impl Into<String>) -> Refused {
        Refused { status: StatusCode::BAD_REQUEST, code, message: message.into(), data: None, id: None }
    }

    /// A refusal of what a method was given: the transport did its part.
    pub(super) fn error(code: i32, message: impl Into<String>) -> Refused {
        Refused { status: StatusCode::OK, ..Refused::bad(code, message) }
    }

    pub(super) fn with_status(self, status: StatusCode) -> Refused {
        Refused { status, ..self }
    }

    pub(super) fn data(self, data: Value) -> Refused {
        Refused { data: Some(Box::new(data)), ..self }
    }

    /// To the message that it answers.
    pub(super) fn to(self, id: Option<&Json>) -> Refused {
        Refused { id: id.cloned(), ..self }
    }

    /// The error as a document. Without an id where none was read, as the protocol wants it.
    pub(super) fn document(&self) -> Vec<u8> {
        let mut error = json!({ "code": self.code, "message": self.message });
        if let (Some(error), Some(data)) = (error.as_object_mut(), &self.data) {
            error.insert("data".to_owned(), data.as_ref().clone());
        }
        let mut text = String::from(r#"{"jsonrpc":"2.0","#);
        if let Some(id) = &self.id {
            text.push_str(&format!("\"id\":{},", id.to_text()));
        }
        text.push_str(&format!("\"error\":{error}}}"));
        text.into_bytes()
    }
}

/// A result as a document. `result` is JSON already.
pub(super) fn answered(id: &Json, result: &[u8]) -> Vec<u8> {
    let id = id.to_text();
    let mut text = Vec::with_capacity(result.len() + id.len() + 40);
    text.extend_from_slice(br#"{"jsonrpc":"2.0","id":"#);
    text.extend_from_slice(id.as_bytes());
    text.extend_from_slice(br#","result":"#);
    text.extend_from_slice(result);
    text.push(b'}');
    text
}

/// Reads a message, by the same strict reader as every tool's arguments: no key twice, no number that loses a
/// digit, no nesting without end.
pub(super) fn read(body: &[u8]) -> Result<Message, Refused> {
    let document = json::parse(body).map_err(|error| Refused::bad(PARSE_ERROR, error.to_string()))?;
    let invalid = |message: &str| Refused::bad(INVALID_REQUEST, message);
    let members = match document {
        Json::Object(members) => members,
        Json::List(_) => return Err(invalid("messages come one by one: a batch is not taken")),
        _ => return Err(invalid("a message is an object")),
    };
    let mut message = Message { id: None, method: String::new(), params: Vec::new() };
    let (mut version, mut method, mut answer) = (false, false, false);
    let mut wrong = None;
    for (name, value) in members {
        match (name.as_str(), value) {
            ("jsonrpc", Json::Text(text)) if text == "2.0" => version = true,
            ("id", id @ Json::Text(_)) => message.id = Some(id),
            ("id", Json::Number(number)) if number.parse::<i64>().is_ok() => message.id = Some(Json::Number(number)),
            ("method", Json::Text(text)) => (message.method, method) = (text, true),
            ("params", Json::Object(params)) => message.params = params,
            ("result" | "error", _) => answer = true,
            ("jsonrpc", _) => wrong = Some("`jsonrpc` must be \"2.0\""),
            ("id", _) => wrong = Some("`id` must be a text or a whole number"),
            ("method", _) => wrong = Some("`method` must be a text"),
            ("params", _) => wrong = Some("`params` must be an object"),
            _ => wrong = Some("a message has `jsonrpc`, `id`, `method` and `params`, and no other member"),
        }
    }
    let wrong = match (wrong, version, method) {
        (Some(wrong), ..) => Some(wrong),
        (None, false, _) => Some("`jsonrpc` must be \"2.0\""),
        (None, true, _) if answer => Some("nothing was asked of the client, so it has nothing to answer"),
        (None, true, false) => Some("`method` is missing"),
        (None, true, true) => None,
    };
    match wrong {
        Some(wrong) => Err(invalid(wrong).to(message.id.as_ref())),
        None => Ok(message),
    }
}

impl Message {
    /// A member of `params`.
    pub(super) fn param(&self, name: &str) -> Option<&Json> {
        member(&self.params, name)
    }

    /// A member of `params` that is a text.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        match self.param(name) {
            Some(Json::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// A member of `params._meta`.
    pub(super) fn meta(&self, name: &str) -> Option<&Json> {
        match self.param("_meta") {
            Some(Json::Object(members)) => member(members, name),
            _ => None,
        }
    }
}

fn member<'j>(members: &'j [(String, Json)], name: &str) -> Option<&'j Json> {
    members.iter().find(|(known, _)| known == name).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_read_strictly() {
        let message = read(br#"{"jsonrpc":"2.0","id":7,"method":"tools/list","params":{"_meta":{"a":1.50}}}"#).unwrap();
        assert_eq!((message.method.as_str(), message.id.clone()), ("tools/list", Some(Json::Number("7".to_owned()))));
        assert_eq!(message.meta("a"), Some(&Json::Number("1.50".to_owned())));
        assert_eq!(read(br#"{"jsonrpc":"2.0","method":"notifications/x"}"#).unwrap().id, None);
        for (bad, code) in [
            ("", PARSE_ERROR),
            ("{", PARSE_ERROR),
            (r#"{"jsonrpc":"2.0","jsonrpc":"2.0","id":1,"method":"ping"}"#, PARSE_ERROR),
            (r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get","name":"delete"}}"#, PARSE_ERROR),
            (r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#, INVALID_REQUEST),
            ("1", INVALID_REQUEST),
            (r#"{"id":1,"method":"ping"}"#, INVALID_REQUEST),
            (r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#, INVALID_REQUEST),
            (r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, INVALID_REQUEST),
            (r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#, INVALID_REQUEST),
            (r#"{"jsonrpc":"2.0","id":{},"method":"ping"}"#, INVALID_REQUEST),
            (r#"{"jsonrpc":"2.0","id":1}"#, INVALID_REQUEST),
            (r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}"#, INVALID_REQUEST),
            (r#"{"jsonrpc":"2.0","id":1,"method":"ping","extra":1}"#, INVALID_REQUEST),
            (r#"{"jsonrpc":"2.0","id":1,"result":{}}"#, INVALID_REQUEST),
        ] {
            assert_eq!(read(bad.as_bytes()).unwrap_err().code, code, "{bad}");
        }
        let deep =
            format!(r#"{{"jsonrpc":"2.0","id":1,"method":"x","params":{{"a":{}{}}}}}"#, "[".repeat(40), "]".repeat(40));
        assert_eq!(read(deep.as_bytes()).unwrap_err().code, PARSE_ERROR);
    }

    #[test]
    fn refusals_name_the_message_where_it_was_read() {
        let refused = read(br#"{"jsonrpc":"2.0","id":"a\"b","method":1}"#).unwrap_err();
        let document: Value = serde_json::from_slice(&refused.document()).unwrap();
        assert_eq!((document["id"].as_str(), document["error"]["code"].as_i64()), (Some("a\"b"), Some(-32600)));
        let document: Value = serde_json::from_slice(&read(b"{").unwrap_err().document()).unwrap();
        assert_eq!(document.get("id"), None);
    }
}
