//! `Idempotency-Key` and the rate limits.

use std::time::Duration;

use serde_json::json;
use tenantry_server::{Rate, Rates};

use crate::site::on_each_store;

#[tokio::test(flavor = "multi_thread")]
async fn a_post_with_a_key_is_done_once() {
    on_each_store(async |site| {
        let key = [("idempotency-key", "k-1")];
        let post =
            async |path: &str, headers: &[(&str, &str)], body| site.send("POST", path, headers, Some(body)).await;
        let first = post("/organizations", &key, json!({"name": "acme"})).await;
        assert_eq!(first.0, 201, "{}", first.2);
        assert_eq!(first.1.get("idempotent-replayed"), None);
        let again = post("/organizations", &key, json!({"name": "acme"})).await;
        assert_eq!((again.0, &again.2), (201, &first.2), "the first answer");
        assert_eq!(again.1.get("idempotent-replayed").unwrap(), "true");
        // Without the key it is another request.
        assert_eq!(post("/organizations", &[], json!({"name": "acme"})).await.0, 409);
        // The key belongs to one request, by its body and path.
        for (path, body) in
            [("/organizations", json!({"name": "other"})), ("/organizations?a=b", json!({"name": "acme"}))]
        {
            let reused = post(path, &key, body).await;
            assert_eq!((reused.0, &reused.2["errorCode"]), (422, &json!("idempotency_key_reused")));
        }
        assert_eq!(site.get("/organizations").await.1.as_array().unwrap().len(), 1);
        // What was refused may be tried again.
        let key = [("idempotency-key", "k-2")];
        assert_eq!(post("/organizations", &key, json!({"name": "acme"})).await.0, 409);
        let id = first.2["id"].as_str().unwrap();
        assert_eq!(site.delete(&format!("/organizations/{id}")).await.0, 204);
        assert_eq!(post("/organizations", &key, json!({"name": "acme"})).await.0, 201);
        // A day later it is forgotten.
        site.clock.advance(Duration::from_hours(25));
        let token = site.token(&["create:organizations"]);
        let later = site.send_as(&token, "POST", "/organizations", &key, Some(json!({"name": "later"}))).await;
        assert_eq!(later.0, 201, "{}", later.2);
        // A key that is none.
        let long = "x".repeat(256);
        for wrong in [
            &[("idempotency-key", "")][..],
            &[("idempotency-key", &long)],
            &[("idempotency-key", "a"), ("idempotency-key", "b")],
        ] {
            let refused = site.send_as(&token, "POST", "/organizations", wrong, Some(json!({"name": "wrong"}))).await;
            assert_eq!(refused.0, 400, "{wrong:?}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_at_once_with_one_key_make_one() {
    on_each_store(async |site| {
        let key = [("idempotency-key", "at-once")];
        let posts = (0..20).map(|_| site.send("POST", "/organizations", &key, Some(json!({"name": "acme"}))));
        let answers = futures_util::future::join_all(posts).await;
        assert!(answers.iter().all(|(status, ..)| [201, 409].contains(status)));
        let made: Vec<_> = answers.iter().filter(|(status, ..)| *status == 201).map(|(.., body)| body).collect();
        assert!(!made.is_empty() && made.iter().all(|body| *body == made[0]));
        assert_eq!(site.get("/organizations").await.1.as_array().unwrap().len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_callers_are_their_own_and_their_answers_are_sealed() {
    on_each_store(async |site| {
        let key = [("idempotency-key", "shared")];
        let token = |client: &str| {
            let issuer = site.identity.issuer();
            issuer.issue_management(client, &["create:organizations"], Duration::from_hours(1)).unwrap()
        };
        for client in ["one", "other"] {
            let made =
                site.send_as(&token(client), "POST", "/organizations", &key, Some(json!({"name": client}))).await;
            assert_eq!((made.0, &made.2["name"]), (201, &json!(client)));
        }
        // The right is asked for each time.
        let without = site.identity.issuer().issue_management("one", &["read:users"], Duration::from_hours(1)).unwrap();
        let refused = site.send_as(&without, "POST", "/organizations", &key, Some(json!({"name": "one"}))).await;
        assert_eq!(refused.0, 403);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_are_told_how_they_stand_and_stopped_when_they_ask_too_much() {
    on_each_store(async |site| {
        let rate = Rate { count: 3, within: Duration::from_mins(1) };
        let site = site.limited(Rates { calls: Some(rate), strangers: Some(rate), ..Rates::none() });
        for remaining in ["2", "1", "0"] {
            let (status, headers, _) = site.send("GET", "/organizations", &[], None).await;
            assert_eq!((status, headers["x-ratelimit-limit"].as_bytes()), (200, b"3".as_slice()));
            assert_eq!(headers["x-ratelimit-remaining"], remaining);
            assert!(headers["x-ratelimit-reset"].to_str().unwrap().parse::<i64>().unwrap() > 0);
            assert!(!headers.contains_key("retry-after"));
        }
        let (status, headers, body) = site.send("GET", "/organizations", &[], None).await;
        assert_eq!((status, &body["errorCode"]), (429, &json!("too_many_requests")));
        assert_eq!(
            (&headers["retry-after"], &headers["x-ratelimit-remaining"]),
            (&"20".parse().unwrap(), &"0".parse().unwrap())
        );
        // Another client is not this one's neighbour, nor are strangers.
        let other = site.identity.issuer().issue_management("other", &["read:organizations"], Duration::from_hours(1));
        assert_eq!(site.send_as(&other.unwrap(), "GET", "/organizations", &[], None).await.0, 200);
        let mut stranger = Vec::new();
        for _ in 0..4 {
            stranger.push(site.send_as("nonsense", "GET", "/organizations", &[], None).await.0);
        }
        assert_eq!(stranger, [401, 401, 401, 429]);
        site.clock.advance(Duration::from_secs(21));
        assert_eq!(site.send("GET", "/organizations", &[], None).await.0, 200);
    })
    .await;
}
