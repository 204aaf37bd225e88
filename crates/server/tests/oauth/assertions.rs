//! Clients that sign who they are (RFC 7523).

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair, RsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use crate::site::{Client, ISSUER, Site, on_each_store};

const API: &str = "https://api.example/";
const KIND: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

struct Signer {
    client: Client,
    key: EncodingKey,
    kid: String,
    public: String,
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<&str> = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

async fn signer(site: &Site) -> Signer {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let public = pem("PUBLIC KEY", pair.public_key().as_der().unwrap().as_ref());
    let made = site
        .manage(
            "POST",
            "/clients",
            json!({
                "name": "signer", "app_type": "non_interactive",
                "client_authentication_methods": {
                    "private_key_jwt": { "credentials": [{ "credential_type": "public_key", "pem": public, "name": "k" }] },
                },
            }),
        )
        .await;
    let client = Client { id: made["client_id"].as_str().unwrap().to_owned(), secret: String::new() };
    let credentials = site.manage("GET", &format!("/clients/{}/credentials", client.id), Value::Null).await;
    let kid = credentials[0]["kid"].as_str().unwrap().to_owned();
    site.api(API, &["read:a"], json!({})).await;
    site.grant(&client, API, &["read:a"], json!({})).await;
    let key = EncodingKey::from_rsa_pem(pem("PRIVATE KEY", pair.as_der().unwrap().as_ref()).as_bytes()).unwrap();
    Signer { client, key, kid, public }
}

impl Signer {
    fn claims(&self, site: &Site, jti: &str) -> Value {
        let now = tenantry_policy::Clock::now_micros(site.clock.as_ref()) / 1_000_000;
        json!({ "iss": self.client.id, "sub": self.client.id, "aud": ISSUER, "iat": now, "exp": now + 60, "jti": jti })
    }

    fn sign(&self, claims: &Value) -> String {
        let mut header = Header::new(Algorithm::RS256);
        header.kid = Some(self.kid.clone());
        jsonwebtoken::encode(&header, claims, &self.key).unwrap()
    }
}

fn ask(assertion: &str) -> Value {
    json!({
        "grant_type": "client_credentials", "audience": API, "client_assertion_type": KIND,
        "client_assertion": assertion,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn an_assertion_is_good_once() {
    on_each_store(async |site| {
        let signer = signer(site).await;
        let assertion = signer.sign(&signer.claims(site, "one"));
        let answer = site.token(ask(&assertion)).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(site.token(ask(&assertion)).await.error(), (401, "invalid_client"), "the same one again");
        let again = signer.sign(&signer.claims(site, "one"));
        assert_eq!(site.token(ask(&again)).await.error(), (401, "invalid_client"), "the same jti again");
        let other = signer.sign(&signer.claims(site, "two"));
        assert_eq!(site.token(ask(&other)).await.status, 200);
        // The token endpoint is as good an audience as the issuer.
        let mut claims = signer.claims(site, "three");
        claims["aud"] = json!([format!("{ISSUER}oauth/token")]);
        assert_eq!(site.token(ask(&signer.sign(&claims))).await.status, 200);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn assertions_that_do_not_fit() {
    let site = Site::small().await;
    let signer = signer(&site).await;
    let now = tenantry_policy::Clock::now_micros(site.clock.as_ref()) / 1_000_000;
    let changes = [
        json!({ "aud": "https://other.example/" }),
        json!({ "aud": [] }),
        json!({ "exp": now - 1 }),
        json!({ "exp": now + 3_600 }),
        json!({ "iat": now + 60 }),
        json!({ "nbf": now + 60 }),
        json!({ "iss": "another" }),
        json!({ "sub": "another", "iss": "another" }),
        json!({ "jti": "" }),
        json!({ "jti": null }),
        json!({ "exp": null }),
    ];
    for (place, change) in changes.into_iter().enumerate() {
        let mut claims = signer.claims(&site, &format!("j{place}"));
        claims.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        assert_eq!(site.token(ask(&signer.sign(&claims))).await.error(), (401, "invalid_client"), "{change}");
    }
    // The public key as a secret, no signature at all, another client's name, another key.
    let claims = signer.claims(&site, "forged");
    let mut hmac = Header::new(Algorithm::HS256);
    hmac.kid = Some(signer.kid.clone());
    let secret = EncodingKey::from_secret(signer.public.as_bytes());
    let forged = jsonwebtoken::encode(&hmac, &claims, &secret).unwrap();
    assert_eq!(site.token(ask(&forged)).await.error(), (401, "invalid_client"));
    let good = signer.sign(&claims);
    let [header, payload, _] = good.split('.').collect::<Vec<_>>()[..] else { panic!() };
    assert_eq!(site.token(ask(&format!("{header}.{payload}."))).await.error(), (401, "invalid_client"));
    let mut body = ask(&good);
    body["client_id"] = json!("another");
    assert_eq!(site.token(body).await.error(), (401, "invalid_client"));
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let key = EncodingKey::from_rsa_pem(pem("PRIVATE KEY", pair.as_der().unwrap().as_ref()).as_bytes()).unwrap();
    let stranger = Signer { client: signer.client.clone(), key, kid: signer.kid.clone(), public: String::new() };
    assert_eq!(site.token(ask(&stranger.sign(&claims))).await.error(), (401, "invalid_client"));
    let mut body = ask(&good);
    body["client_assertion_type"] = json!("urn:other");
    assert_eq!(site.token(body).await.error(), (400, "invalid_request"));
    // None of these used the id up.
    assert_eq!(site.token(ask(&good)).await.status, 200);
}
