//! Tokens as somebody without our keys would make them, and tokens of ours where they do not belong.

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::RsaKeyPair;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD as B64};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use tenantry_identity::Algorithm as Signing;

use crate::site::{ISSUER, Site, for_users};

fn good(site: &Site) -> Value {
    let now = tenantry_policy::Clock::now_micros(site.clock.as_ref()) / 1_000_000;
    json!({
        "iss": ISSUER, "sub": "c@clients", "aud": format!("{ISSUER}api/v2/"), "azp": "c", "iat": now,
        "exp": now + 3_600, "jti": "9.x", "scope": "read:users", "gty": "client-credentials",
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_else_signs() {
    let site = Site::small().await;
    let issuer = site.identity.issuer();
    let (rsa, ec) = (issuer.kid(Signing::Rs256), issuer.kid(Signing::Es256));
    let claims = good(&site);
    let payload = B64.encode(claims.to_string());
    let raw = |header: Value, signature: &str| format!("{}.{payload}.{signature}", B64.encode(header.to_string()));
    let mut forged = vec![
        raw(json!({ "alg": "none", "typ": "JWT", "kid": rsa }), ""),
        raw(json!({ "alg": "None", "typ": "JWT", "kid": rsa }), ""),
        raw(json!({ "alg": "RS256", "typ": "JWT", "kid": rsa }), ""),
        raw(json!({ "alg": "RS256", "typ": "JWT", "kid": rsa, "jwk": {} }), "AAAA"),
        raw(json!({ "alg": "RS256", "typ": "JWT", "kid": rsa, "crit": ["x"] }), "AAAA"),
        raw(json!({ "alg": "RS256", "typ": "JWT", "kid": "../../x" }), "AAAA"),
    ];
    // HS256 with what is public, under either key's name.
    let jwks: Value = serde_json::from_str(&issuer.jwks()).unwrap();
    let n = B64.decode(jwks["keys"][0]["n"].as_str().unwrap()).unwrap();
    for secret in [n, issuer.jwks().as_bytes().to_vec(), Vec::new()] {
        for (kid, alg) in [(&rsa, "HS256"), (&ec, "HS256"), (&rsa, "RS256")] {
            let mut header = Header::new(Algorithm::HS256);
            header.kid = Some(kid.clone());
            let token = jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(&secret)).unwrap();
            forged.push(token.clone());
            let signature = token.rsplit('.').next().unwrap().to_owned();
            forged.push(raw(json!({ "alg": alg, "typ": "JWT", "kid": kid }), &signature));
        }
    }
    // Another RSA key under our key's name.
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let text = STANDARD.encode(pair.as_der().unwrap().as_ref());
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n");
    let key = EncodingKey::from_rsa_pem(pem.as_bytes()).unwrap();
    for kid in [&rsa, &ec] {
        let mut header = Header::new(Algorithm::RS256);
        header.kid = Some(kid.clone());
        forged.push(jsonwebtoken::encode(&header, &claims, &key).unwrap());
    }
    for token in forged {
        assert_eq!(site.bearer("GET", "/api/v2/users", &token).await.status, 401, "{token}");
        assert_eq!(site.bearer("GET", "/userinfo", &token).await.status, 401, "{token}");
        assert_eq!(site.bearer("GET", "/app/v1/approvals", &token).await.status, 401, "{token}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_place_takes_its_own_tokens_only() {
    let site = Site::small().await;
    let client = site.client(for_users()).await;
    site.api("https://api.example/", &["read:users"], json!({})).await;
    let acme = site.account("acme").await;
    let ada = site.user("ada@acme.example", json!({})).await;
    site.member(&acme, &ada).await;
    let user = |more: Value| site.login(&client, "ada@acme.example", more);
    let api = user(json!({ "audience": "https://api.example/", "scope": "openid read:users" })).await;
    let app = user(json!({ "audience": "app", "organization": acme })).await.text("access_token");
    let dashboard = user(json!({ "audience": "dashboard", "organization": acme })).await.text("access_token");
    let opaque = user(json!({ "scope": "openid" })).await.text("access_token");
    let (token, id) = (api.text("access_token"), api.text("id_token"));
    let issuer = site.identity.issuer();
    let management = issuer.issue_management("c", &["read:users"], std::time::Duration::from_hours(1)).unwrap();
    for wrong in [&token, &id, &app, &dashboard, &opaque] {
        assert_eq!(site.bearer("GET", "/api/v2/users", wrong).await.status, 401);
    }
    for wrong in [&token, &id, &dashboard, &opaque, &management] {
        assert_eq!(site.bearer("GET", "/app/v1/approvals", wrong).await.status, 401);
    }
    for wrong in [&id, &app, &dashboard, &management] {
        assert_eq!(site.bearer("GET", "/userinfo", wrong).await.status, 401);
    }
    assert_eq!(site.bearer("GET", "/api/v2/users", &management).await.status, 200);
    assert_eq!(site.bearer("GET", "/userinfo", &token).await.status, 200);
    assert_eq!(site.bearer("GET", "/userinfo", &opaque).await.status, 200);
    assert_ne!(site.bearer("GET", "/app/v1/approvals", &app).await.status, 401);
    // In time.
    site.clock.forward(301);
    assert_eq!(site.bearer("GET", "/app/v1/approvals", &app).await.status, 401);
    site.clock.forward(3_600);
    assert_eq!(site.bearer("GET", "/api/v2/users", &management).await.status, 401);
    site.clock.forward(86_400);
    assert_eq!(site.bearer("GET", "/userinfo", &opaque).await.status, 401);
    assert_eq!(site.bearer("GET", "/userinfo", &token).await.status, 401);
}

/// Whatever is changed in a token, it is refused, and nothing breaks.
#[tokio::test(flavor = "multi_thread")]
async fn changed_tokens_are_refused() {
    let seed: u64 = 0x7e4a_17c3;
    eprintln!("seed {seed:#x}");
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let site = Site::small().await;
    let issuer = site.identity.issuer();
    let token = issuer.issue_management("c", &["read:users"], std::time::Duration::from_hours(1)).unwrap();
    let now = tenantry_policy::Clock::now_micros(site.clock.as_ref());
    issuer.verify_management(&token, now).unwrap();
    for _ in 0..3_000 {
        let mut bytes = token.clone().into_bytes();
        for _ in 0..random.random_range(1..4) {
            let place = random.random_range(0..bytes.len());
            match random.random_range(0..3) {
                0 => bytes[place] = random.random_range(0x20..0x7f),
                1 => drop(bytes.remove(place)),
                _ => bytes.insert(place, b"ABCabc019-_.="[random.random_range(0..13)]),
            }
        }
        let changed = String::from_utf8(bytes).unwrap();
        if changed != token {
            assert!(issuer.verify_management(&changed, now).is_err(), "{changed}");
            assert!(site.identity.userinfo(&changed).await.is_err(), "{changed}");
        }
    }
}
