//! Requests to the OAuth endpoints: JSON or form, with or without `Authorization: Basic`.

use std::fmt;
use std::net::IpAddr;

use axum::body::Body;
use axum::http::{HeaderMap, Request, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http_body_util::{BodyExt, Limited};
use serde::de::{Deserializer, MapAccess, Visitor};
use tenantry_identity::oauth::{OAuthError, OAuthKind, OAuthRequest, Params};

use crate::app::App;
use crate::body::SLOWEST;
use crate::serve::Peer;

/// The largest body that is read: two tokens of 16 KiB and an assertion fit, escaped.
const LARGEST: usize = 128 * 1024;

fn invalid(description: impl Into<String>) -> OAuthError {
    OAuthError { kind: OAuthKind::InvalidRequest, description: description.into() }
}

/// A request, read. The refusal when it cannot be.
pub(crate) async fn read(app: &App, request: Request<Body>) -> Result<OAuthRequest, OAuthError> {
    let (parts, body) = request.into_parts();
    let collected = tokio::time::timeout(SLOWEST, Limited::new(body, LARGEST).collect()).await;
    let body = match collected {
        Ok(Ok(body)) => body.to_bytes(),
        _ => return Err(invalid("The body did not arrive whole, or is too large.")),
    };
    let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let params = match kind.as_str() {
        "application/json" => of_json(&body)?,
        "application/x-www-form-urlencoded" => of_form(&body)?,
        _ if body.is_empty() => Params::new(),
        _ => return Err(invalid("The body must be application/x-www-form-urlencoded or application/json.")),
    };
    Ok(OAuthRequest {
        params,
        basic: basic(&parts.headers)?,
        address: address(&parts.extensions),
        user_agent: parts.headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).map(str::to_owned),
        request_id: app.request_id(),
    })
}

fn address(extensions: &axum::http::Extensions) -> Option<IpAddr> {
    extensions.get::<Peer>().map(|peer| peer.0)
}

/// Client id and secret of the one `Authorization: Basic` header, each form-encoded in it (RFC 6749,
/// section 2.3.1).
fn basic(headers: &HeaderMap) -> Result<Option<(String, zeroize::Zeroizing<String>)>, OAuthError> {
    let mut all = headers.get_all(header::AUTHORIZATION).iter();
    let only = match (all.next(), all.next()) {
        (None, _) => return Ok(None),
        (Some(only), None) => only,
        _ => return Err(invalid("More than one Authorization header.")),
    };
    let wrong = || OAuthError { kind: OAuthKind::Unauthorized, description: "Unauthorized".to_owned() };
    let (scheme, credentials) = only.to_str().map_err(|_| wrong())?.split_once(' ').ok_or_else(wrong)?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(wrong());
    }
    let bytes = STANDARD.decode(credentials.trim()).map_err(|_| wrong())?;
    let text = zeroize::Zeroizing::new(String::from_utf8(bytes).map_err(|_| wrong())?);
    let (id, secret) = text.split_once(':').ok_or_else(wrong)?;
    let decoded = |part: &str| {
        let part = part.replace('+', " ");
        percent_encoding::percent_decode_str(&part).decode_utf8().map(|text| text.into_owned()).map_err(|_| wrong())
    };
    // Many clients send the secret as it is. Ours hold no character that decoding would change.
    Ok(Some((decoded(id)?, zeroize::Zeroizing::new(decoded(secret)?))))
}

fn of_form(body: &[u8]) -> Result<Params, OAuthError> {
    let text = std::str::from_utf8(body).map_err(|_| invalid("The body is not UTF-8."))?;
    let mut params = Params::new();
    for (name, value) in url::form_urlencoded::parse(text.as_bytes()) {
        params.add(&name, value.into_owned())?;
    }
    Ok(params)
}

/// A JSON object's members: each once, and each a text, a number or a boolean.
struct Members(Vec<(String, String)>);

impl<'de> serde::Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Members, D::Error> {
        deserializer.deserialize_map(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Members;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut items: A) -> Result<Members, A::Error> {
        let mut members = Vec::new();
        while let Some(name) = items.next_key::<String>()? {
            let value = match items.next_value::<serde_json::Value>()? {
                serde_json::Value::Null => continue,
                serde_json::Value::String(text) => text,
                value @ (serde_json::Value::Number(_) | serde_json::Value::Bool(_)) => value.to_string(),
                _ => return Err(serde::de::Error::custom("a member is an array or an object")),
            };
            members.push((name, value));
        }
        Ok(Members(members))
    }
}

fn of_json(body: &[u8]) -> Result<Params, OAuthError> {
    let Members(members) =
        serde_json::from_slice(body).map_err(|_| invalid("The body is not a JSON object of texts."))?;
    let mut params = Params::new();
    for (name, value) in members {
        params.add(&name, value)?;
    }
    Ok(params)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_parameter_stands_once() {
        let form = of_form(b"a=1&b=x+y%26z&c=").unwrap();
        assert_eq!((form.get("a"), form.get("b"), form.get("c")), (Some("1"), Some("x y&z"), None));
        assert!(of_form(b"a=1&a=2").is_err());
        let json = of_json(br#"{"a": "1", "n": 7, "b": true, "gone": null}"#).unwrap();
        assert_eq!(
            (json.get("a"), json.get("n"), json.get("b"), json.get("gone")),
            (Some("1"), Some("7"), Some("true"), None)
        );
        for wrong in [&br#"{"a": "1", "a": "2"}"#[..], br#"{"a": {}}"#, br#"{"a": ["b"]}"#, b"[]", b"null", b"", b"{"] {
            assert!(of_json(wrong).is_err());
        }
    }

    #[test]
    fn basic_is_read_as_the_rfc_says() {
        let read = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::AUTHORIZATION, value.parse().unwrap());
            basic(&headers)
        };
        let encoded = format!("Basic {}", STANDARD.encode("id%3A1:a%2Bb+c"));
        let (id, secret) = read(&encoded).unwrap().unwrap();
        assert_eq!((id.as_str(), secret.as_str()), ("id:1", "a+b c"));
        for wrong in ["Basic", "Basic !!!", "Bearer x", &format!("Basic {}", STANDARD.encode("nocolon"))] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        assert!(basic(&HeaderMap::new()).unwrap().is_none());
    }
}
