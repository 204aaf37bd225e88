//! Tokens of other issuers, with a key set served on this machine.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair, RsaKeyPair};
use axum::Router;
use axum::routing::get;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD as B64};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tenantry_identity::TokenError;
use tenantry_identity::external::{ClaimPath, ClaimPaths, ExternalIssuer, ExternalIssuers, KeysAt};
use tenantry_policy::Clock;
use tenantry_policy::principal::Datum;

use crate::site::{Hands, Site};

/// The keys that an issuer publishes, by id.
type Keys = Arc<Mutex<Vec<(String, Arc<RsaKeyPair>)>>>;

/// Another issuer: its keys, and a server that tells them.
struct Other {
    url: String,
    keys: Keys,
    asked: Arc<AtomicUsize>,
}

fn jwk(kid: &str, pair: &RsaKeyPair) -> Value {
    let der = pair.public_key().as_ref().to_vec();
    // SEQUENCE, INTEGER of 257 bytes with a leading zero, INTEGER 65537.
    json!({ "kty": "RSA", "kid": kid, "use": "sig", "alg": "RS256", "n": B64.encode(&der[9..9 + 256]), "e": "AQAB" })
}

impl Other {
    async fn start() -> Other {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let keys: Keys = Arc::default();
        let asked = Arc::new(AtomicUsize::new(0));
        let (told, counted, base) = (Arc::clone(&keys), Arc::clone(&asked), url.clone());
        let router = Router::new()
            .route(
                "/.well-known/openid-configuration",
                get(move || async move { json!({ "issuer": base, "jwks_uri": format!("{base}keys") }).to_string() }),
            )
            .route(
                "/keys",
                get(move || async move {
                    counted.fetch_add(1, Ordering::SeqCst);
                    let keys: Vec<Value> = told.lock().iter().map(|(kid, pair)| jwk(kid, pair)).collect();
                    json!({ "keys": keys }).to_string()
                }),
            );
        tokio::spawn(async move { axum::serve(listener, router).await });
        let other = Other { url, keys, asked };
        other.add("one");
        other
    }

    fn add(&self, kid: &str) {
        self.keys.lock().push((kid.to_owned(), Arc::new(RsaKeyPair::generate(KeySize::Rsa2048).unwrap())));
    }

    fn sign(&self, kid: &str, claims: &Value) -> String {
        let pair = self.keys.lock().iter().find(|(known, _)| known == kid).unwrap().1.clone();
        let text = STANDARD.encode(pair.as_der().unwrap().as_ref());
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n");
        let mut header = Header::new(Algorithm::RS256);
        header.kid = Some(kid.to_owned());
        jsonwebtoken::encode(&header, claims, &EncodingKey::from_rsa_pem(pem.as_bytes()).unwrap()).unwrap()
    }

    fn issuer(&self) -> ExternalIssuer {
        ExternalIssuer {
            name: "corp".to_owned(),
            url: self.url.clone(),
            keys: KeysAt::Discovery,
            audience: vec!["https://data.example/".to_owned()],
            audience_claim: "aud".to_owned(),
            algorithms: vec!["RS256".to_owned()],
            claims: ClaimPaths {
                account: ClaimPath::parse("https://corp.example/tenant"),
                workspace: None,
                user: ClaimPath::parse("sub"),
                client: Some(ClaimPath::parse("azp")),
                roles: Some(ClaimPath::parse("realm_access.roles")),
                metadata: Some(ClaimPath::parse("https://corp.example/app")),
            },
            require: vec![(ClaimPath::parse("token_use"), "access".to_owned())],
        }
    }

    fn claims(&self, clock: &Hands) -> Value {
        let now = clock.now_micros() / 1_000_000;
        json!({
            "iss": self.url, "aud": ["https://data.example/", "https://x/"], "sub": "ada", "azp": "portal", "iat": now,
            "exp": now + 600, "token_use": "access", "https://corp.example/tenant": "acme",
            "realm_access": { "roles": ["viewer", "manager"] }, "https://corp.example/app": { "region": "eu" },
        })
    }
}

fn issuers(list: Vec<ExternalIssuer>, clock: &Arc<Hands>) -> ExternalIssuers {
    let shared: Arc<dyn Clock> = clock.clone();
    ExternalIssuers::new(list, crate::site::ISSUER, shared).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn its_claims_say_who_asks() {
    let site = Site::small().await;
    let other = Other::start().await;
    let known = issuers(vec![other.issuer()], &site.clock);
    let token = other.sign("one", &other.claims(&site.clock));
    assert!(known.claims(&token));
    let verified = site.identity.verify_external(&known, &token).await.unwrap();
    let principal = verified.principal;
    assert_eq!((principal.tenant_id.as_deref(), principal.user_id.as_deref()), (Some("acme"), Some("ada")));
    assert_eq!(principal.roles, ["viewer", "manager"]);
    assert_eq!(principal.client_id.as_deref(), Some("portal"));
    assert_eq!(principal.metadata.get("region"), Some(&Datum::Text("eu".to_owned())));
    assert!(verified.expires_micros <= site.clock.now_micros() + 300_000_000, "held against the keys again soon");
    for _ in 0..5 {
        site.identity.verify_external(&known, &token).await.unwrap();
    }
    assert_eq!(other.asked.load(Ordering::SeqCst), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_is_refused() {
    let site = Site::small().await;
    let other = Other::start().await;
    let known = issuers(vec![other.issuer()], &site.clock);
    let now = site.clock.now_micros() / 1_000_000;
    let cases = [
        (json!({ "aud": "https://x/" }), TokenError::Audience),
        (json!({ "aud": null }), TokenError::Audience),
        (json!({ "aud": [1] }), TokenError::Claims),
        (json!({ "exp": now - 1 }), TokenError::Expired),
        (json!({ "exp": "9999999999" }), TokenError::Claims),
        (json!({ "exp": null }), TokenError::Claims),
        (json!({ "nbf": now + 60 }), TokenError::NotYet),
        (json!({ "iat": now + 60 }), TokenError::NotYet),
        (json!({ "token_use": "id" }), TokenError::Claims),
        (json!({ "https://corp.example/tenant": "" }), TokenError::Claims),
        (json!({ "https://corp.example/tenant": ["a", "b"] }), TokenError::Claims),
        (json!({ "https://corp.example/tenant": 7 }), TokenError::Claims),
        (json!({ "sub": null }), TokenError::Claims),
        (json!({ "realm_access": { "roles": [1] } }), TokenError::Claims),
        (json!({ "https://corp.example/app": "x" }), TokenError::Claims),
        (json!({ "iss": "https://elsewhere/" }), TokenError::Issuer),
    ];
    for (change, expected) in cases {
        let mut claims = other.claims(&site.clock);
        claims.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        let token = other.sign("one", &claims);
        let refused = site.identity.verify_external(&known, &token).await.err();
        assert_eq!(refused, Some(expected), "{change}");
    }
    let mut claims = other.claims(&site.clock);
    claims.as_object_mut().unwrap().remove("https://corp.example/tenant");
    let token = other.sign("one", &claims);
    assert_eq!(site.identity.verify_external(&known, &token).await.err(), Some(TokenError::Claims));
    // The key set as a secret, no signature, a key that it carries itself.
    let good = other.sign("one", &other.claims(&site.clock));
    let [_, payload, signature] = good.split('.').collect::<Vec<_>>()[..] else { panic!() };
    let with = |header: Value, signature: &str| format!("{}.{payload}.{signature}", B64.encode(header.to_string()));
    let set = json!({ "keys": [jwk("one", &other.keys.lock()[0].1)] }).to_string();
    let mut header = Header::new(Algorithm::HS256);
    header.kid = Some("one".to_owned());
    let secret = EncodingKey::from_secret(set.as_bytes());
    let forged = [
        jsonwebtoken::encode(&header, &other.claims(&site.clock), &secret).unwrap(),
        with(json!({ "alg": "none", "kid": "one" }), ""),
        with(json!({ "alg": "RS512", "kid": "one" }), signature),
        with(json!({ "alg": "RS256", "kid": "one", "crit": ["b64"] }), signature),
        with(json!({ "alg": "RS256", "kid": "one", "typ": "dpop+jwt" }), signature),
        with(json!({ "alg": "RS256", "kid": "two" }), signature),
        with(json!({ "alg": "RS256", "kid": "one" }), signature),
        with(json!({ "alg": "RS256", "kid": "one" }), ""),
    ];
    for token in forged {
        assert!(site.identity.verify_external(&known, &token).await.is_err(), "{token}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn new_keys_are_fetched_and_made_up_ones_do_not_make_it_ask_on_and_on() {
    let site = Site::small().await;
    let other = Other::start().await;
    let known = issuers(vec![other.issuer()], &site.clock);
    site.identity.verify_external(&known, &other.sign("one", &other.claims(&site.clock))).await.unwrap();
    other.add("two");
    let token = other.sign("two", &other.claims(&site.clock));
    assert_eq!(site.identity.verify_external(&known, &token).await.err(), Some(TokenError::Key), "asked a moment ago");
    site.clock.forward(11);
    site.identity.verify_external(&known, &token).await.unwrap();
    assert_eq!(other.asked.load(Ordering::SeqCst), 2);
    let stranger = Other { url: other.url.clone(), keys: Arc::default(), asked: Arc::default() };
    stranger.add("three");
    site.clock.forward(11);
    let token = stranger.sign("three", &other.claims(&site.clock));
    let all = (0..50).map(|_| site.identity.verify_external(&known, &token));
    for refused in futures_util::future::join_all(all).await {
        assert_eq!(refused.err(), Some(TokenError::Key));
    }
    assert_eq!(other.asked.load(Ordering::SeqCst), 3, "once for fifty");
    // Two keys of one name, or a stranger's under a known name, do not help.
    stranger.add("one");
    let token = stranger.sign("one", &other.claims(&site.clock));
    assert_eq!(site.identity.verify_external(&known, &token).await.err(), Some(TokenError::Signature));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_data_tools_take_its_tokens_and_nothing_else_does() {
    let folder = Arc::new(tempfile::tempdir().unwrap());
    let url = format!("sqlite:{}", folder.path().join("store.db").display());
    let clock = Arc::new(Hands::default());
    let other = Other::start().await;
    let known = issuers(vec![other.issuer()], &clock);
    let site = Site::with(&url, folder, clock.clone(), Some(known)).await;
    let token = other.sign("one", &other.claims(&clock));
    assert_eq!(site.bearer("GET", "/app/v1/approvals", &token).await.status, 200);
    for path in ["/api/v2/users", "/userinfo", "/dashboard/v1/account"] {
        assert_eq!(site.bearer("GET", path, &token).await.status, 401, "{path}");
    }
    // An account of ours that is suspended lets nobody in, whoever made the token.
    let made = site.manage("POST", "/organizations", json!({ "name": "acme-of-ours" })).await;
    let id = made["id"].as_str().unwrap().to_owned();
    let mut claims = other.claims(&clock);
    claims["https://corp.example/tenant"] = json!(id);
    let token = other.sign("one", &claims);
    assert_eq!(site.bearer("GET", "/app/v1/approvals", &token).await.status, 200);
    let operator = tenantry_identity::Caller::operator("t");
    let change = json!({ "status": "suspended" }).as_object().unwrap().clone();
    site.identity.update_account(&operator, &id, change).await.unwrap();
    assert_eq!(site.bearer("GET", "/app/v1/approvals", &token).await.status, 401);
}

#[test]
fn issuers_that_cannot_be_trusted_are_not_taken() {
    let clock: Arc<dyn Clock> = Arc::new(Hands::default());
    let good = || ExternalIssuer {
        name: "x".to_owned(),
        url: "https://x.example/".to_owned(),
        keys: KeysAt::Discovery,
        audience: vec!["a".to_owned()],
        audience_claim: "aud".to_owned(),
        algorithms: vec!["ES256".to_owned()],
        claims: ClaimPaths {
            account: ClaimPath::parse("t"),
            workspace: None,
            user: ClaimPath::parse("sub"),
            client: None,
            roles: None,
            metadata: None,
        },
        require: Vec::new(),
    };
    let new = |issuers| ExternalIssuers::new(issuers, crate::site::ISSUER, Arc::clone(&clock));
    assert!(new(vec![good()]).is_ok());
    let bad = [
        vec![good(), good()],
        vec![ExternalIssuer { url: crate::site::ISSUER.trim_end_matches('/').to_owned(), ..good() }],
        vec![ExternalIssuer { url: "http://x.example/".to_owned(), ..good() }],
        vec![ExternalIssuer { keys: KeysAt::Url("http://x.example/k".to_owned()), ..good() }],
        vec![ExternalIssuer { audience: Vec::new(), ..good() }],
        vec![ExternalIssuer { algorithms: Vec::new(), ..good() }],
        vec![ExternalIssuer { algorithms: vec!["HS256".to_owned()], ..good() }],
        vec![ExternalIssuer { algorithms: vec!["none".to_owned()], ..good() }],
    ];
    for issuers in bad {
        assert!(new(issuers).is_err());
    }
}
