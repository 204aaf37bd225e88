//! What the server says of itself, and its keys.

use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Value, json};
use tenantry_identity::{Algorithm as Signing, Rotated};

use crate::site::{ISSUER, Site, header, on_each_store};

async fn get(site: &Site, path: &str) -> crate::site::Answer {
    site.send(Request::get(path).body(Body::empty()).unwrap()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn discovery_names_what_is_there() {
    let site = Site::small().await;
    let told = get(&site, "/.well-known/openid-configuration").await;
    assert_eq!((told.status, &told.body["issuer"]), (200, &json!(ISSUER)));
    assert_eq!(get(&site, "/.well-known/oauth-authorization-server").await.body, told.body);
    for name in ["token_endpoint", "revocation_endpoint", "introspection_endpoint"] {
        let path = told.text(name).replace(ISSUER, "/");
        assert_eq!(site.json(&path, json!({})).await.status / 100, 4, "{path}");
        assert_eq!(get(&site, &path).await.error(), (405, "method_not_allowed"), "{path}");
    }
    let keys = get(&site, "/.well-known/jwks.json").await;
    assert!(keys.headers["cache-control"].to_str().unwrap().contains("max-age"));
    for key in keys.body["keys"].as_array().unwrap() {
        assert_eq!((&key["kty"], &key["use"], &key["alg"]), (&json!("RSA"), &json!("sig"), &json!("RS256")));
        assert!(key["kid"].is_string() && key["n"].is_string() && key["e"] == "AQAB");
        assert!(key.get("d").is_none());
    }
    let own = get(&site, "/.well-known/jwks-own.json").await;
    assert!(own.body["keys"].as_array().unwrap().iter().all(|key| key["kty"] == "EC" && key.get("d").is_none()));
}

async fn accepted(site: &Site, token: &str) -> bool {
    let set: JwkSet = serde_json::from_value(get(site, "/.well-known/jwks.json").await.body).unwrap();
    let kid = header(token)["kid"].as_str().unwrap().to_owned();
    let Some(jwk) = set.find(&kid) else { return false };
    let mut validation = Validation::new(Algorithm::RS256);
    validation.validate_exp = false;
    validation.set_audience(&[format!("{ISSUER}api/v2/")]);
    jsonwebtoken::decode::<Value>(token, &DecodingKey::from_jwk(jwk).unwrap(), &validation).is_ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_take_turns_and_no_client_notices() {
    on_each_store(async |site| {
        let issuer = site.identity.issuer();
        let make = || issuer.issue_management("c", &["read:users"], Duration::from_hours(1)).unwrap();
        let old = make();
        issuer.prepare_keys().await.unwrap();
        let before = get(site, "/.well-known/jwks.json").await.body;
        assert_eq!(before["keys"].as_array().unwrap().len(), 2, "the next one is published already");
        // Not before everybody can have it.
        assert!(matches!(issuer.rotate(Signing::Rs256).await.unwrap(), Rotated::Wait { .. }));
        assert_eq!(header(&make())["kid"], header(&old)["kid"]);
        site.clock.forward(61);
        let Rotated::Done { kid } = issuer.rotate(Signing::Rs256).await.unwrap() else { panic!("it waits") };
        let new = make();
        assert_eq!(header(&new)["kid"], json!(kid));
        assert!(
            before["keys"].as_array().unwrap().iter().any(|key| key["kid"] == json!(kid)),
            "it was published before"
        );
        assert!(accepted(site, &old).await && accepted(site, &new).await);
        assert_eq!(site.bearer("GET", "/api/v2/users", &old).await.status, 200);
        assert_eq!(site.bearer("GET", "/api/v2/users", &new).await.status, 200);
        // The one that signs cannot be revoked; the one before it can.
        assert!(issuer.revoke_key(&kid).await.is_err());
        let gone = header(&old)["kid"].as_str().unwrap().to_owned();
        assert!(issuer.revoke_key(&gone).await.unwrap());
        assert_eq!(site.bearer("GET", "/api/v2/users", &old).await.status, 401);
        assert_eq!(site.bearer("GET", "/api/v2/users", &new).await.status, 200);
        assert!(!accepted(site, &old).await);
        // Our own contexts' key is another, and took no turn.
        assert!(!issuer.jwks().contains(&issuer.kid(Signing::Es256)));
    })
    .await;
}
