//! Clients and their credentials.

use rcgen::{CertificateParams, DnType, KeyPair, PKCS_RSA_SHA256};
use serde_json::{Value, json};

use crate::site::{Site, on_each_store};

/// A new RSA key as PEM: public key, and certificate.
fn key() -> (String, String) {
    let pair = KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap();
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CountryName, "JP");
    params.distinguished_name.push(DnType::CommonName, "client.example");
    let certificate = params.self_signed(&pair).unwrap();
    (pair.public_key_pem(), certificate.pem())
}

fn id(client: &Value) -> String {
    client["client_id"].as_str().unwrap().to_owned()
}

async fn made(site: &Site, body: Value) -> Value {
    let (status, client) = site.post("/clients", body).await;
    assert_eq!(status, 201, "{client}");
    client
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_is_made_with_what_nobody_said() {
    on_each_store(async |site| {
        let client = made(site, json!({"name": "web"})).await;
        assert_eq!((id(&client).len(), client["client_secret"].as_str().unwrap().len()), (32, 64));
        assert_eq!(
            client["grant_types"],
            json!(["authorization_code", "implicit", "refresh_token", "client_credentials"])
        );
        assert_eq!(client["jwt_configuration"], json!({"lifetime_in_seconds": 36_000, "secret_encoded": false}));
        assert_eq!((&client["is_first_party"], &client["oidc_conformant"]), (&json!(true), &json!(false)));
        assert_eq!((&client["global"], &client["tenant"]), (&json!(false), &json!("tenantry")));
        assert!(client["signing_keys"][0]["cert"].as_str().unwrap().starts_with("-----BEGIN CERTIFICATE-----"));
        let spa = made(site, json!({"name": "spa", "app_type": "spa"})).await;
        assert_eq!(spa["token_endpoint_auth_method"], "none");
        assert_eq!(spa["grant_types"], json!(["authorization_code", "implicit", "refresh_token"]));
        let (_, read) = site.get(&format!("/clients/{}", id(&client))).await;
        assert_eq!(read, client);
        let path = format!("/clients/{}", id(&client));
        assert_eq!(site.delete(&path).await.0, 204);
        assert_eq!(site.delete(&path).await.0, 204);
        let (status, gone) = site.get(&path).await;
        assert_eq!((status, &gone["errorCode"]), (404, &json!("inexistent_client")));
        assert_eq!(site.post("/clients", json!({"app_type": "spa"})).await.0, 400);
        assert_eq!(site.post("/clients", json!({"name": "x", "secret": "y"})).await.0, 400);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clients_secret_is_answered_to_whom_it_is_for() {
    on_each_store(async |site| {
        let client = made(site, json!({"name": "c", "description": "d", "app_type": "native"})).await;
        let path = format!("/clients/{}", id(&client));
        let as_with = async |scopes: &[&str], method: &str, path: &str| {
            site.call_as(&site.token(scopes), method, path, None).await
        };
        let (_, keys) = as_with(&["read:clients", "read:client_keys"], "GET", &path).await;
        assert_eq!(keys["client_secret"], client["client_secret"]);
        let (_, plain) = as_with(&["read:clients"], "GET", &path).await;
        assert_eq!((plain.get("client_secret"), plain.get("signing_keys")), (None, None));
        assert_eq!(plain["grant_types"], client["grant_types"]);
        let (_, summary) = as_with(&["read:client_summary"], "GET", &path).await;
        assert_eq!(
            summary,
            json!({"client_id": client["client_id"], "name": "c", "description": "d", "app_type": "native"})
        );
        let (_, listed) = as_with(&["read:clients"], "GET", "/clients").await;
        assert_eq!(listed[0].get("client_secret"), None);
        let (status, rotated) = as_with(&["update:client_keys"], "POST", &format!("{path}/rotate-secret")).await;
        assert_eq!(status, 200);
        assert_ne!(rotated["client_secret"], client["client_secret"]);
        let change = json!({"client_secret": "a-secret-of-my-own-choice"});
        let (status, _) = site.call_as(&site.token(&["update:clients"]), "PATCH", &path, Some(change.clone())).await;
        assert_eq!(status, 403);
        let (status, changed) = site.patch(&path, change).await;
        assert_eq!((status, &changed["client_secret"]), (200, &json!("a-secret-of-my-own-choice")));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_replace_merge_and_take_away() {
    on_each_store(async |site| {
        let client = made(site, json!({"name": "c", "callbacks": ["https://a.example/cb"],
            "client_metadata": {"a": "1", "b": "2"},
            "oidc_logout": {"backchannel_logout_urls": ["https://a.example/out"]}})).await;
        assert_eq!(client["oidc_backchannel_logout"]["backchannel_logout_urls"], json!(["https://a.example/out"]));
        let path = format!("/clients/{}", id(&client));
        let change = async |body: Value| {
            let (status, changed) = site.patch(&path, body).await;
            assert_eq!(status, 200, "{changed}");
            assert_eq!(site.get(&path).await.1, changed);
            changed
        };
        let changed = change(json!({"client_metadata": {"a": null, "c": "3"}, "callbacks": ["https://b.example/cb"]})).await;
        assert_eq!(changed["client_metadata"], json!({"b": "2", "c": "3"}));
        assert_eq!(changed["callbacks"], json!(["https://b.example/cb"]));
        let changed = change(json!({"jwt_configuration": {"alg": "RS256"}})).await;
        assert_eq!(changed["jwt_configuration"], json!({"lifetime_in_seconds": 36_000, "secret_encoded": false, "alg": "RS256"}));
        let changed = change(json!({"refresh_token": {"rotation_type": "rotating", "expiration_type": "expiring", "leeway": 3}})).await;
        assert_eq!(changed["refresh_token"]["infinite_token_lifetime"], false);
        assert_eq!((&changed["refresh_token"]["leeway"], &changed["refresh_token"]["token_lifetime"]), (&json!(3), &json!(2_592_000)));
        let changed = change(json!({"organization_usage": "require", "organization_require_behavior": "pre_login_prompt"})).await;
        assert_eq!(changed["organization_usage"], "require");
        let changed = change(json!({"organization_usage": null, "token_endpoint_auth_method": "none"})).await;
        assert_eq!((changed.get("organization_usage"), &changed["token_endpoint_auth_method"]), (None, &json!("none")));
        let nobody = json!({"default_organization": {"organization_id": "org_0000000000000000", "flows": ["client_credentials"]}});
        assert_eq!(site.patch(&path, nobody).await.0, 400);
        assert_eq!(site.patch("/clients/none", json!({"name": "x"})).await.0, 404);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_are_listed_filtered_and_chosen_from() {
    on_each_store(async |site| {
        for (name, app_type) in [("a", "spa"), ("b", "native"), ("c", "non_interactive")] {
            site.clock.advance(std::time::Duration::from_millis(1));
            made(site, json!({"name": name, "app_type": app_type, "is_first_party": name != "c"})).await;
        }
        let names = |listed: &Value| -> Vec<String> {
            listed.as_array().unwrap().iter().map(|client| client["name"].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(names(&site.get("/clients").await.1), ["a", "b", "c"]);
        assert_eq!(names(&site.get("/clients?app_type=spa,native").await.1), ["a", "b"]);
        assert_eq!(names(&site.get("/clients?is_first_party=false").await.1), ["c"]);
        assert_eq!(names(&site.get("/clients?is_global=true").await.1), [""; 0]);
        let (_, page) =
            site.get("/clients?per_page=2&page=1&include_totals=true&fields=name&include_fields=true").await;
        assert_eq!(page["clients"], json!([{"tenant": "tenantry", "name": "c"}]));
        assert_eq!((&page["total"], &page["start"], &page["limit"]), (&json!(3), &json!(2), &json!(2)));
        let (_, first) = site.get("/clients?take=2&page=7").await;
        assert_eq!(names(&first["clients"]), ["a", "b"]);
        let next = first["next"].as_str().unwrap();
        let (_, rest) = site.get(&format!("/clients?take=2&from={next}")).await;
        assert_eq!((names(&rest["clients"]), rest.get("next")), (vec!["c".to_owned()], None));
        assert_eq!(site.get("/clients?q=name:x").await.0, 400);
        assert_eq!(site.get("/clients?from=nonsense").await.0, 400);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_proves_itself_with_credentials() {
    on_each_store(async |site| {
        let (public, certificate) = key();
        let client = made(
            site,
            json!({"name": "c", "client_authentication_methods": {"private_key_jwt":
            {"credentials": [{"name": "one", "credential_type": "public_key", "pem": public}]}}}),
        )
        .await;
        let credential = &client["client_authentication_methods"]["private_key_jwt"]["credentials"][0];
        assert_eq!((credential["kid"].as_str().unwrap().len(), &credential["alg"]), (43, &json!("RS256")));
        assert_eq!((credential.get("pem"), client.get("token_endpoint_auth_method")), (None, None));
        let path = format!("/clients/{}", id(&client));
        let (_, read) = site.get(&path).await;
        assert_eq!(
            read["client_authentication_methods"]["private_key_jwt"]["credentials"],
            json!([{"id": credential["id"]}])
        );
        let credentials = format!("{path}/credentials");
        let (status, twice) = site.post(&credentials, json!({"credential_type": "public_key", "pem": public})).await;
        assert_eq!((status, &twice["message"]), (409, &json!("A credential with the same kid already exists.")));
        let (status, other) = site
            .post(
                &credentials,
                json!({"credential_type": "public_key", "pem": certificate, "kid": "my-own-kid-1",
                "alg": "PS256", "parse_expiry_from_cert": true, "name": "two"}),
            )
            .await;
        assert_eq!((status, &other["kid"], &other["alg"]), (201, &json!("my-own-kid-1"), &json!("PS256")));
        assert!(other["expires_at"].is_string());
        let (status, dn) =
            site.post(&credentials, json!({"credential_type": "cert_subject_dn", "pem": certificate})).await;
        assert_eq!((status, &dn["subject_dn"]), (201, &json!("C=JP\nCN=client.example")));
        let (status, cert) = site.post(&credentials, json!({"credential_type": "x509_cert", "pem": certificate})).await;
        assert_eq!((status, cert["thumbprint_sha256"].as_str().unwrap().len()), (201, 43));
        assert!(cert["expires_at"].is_string());
        let (_, all) = site.get(&format!("{credentials}?include_totals=true")).await;
        assert_eq!(all.as_array().unwrap().len(), 4);
        let one = format!("{credentials}/{}", other["id"].as_str().unwrap());
        let (status, changed) = site.patch(&one, json!({"expires_at": "2030-01-01T02:00:00+02:00"})).await;
        assert_eq!((status, &changed["expires_at"]), (200, &json!("2030-01-01T00:00:00.000Z")));
        assert_eq!(site.patch(&one, json!({"expires_at": null})).await.1["expires_at"], Value::Null);
        assert_eq!(site.get(&one).await.1["expires_at"], Value::Null);
        // One that is in use stays, one that is not goes, and goes again.
        let used = format!("{credentials}/{}", credential["id"].as_str().unwrap());
        assert_eq!(site.delete(&used).await.0, 400);
        assert_eq!((site.delete(&one).await.0, site.delete(&one).await.0), (204, 204));
        let (status, gone) = site.get(&one).await;
        assert_eq!((status, &gone["errorCode"]), (404, &json!("inexistent_credential")));
        // Another's credential, and one of the wrong kind, are not taken.
        for (method, id) in
            [("private_key_jwt", "cred_unknown"), ("self_signed_tls_client_auth", dn["id"].as_str().unwrap())]
        {
            let body = json!({"client_authentication_methods": {method: {"credentials": [{"id": id}]}}});
            assert_eq!(site.patch(&path, body).await.0, 400, "{method}");
        }
        let body = json!({"client_authentication_methods": {"tls_client_auth": {"credentials": [{"id": dn["id"]}]}}});
        let (status, changed) = site.patch(&path, body).await;
        assert_eq!(status, 200, "{changed}");
        let (_, changed) = site
            .patch(
                &path,
                json!({"client_authentication_methods": null, "token_endpoint_auth_method": "client_secret_post"}),
            )
            .await;
        assert_eq!(
            (changed.get("client_authentication_methods"), &changed["token_endpoint_auth_method"]),
            (None, &json!("client_secret_post"))
        );
        for wrong in [
            json!({"credential_type": "public_key", "pem": "x"}),
            json!({"credential_type": "x509_cert", "pem": public}),
            json!({"credential_type": "cert_subject_dn"}),
            json!({"credential_type": "public_key"}),
        ] {
            let (status, refused) = site.post(&credentials, wrong.clone()).await;
            assert_eq!((status, &refused["errorCode"]), (400, &json!("invalid_body")), "{wrong}");
        }
        assert_eq!(site.get("/clients/none/credentials").await.0, 404);
        assert_eq!(
            site.post("/clients/none/credentials", json!({"credential_type": "public_key", "pem": public})).await.0,
            404
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn special_types_are_what_they_are() {
    on_each_store(async |site| {
        let (status, refused) = site
            .post(
                "/clients",
                json!({"name": "c", "app_type": "resource_server",
            "resource_server_identifier": "urn:none"}),
            )
            .await;
        assert_eq!(status, 400, "{refused}");
        site.post("/resource-servers", json!({"identifier": "urn:api"})).await;
        let client =
            made(site, json!({"name": "c", "app_type": "resource_server", "resource_server_identifier": "urn:api"}))
                .await;
        assert_eq!((&client["grant_types"], &client["oidc_conformant"]), (&json!([]), &json!(true)));
        assert_eq!(site.get("/resource-servers/urn%3Aapi").await.1["client_id"], client["client_id"]);
        let express = made(site, json!({"name": "e", "app_type": "express_configuration"})).await;
        assert_eq!(express["organization_usage"], "require");
        let (_, grants) = site.get(&format!("/client-grants?client_id={}", id(&express))).await;
        assert_eq!((&grants[0]["is_system"], grants[0]["scope"].as_array().unwrap().len()), (&json!(true), 16));
        let grant = format!("/client-grants/{}", grants[0]["id"].as_str().unwrap());
        assert_eq!((site.patch(&grant, json!({"scope": []})).await.0, site.delete(&grant).await.0), (400, 400));
        let (status, refused) =
            site.post("/client-grants", json!({"client_id": id(&express), "audience": "urn:api", "scope": []})).await;
        assert_eq!((status, &refused["message"]), (400, &json!("Client of type express_configuration cannot be used")));
    })
    .await;
}
