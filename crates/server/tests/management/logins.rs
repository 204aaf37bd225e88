//! Logins by password, attempt limits, blocks, events, tickets.

use std::time::Duration;

use serde_json::{Value, json};
use tenantry_identity::login::{LoggedIn, Login, LoginRefusal};
use tenantry_identity::tickets::Redemption;
use tenantry_identity::{Caller, Kind, Refusal};
use zeroize::Zeroizing;

use crate::site::{Site, on_each_store};

pub const CONNECTION: &str = "Username-Password-Authentication";
pub const PASSWORD: &str = "Correct horse, 1 battery";

/// Makes a user; answers its id.
pub async fn user(site: &Site, name: &str) -> String {
    let body = json!({"connection": CONNECTION, "email": format!("{name}@example.com"), "username": name, "password": PASSWORD});
    let (status, made) = site.post("/users", body).await;
    assert_eq!(status, 201, "{made}");
    made["user_id"].as_str().unwrap().to_owned()
}

pub async fn login(site: &Site, name: &str, password: &str, address: &str) -> Result<LoggedIn, LoginRefusal> {
    let login = Login {
        connection: CONNECTION.to_owned(),
        identifier: name.to_owned(),
        password: Zeroizing::new(password.to_owned()),
        account: None,
        client: None,
        address: Some(address.parse().unwrap()),
        user_agent: Some("test".to_owned()),
        session: true,
        request_id: "test".to_owned(),
    };
    site.identity.login(login).await
}

pub fn encoded(id: &str) -> String {
    id.replace('|', "%7C")
}

fn kinds(logs: &Value) -> Vec<&str> {
    logs.as_array().unwrap().iter().map(|log| log["type"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_failures_block_a_user_from_an_address() {
    on_each_store(async |site| {
        let id = user(site, "jane").await;
        let one = login(site, "JANE@example.com", PASSWORD, "1.2.3.4").await.unwrap();
        assert_eq!(one.user_id, id);
        assert!(login(site, "jane", PASSWORD, "1.2.3.4").await.is_ok());
        for attempt in 0..10 {
            let name = if attempt % 2 == 0 { "jane" } else { "jane@example.com" };
            assert_eq!(login(site, name, "wrong", "1.2.3.4").await, Err(LoginRefusal::Wrong), "{attempt}");
        }
        assert_eq!(login(site, "jane", PASSWORD, "1.2.3.4").await, Err(LoginRefusal::TooMany));
        // From elsewhere she gets in; a name that nobody has ends the same way.
        assert!(login(site, "jane", PASSWORD, "5.6.7.8").await.is_ok());
        for _ in 0..10 {
            assert_eq!(login(site, "nobody", "wrong", "9.9.9.9").await, Err(LoginRefusal::Wrong));
        }
        assert_eq!(login(site, "nobody", "wrong", "9.9.9.9").await, Err(LoginRefusal::TooMany));

        let (status, blocks) = site.get("/user-blocks?identifier=jane@example.com").await;
        let expected =
            json!({"blocked_for": [{"identifier": "jane@example.com", "ip": "1.2.3.4", "connection": CONNECTION}]});
        assert_eq!((status, &blocks), (200, &expected));
        let path = format!("/user-blocks/{}", encoded(&id));
        assert_eq!(site.get(&path).await.1["blocked_for"].as_array().unwrap().len(), 2);
        assert_eq!(site.get("/user-blocks?identifier=none").await, (200, json!({"blocked_for": []})));
        assert_eq!(site.get("/user-blocks/auth0%7Cnone").await.0, 404);
        assert_eq!(site.get("/user-blocks").await.0, 400);

        let (_, logs) = site.get(&format!("/users/{}/logs", encoded(&id))).await;
        let found = kinds(&logs);
        assert_eq!((found[0], found[1]), ("s", "limit_wc"), "{logs}");
        assert_eq!(found.iter().filter(|kind| **kind == "fp").count(), 10);
        let (_, found) = site.get("/logs?q=type:fu%20AND%20ip:9.9.9.9&include_totals=true&per_page=2").await;
        assert!(found["logs"].is_array(), "{found}");
        assert_eq!((&found["total"], found["logs"].as_array().unwrap().len()), (&json!(10), 2));
        let log = &found["logs"][0];
        let (status, one) = site.get(&format!("/logs/{}", log["log_id"].as_str().unwrap())).await;
        assert_eq!((status, &one), (200, log));
        assert_eq!(site.get("/logs/900").await.0, 404);
        let after = site
            .get(&format!("/logs?from={}&take=5", logs.as_array().unwrap().last().unwrap()["log_id"].as_str().unwrap()))
            .await;
        assert_eq!((after.0, after.1.as_array().unwrap().len()), (200, 5));
        assert_eq!(site.get("/logs?q=%22open").await.0, 400);

        assert_eq!(site.delete(&path).await.0, 204);
        let (_, acts) = site.get("/logs?q=type:sapi").await;
        assert_eq!(acts[0]["description"], json!("DELETE /user-blocks/{id}"));
        assert_eq!(site.get(&path).await.1, json!({"blocked_for": []}));
        assert!(login(site, "jane", PASSWORD, "1.2.3.4").await.is_ok());
        assert_eq!(site.delete("/user-blocks?identifier=jane").await.0, 204);
        assert_eq!(site.get("/stats/active-users").await, (200, json!(1)));
        let (_, days) = site.get("/stats/daily").await;
        assert_eq!(days[0]["logins"], json!(4), "{days}");
        assert_eq!(site.get("/stats/daily?from=20991340").await.0, 400);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_attempts_at_a_time_are_not_more_than_one_after_another() {
    on_each_store(async |site| {
        user(site, "jane").await;
        let attempts = (0..24).map(|_| login(site, "jane", "wrong", "1.2.3.4"));
        let outcomes = futures_util::future::join_all(attempts).await;
        let tried = outcomes.iter().filter(|outcome| **outcome == Err(LoginRefusal::Wrong)).count();
        assert!(tried <= 10, "{tried}");
        assert_eq!(login(site, "jane", PASSWORD, "1.2.3.4").await, Err(LoginRefusal::TooMany));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blocked_user_is_not_let_in_and_a_session_ends_with_access() {
    on_each_store(async |site| {
        let id = user(site, "jane").await;
        let path = format!("/users/{}", encoded(&id));
        let in_ = login(site, "jane", PASSWORD, "1.2.3.4").await.unwrap();
        let session = in_.session_id.unwrap();
        let (status, shown) = site.get(&format!("/sessions/{session}")).await;
        assert_eq!((status, &shown["user_id"], &shown["device"]["initial_ip"]), (200, &json!(id), &json!("1.2.3.4")));
        let (status, changed) =
            site.patch(&format!("/sessions/{session}"), json!({"session_metadata": {"a": "b"}})).await;
        assert_eq!((status, &changed["session_metadata"]), (200, &json!({"a": "b"})));
        let (_, listed) = site.get(&format!("{path}/sessions?take=1")).await;
        assert_eq!(listed["sessions"].as_array().unwrap().len(), 1);
        assert_eq!(site.post(&format!("{path}/revoke-access"), json!({"session_id": "nobodys"})).await.0, 404);
        assert_eq!(site.post(&format!("{path}/revoke-access"), json!({})).await.0, 202);
        assert_eq!(site.get(&format!("/sessions/{session}")).await.0, 404);
        assert_eq!(site.delete(&format!("/sessions/{session}")).await, (202, json!({})));
        assert_eq!(site.call("POST", &format!("/sessions/{session}/revoke"), None).await.0, 404);

        assert_eq!(site.patch(&path, json!({"blocked": true})).await.0, 200);
        assert_eq!(login(site, "jane", PASSWORD, "1.2.3.4").await, Err(LoginRefusal::Blocked));
        assert_eq!(login(site, "jane", "wrong", "1.2.3.4").await, Err(LoginRefusal::Wrong));
        for missing in ["sessions", "refresh-tokens"] {
            assert_eq!(site.get(&format!("/users/auth0%7Cnone/{missing}")).await.0, 404);
            assert_eq!(site.delete(&format!("/users/auth0%7Cnone/{missing}")).await.0, 404);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_sets_a_password_once() {
    on_each_store(async |site| {
        let id = user(site, "jane").await;
        let caller = Caller::operator("test");
        let body = json!({"user_id": id, "result_url": "https://app.example/done", "mark_email_as_verified": true,
            "includeEmailInRedirect": true, "ttl_sec": 60});
        let (status, made) = site.post("/tickets/password-change", body.clone()).await;
        assert_eq!(status, 201, "{made}");
        let link = made["ticket"].as_str().unwrap();
        assert!(link.starts_with("https://tenantry.example/"), "{link}");
        let ticket = link.split("ticket=").nth(1).unwrap().trim_end_matches('#').to_owned();
        let set = async |ticket: &str, plain: &str| {
            let plain = Redemption::SetPassword(Zeroizing::new(plain.to_owned()));
            site.identity.redeem_ticket(&caller, ticket, plain).await
        };
        let gone = Refusal::Missing(Kind::Ticket);
        assert!(matches!(set(&ticket, "weak").await, Err(Refusal::Password(_))));
        assert_eq!(set("unknown", "New password 1").await, Err(gone.clone()));
        assert_eq!(site.identity.redeem_ticket(&caller, &ticket, Redemption::ConfirmEmail).await, Err(gone.clone()));
        let session = login(site, "jane", PASSWORD, "1.2.3.4").await.unwrap().session_id.unwrap();
        let done = set(&ticket, "New password 1").await.unwrap();
        assert_eq!(done.result_url.as_deref(), Some("https://app.example/done"));
        assert_eq!(done.email.as_deref(), Some("jane@example.com"));
        assert_eq!(set(&ticket, "New password 2").await, Err(gone.clone()));
        assert_eq!(login(site, "jane", PASSWORD, "1.2.3.4").await, Err(LoginRefusal::Wrong));
        assert!(login(site, "jane", "New password 1", "1.2.3.4").await.is_ok());
        assert_eq!(site.get(&format!("/sessions/{session}")).await.0, 404);
        let (_, shown) = site.get(&format!("/users/{}", encoded(&id))).await;
        assert_eq!(shown["email_verified"], json!(true));

        let (_, made) = site.post("/tickets/password-change", body).await;
        let late = made["ticket"].as_str().unwrap().split("ticket=").nth(1).unwrap().trim_end_matches('#').to_owned();
        site.clock.advance(Duration::from_secs(61));
        assert_eq!(set(&late, "New password 3").await, Err(gone));

        let (status, _) = site.post("/tickets/email-verification", json!({"user_id": id})).await;
        assert_eq!(status, 201);
        assert_eq!(site.post("/tickets/email-verification", json!({"user_id": "auth0|none"})).await.0, 404);
        assert_eq!(site.post("/tickets/password-change", json!({})).await.0, 400);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn passwords_are_judged_in_the_known_words() {
    on_each_store(async |site| {
        let weak = json!({"connection": CONNECTION, "email": "a@example.com", "password": "weak"});
        let (status, body) = site.post("/users", weak).await;
        assert_eq!((status, &body["message"]), (400, &json!("PasswordStrengthError: Password is too weak")), "{body}");
        assert_eq!((&body["error"], body.get("errorCode")), (&json!("Bad Request"), None));
    })
    .await;
}
