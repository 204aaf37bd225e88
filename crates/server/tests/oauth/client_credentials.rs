//! Clients acting for themselves.

use serde_json::{Value, json};

use crate::site::{Client, ISSUER, Site, basic, claims, header, on_each_store};

const API: &str = "https://api.example/";

fn ask(client: &Client) -> Value {
    json!({
        "grant_type": "client_credentials", "client_id": client.id, "client_secret": client.secret, "audience": API,
    })
}

fn with(mut body: Value, more: Value) -> Value {
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

async fn granted(site: &Site) -> Client {
    let client = site.client(json!({ "app_type": "non_interactive" })).await;
    site.api(API, &["read:a", "write:a", "read:b"], json!({})).await;
    site.grant(&client, API, &["read:a", "read:b"], json!({})).await;
    client
}

#[tokio::test(flavor = "multi_thread")]
async fn json_form_and_basic_are_one() {
    on_each_store(async |site| {
        let client = granted(site).await;
        let answer = site.token(ask(&client)).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.body["token_type"], "Bearer");
        assert_eq!(answer.body["expires_in"], 86_400);
        assert_eq!(answer.body["scope"], "read:a read:b");
        assert_eq!(answer.headers["cache-control"], "no-store");
        let token = answer.text("access_token");
        let said = claims(&token);
        let iat = said["iat"].as_i64().unwrap();
        let mut exact = json!({
            "iss": ISSUER, "sub": format!("{}@clients", client.id), "aud": API, "azp": client.id, "iat": iat,
            "exp": iat + 86_400, "scope": "read:a read:b", "gty": "client-credentials",
        });
        exact["jti"] = said["jti"].clone();
        assert_eq!(said, exact);
        let kid = site.identity.issuer().kid(tenantry_identity::Algorithm::Rs256);
        assert_eq!(header(&token), json!({ "alg": "RS256", "typ": "JWT", "kid": kid }));

        let form =
            "grant_type=client_credentials&audience=https%3A%2F%2Fapi.example%2F&scope=read%3Ab+write%3Aa".to_owned();
        let answer = site.form("/oauth/token", Some(&basic(&client.id, &client.secret)), &form).await;
        assert_eq!((answer.status, &answer.body["scope"]), (200, &json!("read:b")), "{answer:?}");
        let posted = format!("{form}&client_id={}&client_secret={}", client.id, client.secret);
        assert_eq!(site.form("/oauth/token", None, &posted).await.status, 200);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_that_shares_a_secret_gets_tokens_signed_with_it() {
    on_each_store(async |site| {
        let client = site.client(json!({ "app_type": "non_interactive" })).await;
        let secret = "a secret of the API's, long enough to sign with";
        let shares = json!({ "signing_alg": "HS256", "signing_secret": secret });
        site.api(API, &["read:a"], shares).await;
        site.grant(&client, API, &["read:a"], json!({})).await;
        let answer = site.token(ask(&client)).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let token = answer.text("access_token");
        assert_eq!(header(&token), json!({ "alg": "HS256", "typ": "JWT" }));
        let key = jsonwebtoken::DecodingKey::from_secret(secret.as_bytes());
        let mut wanted = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::HS256);
        wanted.set_audience(&[API]);
        wanted.set_issuer(&[ISSUER]);
        // The site's clock is the test's.
        wanted.validate_exp = false;
        let said = jsonwebtoken::decode::<Value>(&token, &key, &wanted).unwrap().claims;
        assert_eq!((&said["scope"], &said["azp"]), (&json!("read:a"), &json!(client.id)));
        let other = jsonwebtoken::DecodingKey::from_secret(b"another secret, as long as the first one is");
        assert!(jsonwebtoken::decode::<Value>(&token, &other, &wanted).is_err());
        // Whoever has the secret can make such tokens: they open nothing here.
        let answer = site.bearer("GET", "/userinfo", &token).await;
        assert_eq!(answer.status, 401, "{answer:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_proves_itself_in_one_way() {
    let site = Site::small().await;
    let client = granted(&site).await;
    let wrong = [
        (with(ask(&client), json!({ "client_secret": "x" })), (401, "access_denied")),
        (with(ask(&client), json!({ "client_id": "nobody" })), (401, "access_denied")),
        (with(ask(&client), json!({ "client_secret": null })), (401, "access_denied")),
        (with(ask(&client), json!({ "client_id": null })), (401, "access_denied")),
        (with(ask(&client), json!({ "client_assertion": "x" })), (400, "invalid_request")),
        (with(ask(&client), json!({ "grant_type": null })), (400, "invalid_request")),
        (
            with(ask(&client), json!({ "grant_type": "urn:openid:params:grant-type:ciba" })),
            (403, "unsupported_grant_type"),
        ),
        (with(ask(&client), json!({ "grant_type": "password" })), (403, "unauthorized_client")),
        (with(ask(&client), json!({ "audience": "https://other.example/" })), (403, "access_denied")),
        (with(ask(&client), json!({ "audience": null })), (403, "access_denied")),
        (with(ask(&client), json!({ "scope": "write:a" })), (403, "access_denied")),
        (with(ask(&client), json!({ "organization": "nowhere" })), (400, "invalid_request")),
    ];
    for (body, expected) in wrong {
        let answer = site.token(body.clone()).await;
        assert_eq!(answer.error(), expected, "{body} {answer:?}");
        assert!(answer.body["error_description"].is_string());
        assert_eq!(answer.headers["cache-control"], "no-store");
    }
    // The same words for a wrong secret and for nobody.
    let one = site.token(with(ask(&client), json!({ "client_secret": "x" }))).await;
    let other = site.token(with(ask(&client), json!({ "client_id": "nobody" }))).await;
    assert_eq!(one.body, other.body);
    let both = format!("grant_type=client_credentials&client_id={}&client_secret={}", client.id, client.secret);
    let answer = site.form("/oauth/token", Some(&basic(&client.id, &client.secret)), &both).await;
    assert_eq!(answer.error(), (400, "invalid_request"));
    let other = "grant_type=client_credentials&client_id=other".to_owned();
    let answer = site.form("/oauth/token", Some(&basic(&client.id, &client.secret)), &other).await;
    assert_eq!(answer.error(), (400, "invalid_request"));
    let twice = format!("grant_type=client_credentials&grant_type=password&client_id={}", client.id);
    assert_eq!(site.form("/oauth/token", None, &twice).await.error(), (400, "invalid_request"));
    let answer = site.form("/oauth/token", Some("Bearer x"), "grant_type=client_credentials").await;
    assert_eq!(answer.error(), (401, "access_denied"));
    // A client without a secret does not act for itself.
    let public = site.client(json!({ "token_endpoint_auth_method": "none", "app_type": "spa" })).await;
    let answer =
        site.token(json!({ "grant_type": "client_credentials", "client_id": public.id, "audience": API })).await;
    assert!(answer.status == 401 || answer.status == 403, "{answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn organizations_are_granted_or_all() {
    on_each_store(async |site| {
        let client = granted(site).await;
        let (acme, globex) = (site.account("acme").await, site.account("globex").await);
        let body = with(ask(&client), json!({ "organization": acme }));
        assert_eq!(site.token(body.clone()).await.error(), (403, "access_denied"), "the grant says deny");
        let grant = site.manage("GET", &format!("/client-grants?client_id={}", client.id), Value::Null).await;
        let grant = grant[0]["id"].as_str().unwrap().to_owned();
        let change = json!({ "organization_usage": "allow", "allow_any_organization": false });
        site.manage("PATCH", &format!("/client-grants/{grant}"), change).await;
        assert_eq!(site.token(body.clone()).await.error(), (403, "access_denied"), "not granted to the organization");
        site.manage("POST", &format!("/organizations/{acme}/client-grants"), json!({ "grant_id": grant })).await;
        let answer = site.token(body.clone()).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let said = claims(&answer.text("access_token"));
        assert_eq!((&said["org_id"], &said["org_name"]), (&json!(acme), &Value::Null));
        // By its name too; the other one is not reached; without one it works as before.
        assert_eq!(site.token(with(ask(&client), json!({ "organization": "acme" }))).await.status, 200);
        let answer = site.token(with(ask(&client), json!({ "organization": globex }))).await;
        assert_eq!(answer.error(), (403, "access_denied"));
        assert_eq!(site.token(ask(&client)).await.status, 200);
        let change = json!({ "organization_usage": "require", "allow_any_organization": true });
        site.manage("PATCH", &format!("/client-grants/{grant}"), change).await;
        assert_eq!(site.token(ask(&client)).await.error(), (400, "invalid_request"));
        assert_eq!(site.token(with(ask(&client), json!({ "organization": globex }))).await.status, 200);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_says_how_its_tokens_look() {
    let site = Site::small().await;
    let client = site.client(json!({ "app_type": "non_interactive" })).await;
    let dialect = |name: &str| json!({ "token_dialect": name, "enforce_policies": true, "token_lifetime": 60 });
    for (place, name) in
        ["access_token", "access_token_authz", "rfc9068_profile", "rfc9068_profile_authz"].iter().enumerate()
    {
        let audience = format!("https://api{place}.example/");
        site.api(&audience, &["read:a"], dialect(name)).await;
        site.grant(&client, &audience, &["read:a"], json!({})).await;
        let answer = site.token(with(ask(&client), json!({ "audience": audience }))).await;
        assert_eq!(answer.body["expires_in"], 60, "{answer:?}");
        let token = answer.text("access_token");
        let said = claims(&token);
        let rfc = name.starts_with("rfc9068");
        assert_eq!(header(&token)["typ"], if rfc { "at+jwt" } else { "JWT" });
        assert_eq!(said.get("client_id").is_some(), rfc);
        assert_eq!(said.get("permissions").is_some(), name.ends_with("_authz"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_management_api_takes_its_tokens() {
    let site = Site::small().await;
    let client = site.client(json!({ "app_type": "non_interactive" })).await;
    let audience = format!("{ISSUER}api/v2/");
    site.grant(&client, &audience, &["read:organizations"], json!({})).await;
    let token = site.token(with(ask(&client), json!({ "audience": audience }))).await.text("access_token");
    assert_eq!(site.bearer("GET", "/api/v2/organizations", &token).await.status, 200);
    assert_eq!(site.bearer("GET", "/api/v2/users", &token).await.status, 403);
    // A new secret ends what the old one was given.
    site.manage("POST", &format!("/clients/{}/rotate-secret", client.id), Value::Null).await;
    assert_eq!(site.bearer("GET", "/api/v2/organizations", &token).await.status, 401);
    assert_eq!(site.token(with(ask(&client), json!({ "audience": audience }))).await.error(), (401, "access_denied"));
}

#[tokio::test(flavor = "multi_thread")]
async fn machines_enter_our_contexts_as_granted() {
    let site = Site::small().await;
    let client = site.client(json!({ "app_type": "non_interactive" })).await;
    let acme = site.account("acme").await;
    let usage = json!({ "organization_usage": "require", "allow_any_organization": true });
    site.grant(&client, "dashboard", &["read:organizations"], usage).await;
    let own = json!({ "audience": "dashboard" });
    assert_eq!(site.token(with(ask(&client), own.clone())).await.error(), (400, "invalid_request"));
    let answer = site.token(with(with(ask(&client), own), json!({ "organization": "acme" }))).await;
    assert_eq!(answer.body["expires_in"], 300, "{answer:?}");
    let said = claims(&answer.text("access_token"));
    assert_eq!(said["context"], "dashboard");
    assert_eq!(said["org_id"], json!(acme));
    assert_eq!(said["principal_id"], json!(client.id));
    assert_eq!(said["permissions"], json!(["read:organizations"]));
    assert_eq!(header(&answer.text("access_token"))["alg"], "ES256");
    // What is granted is not what is asked for elsewhere.
    assert_eq!(site.token(with(ask(&client), json!({ "audience": "portal" }))).await.error(), (403, "access_denied"));
}

/// How long one token takes beside one bare signature (P5 is measured in a release build; this only tells
/// when something went badly wrong).
#[allow(clippy::disallowed_methods, reason = "what is measured is real time")]
#[tokio::test(flavor = "multi_thread")]
async fn a_token_costs_little_more_than_its_signature() {
    use std::time::Instant;
    use tenantry_identity::oauth::{OAuthRequest, Params};

    const ROUNDS: u32 = 200;
    let site = Site::small().await;
    let client = granted(&site).await;
    let mut params = Params::new();
    for (name, value) in ask(&client).as_object().unwrap() {
        params.add(name, value.as_str().unwrap().to_owned()).unwrap();
    }
    let request = OAuthRequest { params, request_id: "r".to_owned(), ..OAuthRequest::default() };
    site.identity.token(&request).await.unwrap();
    let began = Instant::now();
    for _ in 0..ROUNDS {
        site.identity.token(&request).await.unwrap();
    }
    let token = began.elapsed() / ROUNDS;
    let began = Instant::now();
    for _ in 0..ROUNDS {
        site.identity.issuer().issue_management("c", &["read:a"], std::time::Duration::from_mins(5)).unwrap();
    }
    let bare = began.elapsed() / ROUNDS;
    eprintln!("a token {token:?}, a signature {bare:?}");
    assert!(token < bare * 10, "a token {token:?}, a signature {bare:?}");
}
