//! What headers say of the body: the same, or the request is refused. Nothing is decided by a header alone.

use axum::http::{HeaderMap, HeaderName};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use tenantry_guard::json::Json;

use crate::mcp::revision::Revision;
use crate::mcp::rpc::{HEADER_MISMATCH, INVALID_PARAMS, Message, Refused, UNSUPPORTED_VERSION};

const VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
const METHOD: HeaderName = HeaderName::from_static("mcp-method");
const NAME: HeaderName = HeaderName::from_static("mcp-name");

/// The member of `_meta` that names the revision.
const META_VERSION: &str = "io.modelcontextprotocol/protocolVersion";
/// The member of `_meta` that says what the client can do.
const META_CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";

/// A header of which there must not be two: whoever sits between must not be able to choose.
fn single<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Result<Option<&'h str>, Refused> {
    let mut all = headers.get_all(name).iter();
    match (all.next(), all.next()) {
        (None, _) => Ok(None),
        (Some(only), None) => match only.to_str() {
            Ok(text) => Ok(Some(text.trim_matches([' ', '\t']))),
            Err(_) => Err(mismatch(name, "is not text")),
        },
        (Some(_), Some(_)) => Err(mismatch(name, "stands there twice")),
    }
}

fn mismatch(name: &HeaderName, what: &str) -> Refused {
    Refused::bad(HEADER_MISMATCH, format!("the header `{name}` {what}"))
}

/// The revision that a message is of, when headers and body agree.
///
/// # Errors
/// What does not agree, or is missing.
pub(super) fn agree(headers: &HeaderMap, message: &Message) -> Result<Revision, Refused> {
    let revision = revision(headers, message)?;
    let must = revision == Revision::Stateless && message.id.is_some();
    equal(single(headers, &METHOD)?, Some(&message.method), must, &METHOD)?;
    let named = match message.method.as_str() {
        "tools/call" | "prompts/get" => message.text("name"),
        "resources/read" => message.text("uri"),
        _ => None,
    };
    let name = single(headers, &NAME)?.map(decoded).transpose()?;
    equal(name.as_deref(), named, must && named.is_some(), &NAME)?;
    if must && !matches!(message.meta(META_CAPABILITIES), Some(Json::Object(_))) {
        return Err(Refused::bad(INVALID_PARAMS, format!("`params._meta` needs `{META_CAPABILITIES}`, an object")));
    }
    Ok(revision)
}

fn equal(header: Option<&str>, body: Option<&str>, must: bool, name: &HeaderName) -> Result<(), Refused> {
    match (header, body) {
        (None, _) if must => Err(mismatch(name, "is missing")),
        (Some(header), body) if Some(header) != body => Err(mismatch(name, "does not equal the body")),
        _ => Ok(()),
    }
}

fn revision(headers: &HeaderMap, message: &Message) -> Result<Revision, Refused> {
    let header = single(headers, &VERSION)?;
    let body = match message.meta(META_VERSION) {
        Some(Json::Text(text)) => Some(text.as_str()),
        Some(_) => return Err(Refused::bad(INVALID_PARAMS, format!("`{META_VERSION}` must be a text"))),
        // Before there was `_meta`, the handshake named it.
        None if message.method == "initialize" && header.is_some() => message.text("protocolVersion"),
        None => None,
    };
    match (header, body) {
        (Some(header), Some(body)) if header != body => Err(mismatch(&VERSION, "does not equal the body")),
        (None, Some(_)) => Err(mismatch(&VERSION, "is missing")),
        (Some(said), known) => match (Revision::parse(said), known) {
            // A notification has no version in its body.
            (Some(Revision::Stateless), None) if message.id.is_some() => {
                Err(Refused::bad(INVALID_PARAMS, format!("`params._meta` needs `{META_VERSION}`")))
            }
            (Some(revision), _) => Ok(revision),
            (None, _) if message.method == "initialize" => Ok(Revision::Handshake),
            (None, _) => Err(unsupported(said)),
        },
        // Clients of the older revision leave the header out until they know which it is.
        (None, None) => Ok(Revision::Handshake),
    }
}

fn unsupported(requested: &str) -> Refused {
    let supported: Vec<&str> = Revision::ALL.into_iter().map(Revision::name).collect();
    let requested: String = requested.chars().take(64).collect();
    Refused::bad(UNSUPPORTED_VERSION, "this revision of the protocol is not spoken here")
        .data(json!({ "supported": supported, "requested": requested }))
}

/// A header's value: as it stands, or what `=?base64?…?=` holds.
fn decoded(value: &str) -> Result<String, Refused> {
    let Some(inner) = value.strip_prefix("=?base64?").and_then(|rest| rest.strip_suffix("?=")) else {
        return Ok(value.to_owned());
    };
    let bytes = STANDARD.decode(inner).map_err(|_| mismatch(&NAME, "is not base64"))?;
    String::from_utf8(bytes).map_err(|_| mismatch(&NAME, "is not text"))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;
    use crate::mcp::rpc::read;

    fn call(meta: &str) -> Message {
        let text = format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"get","arguments":{{}}{meta}}}}}"#
        );
        read(text.as_bytes()).unwrap()
    }

    const META: &str = r#","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}"#;

    fn headers(all: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in all {
            headers.append(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    #[test]
    fn a_header_that_says_something_else_than_the_body_is_refused() {
        let good = [("mcp-protocol-version", "2026-07-28"), ("mcp-method", "tools/call"), ("mcp-name", "get")];
        assert_eq!(agree(&headers(&good), &call(META)), Ok(Revision::Stateless));
        let with = |at: usize, value| {
            let mut all = good;
            all[at].1 = value;
            agree(&headers(&all), &call(META)).unwrap_err().code
        };
        assert_eq!(with(0, "2025-11-25"), HEADER_MISMATCH);
        assert_eq!(with(1, "tools/list"), HEADER_MISMATCH);
        assert_eq!(with(1, "TOOLS/CALL"), HEADER_MISMATCH);
        assert_eq!(with(2, "query"), HEADER_MISMATCH);
        assert_eq!(with(2, "=?base64?!!?="), HEADER_MISMATCH);
        for left_out in 0..good.len() {
            let some: Vec<_> = good.iter().enumerate().filter(|(at, _)| *at != left_out).map(|(_, one)| *one).collect();
            assert_eq!(agree(&headers(&some), &call(META)).unwrap_err().code, HEADER_MISMATCH, "{left_out}");
        }
        for twice in good {
            let all: Vec<_> = good.into_iter().chain([twice]).collect();
            assert_eq!(agree(&headers(&all), &call(META)).unwrap_err().code, HEADER_MISMATCH, "{twice:?}");
        }
        let mut encoded = good;
        encoded[2].1 = "=?base64?Z2V0?=";
        assert_eq!(agree(&headers(&encoded), &call(META)), Ok(Revision::Stateless));
    }

    #[test]
    fn the_revision_is_the_one_that_both_name() {
        assert_eq!(agree(&HeaderMap::new(), &call("")), Ok(Revision::Handshake));
        assert_eq!(agree(&headers(&[("mcp-protocol-version", "2025-11-25")]), &call("")), Ok(Revision::Handshake));
        let newest = [("mcp-protocol-version", "2026-07-28")];
        assert_eq!(agree(&headers(&newest), &call("")).unwrap_err().code, INVALID_PARAMS);
        let unknown = agree(&headers(&[("mcp-protocol-version", "v9")]), &call("")).unwrap_err();
        assert_eq!((unknown.code, unknown.data.unwrap()["requested"].as_str()), (UNSUPPORTED_VERSION, Some("v9")));
        // The older revision, too, is refused when what it does say differs.
        let named = [("mcp-protocol-version", "2025-11-25"), ("mcp-name", "delete")];
        assert_eq!(agree(&headers(&named), &call("")).unwrap_err().code, HEADER_MISMATCH);
    }
}
