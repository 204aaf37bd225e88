//! Tokens as a caller could send them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    missing_docs,
    reason = "tests"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as B64;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde_json::{Value, json};
use tenantry_identity::{Algorithm as Signing, Audience, Issuer, MAX_LIFETIME, Subject, TokenError, VerifiedCache};
use tenantry_policy::ambient::NoEntropy;
use tenantry_policy::principal::Datum;
use tenantry_policy::{Clock, Entropy};
use tenantry_store::{Options, Store, StoreUrl};

const NOW: i64 = 1_800_000_000_000_000;
const SECOND: i64 = 1_000_000;
const ISSUER: &str = "https://localhost:8443/";

struct TestClock(AtomicI64);

impl Clock for TestClock {
    fn now_micros(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}

/// Seeded bytes, good enough for a test.
struct TestEntropy(AtomicU64);

impl Entropy for TestEntropy {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoEntropy> {
        for byte in bytes {
            let mut state = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::SeqCst);
            state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            *byte = u8::try_from(state >> 56).unwrap();
        }
        Ok(())
    }
}

struct Bench {
    store: Store,
    issuer: Arc<Issuer>,
    clock: Arc<TestClock>,
    entropy: Arc<TestEntropy>,
}

fn bench(seed: u64) -> Bench {
    let clock = Arc::new(TestClock(AtomicI64::new(NOW)));
    let entropy = Arc::new(TestEntropy(AtomicU64::new(seed)));
    let options = Options { clock: clock.clone(), entropy: entropy.clone(), key_file: None };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let store = runtime.block_on(Store::open(&StoreUrl::Memory, options)).unwrap();
    let issuer = runtime.block_on(Issuer::open(&store, ISSUER, clock.clone(), entropy.clone())).unwrap();
    Bench { store, issuer: Arc::new(issuer), clock, entropy }
}

fn open(bench: &Bench, url: &str) -> Result<Issuer, tenantry_identity::IssueError> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(Issuer::open(&bench.store, url, bench.clock.clone(), bench.entropy.clone()))
}

fn ada() -> Subject {
    Subject {
        account: Some("acme".to_owned()),
        workspace: Some("prod".to_owned()),
        user: Some("ada@acme.example".to_owned()),
        client: Some("console".to_owned()),
        roles: vec!["manager".to_owned(), "viewer".to_owned()],
        metadata: [
            ("region".to_owned(), Datum::Text("eu".to_owned())),
            ("limits".to_owned(), Datum::Map([("level".to_owned(), Datum::Int(3))].into())),
        ]
        .into(),
        delegate: Some("agent-7".to_owned()),
        ..Subject::default()
    }
}

const HOUR: Duration = Duration::from_secs(3600);

/// The installation's private key, as whoever stole the key file would have it.
fn stolen_key(bench: &Bench) -> EncodingKey {
    EncodingKey::from_ec_der(&bench.store.secret("token-es256", 1).unwrap())
}

fn header(bench: &Bench) -> Header {
    let mut header = Header::new(Algorithm::ES256);
    header.typ = Some("at+jwt".to_owned());
    header.kid = Some(bench.issuer.kid(Signing::Es256).to_owned());
    header
}

/// A payload that is accepted as it stands.
fn good_claims() -> Value {
    json!({
        "iss": ISSUER, "sub": "ada@acme.example", "aud": "app", "context": "app", "jti": "x",
        "iat": NOW / SECOND, "exp": NOW / SECOND + 60, "account_id": "acme", "roles": ["viewer"], "metadata": {}
    })
}

fn signed(bench: &Bench, claims: &Value) -> String {
    jsonwebtoken::encode(&header(bench), claims, &stolen_key(bench)).unwrap()
}

/// Any text as a payload, properly signed.
fn signed_text(bench: &Bench, payload: &str) -> String {
    let header = B64.encode(serde_json::to_vec(&header(bench)).unwrap());
    let message = [header, B64.encode(payload)].join(".");
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &stolen_key(bench), Algorithm::ES256).unwrap();
    [message, signature].join(".")
}

#[test]
fn a_token_says_who_asks() {
    let bench = bench(1);
    let token = bench.issuer.issue(&ada(), HOUR, Audience::App).unwrap();
    let verified = bench.issuer.verify(&token, NOW).unwrap();
    let principal = &verified.principal;
    assert_eq!(principal.tenant_id.as_deref(), Some("acme"));
    assert_eq!(principal.user_id.as_deref(), Some("ada@acme.example"));
    assert_eq!(principal.workspace_id.as_deref(), Some("prod"));
    assert_eq!(principal.client_id.as_deref(), Some("console"));
    assert_eq!(principal.delegate.as_deref(), Some("agent-7"));
    assert_eq!(principal.roles, ["manager", "viewer"]);
    assert_eq!(principal.metadata, ada().metadata);
    assert_eq!(verified.issued_at_micros, NOW);
    assert_eq!(verified.expires_micros, NOW + 3600 * SECOND);
    let other = bench.issuer.issue(&ada(), HOUR, Audience::App).unwrap();
    assert_ne!(bench.issuer.verify(&other, NOW).unwrap().jti, verified.jti);
}

#[test]
fn another_library_accepts_it_by_the_published_keys() {
    let bench = bench(2);
    let token = bench.issuer.issue(&ada(), HOUR, Audience::App).unwrap();
    let jwks: jsonwebtoken::jwk::JwkSet = serde_json::from_str(&bench.issuer.jwks_own()).unwrap();
    let kid = jsonwebtoken::decode_header(&token).unwrap().kid.unwrap();
    let jwk = jwks.find(&kid).unwrap();
    assert_eq!(jwk.thumbprint(jsonwebtoken::jwk::ThumbprintHash::SHA256).unwrap(), kid);
    let mut validation = Validation::new(Algorithm::ES256);
    validation.validate_exp = false;
    validation.set_audience(&["app"]);
    validation.set_issuer(&[ISSUER]);
    let decoded: jsonwebtoken::TokenData<Value> =
        jsonwebtoken::decode(&token, &DecodingKey::from_jwk(jwk).unwrap(), &validation).unwrap();
    assert_eq!(decoded.claims["act"]["sub"], "agent-7");
    assert_eq!(decoded.claims["metadata"]["limits"]["level"], 3);
    assert!(!bench.issuer.jwks_own().contains("\"d\""), "the private key is not published");
}

#[test]
fn the_key_is_made_once_from_the_entropy_handed_in() {
    let bench_one = bench(3);
    let again = open(&bench_one, ISSUER).unwrap();
    assert_eq!(again.kid(Signing::Es256), bench_one.issuer.kid(Signing::Es256));
    assert_eq!(bench(3).issuer.kid(Signing::Es256), bench_one.issuer.kid(Signing::Es256));
    assert_ne!(bench(4).issuer.kid(Signing::Es256), bench_one.issuer.kid(Signing::Es256));
    let wrong = ["", "localhost", "https://", "https:///x", "https://a b/", "https://u@h/", "https://h/?q"];
    for url in wrong {
        assert!(open(&bench_one, url).is_err(), "{url}");
    }
}

#[test]
fn machines_and_platform_principals() {
    let bench = bench(5);
    let machine = Subject { user: None, delegate: None, client: Some("etl".to_owned()), ..ada() };
    let token = bench.issuer.issue(&machine, HOUR, Audience::App).unwrap();
    let principal = bench.issuer.verify(&token, NOW).unwrap().principal;
    assert_eq!((principal.user_id, principal.client_id.as_deref()), (None, Some("etl")));

    let ops = Subject { account: None, workspace: None, platform: true, ..ada() };
    let token = bench.issuer.issue(&ops, HOUR, Audience::Portal).unwrap();
    let verified = bench.issuer.verify_for(&token, Audience::Portal, NOW).unwrap();
    assert_eq!(verified.principal.tenant_id, None);
    assert_eq!(bench.issuer.verify(&token, NOW), Err(TokenError::Audience));
}

#[test]
fn subjects_that_do_not_fit_get_no_token() {
    let bench = bench(6);
    let subjects = [
        Subject { account: None, ..ada() },
        Subject { platform: true, ..ada() },
        Subject { platform: true, account: None, ..ada() },
        Subject { account: Some(String::new()), ..ada() },
        Subject { user: Some(String::new()), ..ada() },
        Subject { user: Some("etl@clients".to_owned()), ..ada() },
        Subject { user: None, client: None, ..ada() },
        Subject { user: None, ..ada() },
        Subject { roles: vec![String::new()], ..ada() },
        Subject { account: Some("a\0".to_owned()), ..ada() },
        Subject { account: Some("a".repeat(1025)), ..ada() },
        Subject { metadata: [("n".to_owned(), Datum::Number("1x".to_owned()))].into(), ..ada() },
    ];
    for subject in subjects {
        let error = bench.issuer.issue(&subject, HOUR, Audience::App).unwrap_err();
        assert_eq!(error.code(), "ISSUE_SUBJECT", "{subject:?}");
    }
    let many = Subject { roles: (0..4000).map(|n| format!("role-{n}")).collect(), ..ada() };
    assert_eq!(bench.issuer.issue(&many, HOUR, Audience::App).unwrap_err().code(), "ISSUE_TOO_LONG");
    for lifetime in [Duration::ZERO, Duration::from_millis(999), MAX_LIFETIME + Duration::from_secs(1)] {
        assert_eq!(bench.issuer.issue(&ada(), lifetime, Audience::App).unwrap_err().code(), "ISSUE_LIFETIME");
    }
    bench.issuer.issue(&ada(), MAX_LIFETIME, Audience::App).unwrap();
}

#[test]
fn time_is_the_clock_handed_in() {
    let bench = bench(7);
    let token = bench.issuer.issue(&ada(), Duration::from_secs(60), Audience::App).unwrap();
    let at = |micros: i64| bench.issuer.verify(&token, NOW + micros).err();
    assert_eq!(at(60 * SECOND - 1), None);
    assert_eq!(at(60 * SECOND), Some(TokenError::Expired));
    assert_eq!(at(24 * 3600 * SECOND), Some(TokenError::Expired));
    assert_eq!(at(-5 * SECOND), None);
    assert_eq!(at(-5 * SECOND - 1), Some(TokenError::NotYet));
    assert_eq!(TokenError::Expired.told(), "The token has expired.");
    assert_eq!(TokenError::Signature.told(), TokenError::Audience.told());
}

#[test]
fn claims_that_do_not_fit_are_refused() {
    let bench = bench(8);
    bench.issuer.verify(&signed(&bench, &good_claims()), NOW).unwrap();
    let second = NOW / SECOND;
    let cases = [
        ("iss", json!("https://localhost:8444/"), TokenError::Issuer),
        ("iss", json!("https://localhost:8443"), TokenError::Issuer),
        ("iss", json!([ISSUER]), TokenError::Claims),
        ("aud", json!("portal"), TokenError::Audience),
        ("aud", json!(["app", "portal"]), TokenError::Claims),
        ("context", json!("portal"), TokenError::Audience),
        ("exp", json!(second), TokenError::Expired),
        ("exp", json!(second - 1), TokenError::Expired),
        ("exp", json!("9999999999"), TokenError::Claims),
        ("exp", json!(1e12), TokenError::Claims),
        ("exp", json!(second + 24 * 3600 + 1), TokenError::Claims),
        ("exp", json!(i64::MAX), TokenError::Claims),
        ("exp", Value::Null, TokenError::Claims),
        ("nbf", json!(second + 6), TokenError::NotYet),
        ("iat", json!(second + 6), TokenError::NotYet),
        ("account_id", Value::Null, TokenError::Claims),
        ("account_id", json!(""), TokenError::Claims),
        ("account_id", json!(7), TokenError::Claims),
        ("account_id", json!(["acme"]), TokenError::Claims),
        ("platform", json!(true), TokenError::Claims),
        ("sub", json!(""), TokenError::Claims),
        ("sub", json!("etl@clients"), TokenError::Claims),
        ("roles", json!("viewer"), TokenError::Claims),
        ("roles", json!([1]), TokenError::Claims),
        ("roles", json!([["viewer"]]), TokenError::Claims),
        ("roles", json!([""]), TokenError::Claims),
        ("roles", Value::Null, TokenError::Claims),
        ("metadata", json!([]), TokenError::Claims),
        ("metadata", json!("x"), TokenError::Claims),
        ("act", json!("x"), TokenError::Claims),
        ("act", json!({"sub": ""}), TokenError::Claims),
        ("tenant_id", json!("globex"), TokenError::Claims),
    ];
    for (claim, value, expected) in cases {
        let mut claims = good_claims();
        claims[claim] = value.clone();
        assert_eq!(bench.issuer.verify(&signed(&bench, &claims), NOW), Err(expected), "{claim} {value}");
    }
    for claim in ["iss", "sub", "aud", "iat", "exp", "jti", "account_id", "roles", "context", "metadata"] {
        let mut claims = good_claims();
        claims.as_object_mut().unwrap().remove(claim);
        assert_eq!(bench.issuer.verify(&signed(&bench, &claims), NOW), Err(TokenError::Claims), "without {claim}");
    }
}

#[test]
fn a_claim_twice_is_refused() {
    let bench = bench(9);
    let good = good_claims().to_string();
    bench.issuer.verify(&signed_text(&bench, &good), NOW).unwrap();
    let with = |more: &str| [good.strip_suffix('}').unwrap(), ",", more, "}"].concat();
    let payloads = [
        with(r#""account_id":"globex""#),
        with(r#""exp":9999999999"#),
        with(r#""roles":["owner"]"#),
        good.replace(r#""metadata":{}"#, r#""metadata":{"a":1,"a":2}"#),
        good.replace(r#""metadata":{}"#, r#""metadata":{"a":{"b":1,"b":2}}"#),
        [good.as_str(), &good].concat(),
        "null".to_owned(),
        "[]".to_owned(),
        String::new(),
        "\u{feff}".to_owned() + &good,
    ];
    for payload in payloads {
        assert_eq!(bench.issuer.verify(&signed_text(&bench, &payload), NOW), Err(TokenError::Claims), "{payload}");
    }
}

#[test]
fn headers_that_do_not_fit_are_refused() {
    let bench = bench(10);
    let token = bench.issuer.issue(&ada(), HOUR, Audience::App).unwrap();
    let [_, payload, signature] = token.split('.').collect::<Vec<_>>()[..] else { panic!("three parts") };
    let kid = bench.issuer.kid(Signing::Es256);
    let es256 = |more: &str| format!(r#"{{"alg":"ES256","typ":"at+jwt","kid":"{kid}"{more}}}"#);
    let cases = [
        (format!(r#"{{"alg":"none","typ":"at+jwt","kid":"{kid}"}}"#), TokenError::Algorithm),
        (format!(r#"{{"alg":"HS256","typ":"at+jwt","kid":"{kid}"}}"#), TokenError::Algorithm),
        (format!(r#"{{"alg":"es256","typ":"at+jwt","kid":"{kid}"}}"#), TokenError::Algorithm),
        (format!(r#"{{"alg":["ES256"],"typ":"at+jwt","kid":"{kid}"}}"#), TokenError::Malformed),
        (format!(r#"{{"alg":"ES256","typ":"JWT","kid":"{kid}"}}"#), TokenError::Type),
        (format!(r#"{{"alg":"ES256","kid":"{kid}"}}"#), TokenError::Malformed),
        (r#"{"alg":"ES256","typ":"at+jwt"}"#.to_owned(), TokenError::Malformed),
        (r#"{"alg":"ES256","typ":"at+jwt","kid":"x"}"#.to_owned(), TokenError::Key),
        (es256(r#","jwk":{}"#), TokenError::Malformed),
        (es256(r#","jku":"https://evil.example/""#), TokenError::Malformed),
        (es256(r#","crit":["exp"]"#), TokenError::Malformed),
        (es256(r#","alg":"none""#), TokenError::Malformed),
        // The same header in other words: signed was something else.
        (es256(" "), TokenError::Signature),
    ];
    for (header, expected) in cases {
        for signature in [signature, ""] {
            let token = [&B64.encode(&header), payload, signature].join(".");
            let error = bench.issuer.verify(&token, NOW).unwrap_err();
            let unsigned = signature.is_empty() && expected == TokenError::Signature;
            assert!(error == expected || unsigned, "{header}: {error:?}");
        }
    }
}

#[test]
fn a_public_key_is_no_secret() {
    let bench = bench(11);
    let jwks: Value = serde_json::from_str(&bench.issuer.jwks_own()).unwrap();
    let part = |name: &str| B64.decode(jwks["keys"][0][name].as_str().unwrap()).unwrap();
    let point = [vec![4], part("x"), part("y")].concat();
    for secret in [point, bench.issuer.jwks_own().as_bytes().to_vec()] {
        let mut header = header(&bench);
        header.alg = Algorithm::HS256;
        let forged = jsonwebtoken::encode(&header, &good_claims(), &EncodingKey::from_secret(&secret)).unwrap();
        assert_eq!(bench.issuer.verify(&forged, NOW), Err(TokenError::Algorithm));
        // The same signature under a header that names our algorithm.
        let [_, payload, signature] = forged.split('.').collect::<Vec<_>>()[..] else { panic!("three parts") };
        let ours =
            B64.encode(format!(r#"{{"alg":"ES256","typ":"at+jwt","kid":"{}"}}"#, bench.issuer.kid(Signing::Es256)));
        let forged = [&ours, payload, signature].join(".");
        assert_eq!(bench.issuer.verify(&forged, NOW), Err(TokenError::Signature));
    }
}

#[test]
fn another_installation_is_another_issuer() {
    let (ours, theirs) = (bench(12), bench(13));
    let token = theirs.issuer.issue(&ada(), HOUR, Audience::App).unwrap();
    assert_eq!(ours.issuer.verify(&token, NOW), Err(TokenError::Key));
    // Their key under our key's name.
    let forged = jsonwebtoken::encode(&header(&ours), &good_claims(), &stolen_key(&theirs)).unwrap();
    assert_eq!(ours.issuer.verify(&forged, NOW), Err(TokenError::Signature));
    // The same key, another address.
    let moved = open(&ours, "https://other.example").unwrap();
    let token = moved.issue(&ada(), HOUR, Audience::App).unwrap();
    assert_eq!(moved.url(), "https://other.example/");
    assert_eq!(ours.issuer.verify(&token, NOW), Err(TokenError::Issuer));
}

#[test]
fn every_changed_byte_is_refused() {
    let bench = bench(14);
    let token = bench.issuer.issue(&ada(), HOUR, Audience::App).unwrap();
    for place in 0..token.len() {
        for replacement in [b'A', b'.', b'=', b'_'] {
            let mut bytes = token.clone().into_bytes();
            if bytes[place] == replacement {
                continue;
            }
            bytes[place] = replacement;
            let changed = String::from_utf8(bytes).unwrap();
            assert!(bench.issuer.verify(&changed, NOW).is_err(), "byte {place}");
        }
    }
    for end in 0..token.len() {
        assert!(bench.issuer.verify(&token[..end], NOW).is_err());
    }
    for garbage in ["", ".", "..", "...", "a.b.c", "é.é.é", "a b", "Bearer x", &"a".repeat(20_000), &".".repeat(20_000)]
    {
        assert!(bench.issuer.verify(garbage, NOW).is_err());
    }
    for more in [" ", "\n", "=", ".", "\0"] {
        assert!(bench.issuer.verify(&[&token, more].concat(), NOW).is_err());
        assert!(bench.issuer.verify(&[more, &token].concat(), NOW).is_err());
    }
    assert_eq!(bench.issuer.verify(&"a".repeat(16 * 1024 + 1), NOW), Err(TokenError::TooLong));
}

#[test]
fn the_cache_never_outlives_a_token() {
    let bench = bench(15);
    let cache: VerifiedCache<u32> = VerifiedCache::new(100, Arc::clone(&bench.issuer));
    let token = bench.issuer.issue(&ada(), Duration::from_secs(60), Audience::App).unwrap();
    assert!(cache.get(&token, Audience::App, NOW).is_none());
    let verified = bench.issuer.verify(&token, NOW).unwrap();
    cache.insert(&token, verified.clone(), 7);
    let cached = cache.get(&token, Audience::App, NOW + 60 * SECOND - 1).unwrap();
    assert_eq!((cached.attached, &cached.verified), (7, &verified));
    assert!(cache.get(&token, Audience::Portal, NOW).is_none(), "verified for another audience");
    assert!(cache.get(&token[1..], Audience::App, NOW).is_none());
    cache.insert(&token, verified.clone(), 8);
    assert_eq!(cache.get(&token, Audience::App, NOW).unwrap().attached, 8);
    assert!(cache.get(&token, Audience::App, NOW + 60 * SECOND).is_none());
    assert!(cache.get(&token, Audience::App, NOW).is_none(), "an ended token is forgotten");
    cache.insert(&token, verified, 9);
    cache.clear();
    assert!(cache.get(&token, Audience::App, NOW).is_none());
}
