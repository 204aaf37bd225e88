//! Refresh tokens: turns, reuse, narrowing.

use serde_json::{Value, json};

use crate::site::{Client, Site, claims, for_users, on_each_store};

const API: &str = "https://api.example/";

async fn begin(site: &Site, client: &Client) -> (String, String) {
    site.api(API, &["read:a", "write:a"], json!({ "allow_offline_access": true })).await;
    let acme = site.account("acme").await;
    let ada = site.user("ada@acme.example", json!({})).await;
    site.member(&acme, &ada).await;
    let ask = json!({ "audience": API, "organization": acme, "scope": "openid offline_access read:a write:a" });
    let answer = site.login(client, "ada@acme.example", ask).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    (answer.text("refresh_token"), ada)
}

fn ask(client: &Client, token: &str) -> Value {
    json!({
        "grant_type": "refresh_token", "client_id": client.id, "client_secret": client.secret, "refresh_token": token,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn each_turn_keeps_what_was_asked_and_reuse_ends_the_family() {
    on_each_store(async |site| {
        let client = site.client(for_users()).await;
        let (first, ada) = begin(site, &client).await;
        let answer = site.token(ask(&client, &first)).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let second = answer.text("refresh_token");
        assert_ne!(first, second);
        let said = claims(&answer.text("access_token"));
        assert_eq!((&said["sub"], &said["scope"]), (&json!(ada), &json!("openid offline_access read:a write:a")));
        assert!(said["org_id"].is_string());
        assert!(answer.body["id_token"].is_string());
        // Narrower, and never wider; for nothing else.
        let mut narrow = ask(&client, &second);
        narrow["scope"] = json!("read:a delete:a");
        let answer = site.token(narrow).await;
        assert_eq!((answer.status, &answer.body["scope"]), (200, &json!("read:a")), "{answer:?}");
        let third = answer.text("refresh_token");
        for (name, value) in [("audience", "https://other/"), ("organization", "globex"), ("scope", "delete:a")] {
            let mut other = ask(&client, &third);
            other[name] = json!(value);
            assert_ne!(site.token(other).await.status, 200, "{name}");
        }
        // Narrowing once does not narrow the family.
        let answer = site.token(ask(&client, &third)).await;
        assert_eq!(answer.body["scope"], "openid offline_access read:a write:a");
        let fourth = answer.text("refresh_token");
        // Somebody shows an old one: everything ends.
        assert_eq!(site.token(ask(&client, &second)).await.error(), (403, "invalid_grant"));
        assert_eq!(site.token(ask(&client, &fourth)).await.error(), (403, "invalid_grant"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_client_gets_nothing_by_it() {
    let site = Site::small().await;
    let (client, other) = (site.client(for_users()).await, site.client(for_users()).await);
    let (first, _) = begin(&site, &client).await;
    assert_eq!(site.token(ask(&other, &first)).await.error(), (403, "invalid_grant"));
    let second = site.token(ask(&client, &first)).await.text("refresh_token");
    // Nor does a spent one of another's end the family.
    assert_eq!(site.token(ask(&other, &first)).await.error(), (403, "invalid_grant"));
    assert_eq!(site.token(ask(&client, &second)).await.status, 200);
    for wrong in ["", "v1.x", &"a".repeat(5_000)] {
        assert_ne!(site.token(ask(&client, wrong)).await.status, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_made_twice_have_some_leeway() {
    let site = Site::small().await;
    let mut fields = for_users();
    fields["refresh_token"]["leeway"] = json!(5);
    let client = site.client(fields).await;
    let (first, _) = begin(&site, &client).await;
    let one = site.token(ask(&client, &first)).await.text("refresh_token");
    let other = site.token(ask(&client, &first)).await;
    assert_eq!(other.status, 200, "{other:?}");
    assert_ne!(one, other.text("refresh_token"));
    site.clock.forward(6);
    assert_eq!(site.token(ask(&client, &first)).await.error(), (403, "invalid_grant"));
    assert_eq!(site.token(ask(&client, &other.text("refresh_token"))).await.error(), (403, "invalid_grant"));
}

#[tokio::test(flavor = "multi_thread")]
async fn it_ends_by_time_and_with_its_user() {
    on_each_store(async |site| {
        let mut fields = for_users();
        fields["refresh_token"]["token_lifetime"] = json!(100);
        fields["refresh_token"]["idle_token_lifetime"] = json!(50);
        let client = site.client(fields).await;
        let (first, ada) = begin(site, &client).await;
        site.clock.forward(40);
        let second = site.token(ask(&client, &first)).await.text("refresh_token");
        site.clock.forward(40);
        let third = site.token(ask(&client, &second)).await.text("refresh_token");
        site.clock.forward(30);
        assert_eq!(site.token(ask(&client, &third)).await.error(), (403, "invalid_grant"), "older than 100 s");
        let again = json!({ "audience": API, "organization": "acme", "scope": "offline_access" });
        let fresh = site.login(&client, "ada@acme.example", again).await.text("refresh_token");
        site.manage("PATCH", &format!("/users/{}", ada.replace('|', "%7C")), json!({ "blocked": true })).await;
        assert_eq!(site.token(ask(&client, &fresh)).await.error(), (403, "invalid_grant"), "blocked");
    })
    .await;
}

/// Of requests at the same moment one takes the turn; the others end the family or lose, and never two win.
#[tokio::test(flavor = "multi_thread")]
async fn two_at_once_do_not_both_win() {
    on_each_store(async |site| {
        let client = site.client(for_users()).await;
        let (first, _) = begin(site, &client).await;
        let all = (0..8).map(|_| site.token(ask(&client, &first)));
        let answers = futures_util::future::join_all(all).await;
        let won = answers.iter().filter(|answer| answer.status == 200).count();
        assert!(won <= 1, "{won}");
    })
    .await;
}
