//! Ways to log in beside the password, and what else hangs on a user.

use serde_json::json;

use crate::logins::{encoded, user};
use crate::site::on_each_store;

#[tokio::test(flavor = "multi_thread")]
async fn methods_are_enrolled_changed_replaced_and_removed() {
    on_each_store(async |site| {
        let id = user(site, "jane").await;
        let user = format!("/users/{}", encoded(&id));
        let path = format!("{user}/authentication-methods");
        let email = json!({"type": "email", "name": "Test", "email": "chuck334@example.com"});
        let (status, made) = site.post(&path, email.clone()).await;
        assert_eq!((status, &made["email"]), (201, &json!("chuc****@exam*******")), "{made}");
        let (status, again) = site.post(&path, email).await;
        assert_eq!((status, &again["message"]), (409, &json!("Authentication method already exists.")));
        for wrong in [
            json!({"type": "phone"}),
            json!({"type": "totp"}),
            json!({"type": "totp", "totp_secret": "not base32!"}),
            json!({"type": "email", "email": "a\u{0}b"}),
            json!({"type": "passkey"}),
            json!({"type": "other"}),
        ] {
            assert_eq!(site.post(&path, wrong.clone()).await.0, 400, "{wrong}");
        }
        let one = format!("{path}/{}", encoded(made["id"].as_str().unwrap()));
        let (status, changed) = site.patch(&one, json!({"name": "Test2"})).await;
        assert_eq!((status, &changed["name"]), (200, &json!("Test2")));
        assert_eq!(site.get(&one).await.1["confirmed"], json!(true));
        let (status, all) = site.call("PUT", &path, Some(json!([
            {"type": "email", "name": "MyEmail", "email": "foo@example.com"},
            {"type": "phone", "name": "MyPhone", "phone_number": "+44207183875044", "preferred_authentication_method": "sms"},
            {"type": "totp", "name": "MyTotp", "totp_secret": "5HCWXIP2MJNSUBGYVUZFLRB2HWIGXR4SYJQXNBQ"}]))).await;
        assert_eq!((status, &all[0]["email"], &all[1]["phone_number"]), (200, &json!("foo@example.com"), &json!("+44207183875044")), "{all}");
        assert!(!all.to_string().contains("5HCWXIP2"));
        let (_, listed) = site.get(&format!("{path}?include_totals=true")).await;
        assert_eq!((&listed["total"], &listed["authenticators"][1]["phone_number"]), (&json!(3), &json!("XXXXXXXXXXX5044")));
        let (_, enrolled) = site.get(&format!("{user}/enrollments")).await;
        assert_eq!(enrolled.as_array().unwrap().len(), 3);
        assert_eq!(site.delete(&format!("{user}/multifactor/google-authenticator")).await.0, 204);
        assert_eq!(site.get(&path).await.1.as_array().unwrap().len(), 2);
        assert_eq!(site.delete(&format!("{user}/multifactor/other")).await.0, 400);

        let (status, code) = site.call("POST", &format!("{user}/recovery-code-regeneration"), Some(json!({}))).await;
        let code = code["recovery_code"].as_str().unwrap().to_owned();
        assert_eq!((status, code.len()), (200, 24));
        assert!(!site.identity.use_recovery_code(&id, "ABCDEFGHJKLMNPQRSTUVWXYZ").await.unwrap());
        assert!(site.identity.use_recovery_code(&id, &code.to_lowercase()).await.unwrap());
        assert!(!site.identity.use_recovery_code(&id, &code).await.unwrap());

        assert_eq!(site.delete(&format!("{user}/authenticators")).await.0, 204);
        assert_eq!(site.get(&path).await, (200, json!([])));
        assert_eq!(site.delete(&path).await.0, 204);
        assert_eq!(site.delete(&format!("{path}/email%7Cnone")).await.0, 404);
        assert_eq!(site.get("/users/auth0%7Cnone/authentication-methods").await.0, 404);
        let (status, _) = site.call("POST", &format!("{user}/multifactor/actions/invalidate-remember-browser"), None).await;
        assert_eq!(status, 204);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_empty_is_told_as_empty() {
    on_each_store(async |site| {
        let user = format!("/users/{}", encoded(&user(site, "jane").await));
        for (path, expected) in [
            (format!("{user}/connected-accounts?take=50"), json!({"connected_accounts": []})),
            (format!("{user}/federated-connections-tokensets"), json!([])),
            (format!("{user}/groups"), json!([])),
            (format!("{user}/refresh-tokens?include_totals=true"), json!({"tokens": [], "total": 0})),
            (format!("{user}/logs"), json!([])),
            ("/groups?take=5".to_owned(), json!({"groups": [], "total": 0})),
            (
                "/grants?include_totals=true".to_owned(),
                json!({"start": 0, "limit": 50, "length": 0, "total": 0, "grants": []}),
            ),
            ("/device-credentials".to_owned(), json!([])),
        ] {
            assert_eq!(site.get(&path).await, (200, expected), "{path}");
        }
        let clear = json!({"connection": "Username-Password-Authentication", "assessors": ["new-device"]});
        assert_eq!(site.post(&format!("{user}/risk-assessments/clear"), clear).await.0, 204);
        for (method, path, status) in [
            ("GET", "/groups/grp_11111111111111", 404),
            ("DELETE", "/grants/none", 204),
            ("DELETE", "/grants", 400),
            ("DELETE", "/device-credentials/dcr_0000000000000000", 204),
            ("GET", "/refresh-tokens/none", 404),
            ("DELETE", "/refresh-tokens/none", 202),
            ("GET", "/refresh-tokens", 400),
            ("GET", "/users/auth0%7Cnone/connected-accounts", 404),
        ] {
            assert_eq!(site.call(method, path, None).await.0, status, "{method} {path}");
        }
        assert_eq!(site.post("/refresh-tokens/revoke", json!({})).await.0, 400);
        assert_eq!(site.post("/refresh-tokens/revoke", json!({"ids": ["none"]})).await.0, 202);
        let key = json!({"device_name": "d", "type": "public_key", "value": "v", "device_id": "aa-01"});
        assert_eq!(site.post("/device-credentials", key).await.0, 400);
    })
    .await;
}
