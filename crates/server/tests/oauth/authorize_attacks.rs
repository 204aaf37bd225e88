//! Attacks on logins in a browser.

use serde_json::{Value, json};

use crate::browser::{Browser, CALLBACK, VERIFIER, exchange, form, member, page_client, request, s256};
use crate::site::{Answer, PASSWORD, Site, claims, on_each_store};

const INVALID: (u16, &str) = (403, "invalid_grant");

async fn lives(site: &Site, token: &str) -> bool {
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" });
    let request = axum::http::Request::post("/mcp")
        .header("host", "tenantry.example")
        .header("content-type", "application/json")
        .header("authorization", format!("Bearer {token}"));
    site.begin(request.body(axum::body::Body::from(body.to_string())).unwrap()).await.status() == 200
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_are_good_once_for_whom_they_were_given() {
    on_each_store(async |site| {
        let client = page_client(site, json!({})).await;
        let other = page_client(site, json!({})).await;
        let (_, user) = member(site, "acme", "ana@acme.example").await;
        let mut browser = Browser::new(site);
        let page = browser.open(&request(&client, &[])).await;
        browser.log_in(&page, "ana@acme.example").await;
        let mut code = async || browser.open(&request(&client, &[])).await.code();
        let refused = |answer: &Answer| {
            assert_eq!(answer.error(), INVALID, "{answer:?}");
            assert_eq!(answer.text("error_description"), "Invalid authorization code");
        };
        // Another client's: refused, and the client's own all the same.
        let one = code().await;
        refused(&exchange(site, &other, &one, json!({})).await);
        let tokens = exchange(site, &client, &one, json!({})).await;
        assert_eq!(tokens.status, 200, "{tokens:?}");
        // Shown again: all that came of it ends.
        assert!(lives(site, &tokens.text("access_token")).await);
        refused(&exchange(site, &client, &one, json!({})).await);
        assert!(!lives(site, &tokens.text("access_token")).await, "the access token ends");
        let body = json!({ "grant_type": "refresh_token", "client_id": client, "refresh_token": tokens.text("refresh_token") });
        assert_eq!(site.token(body).await.error(), INVALID, "the family ends");
        refused(&exchange(site, &client, &one, json!({})).await);
        // Each of these uses the code up.
        for wrong in [
            json!({ "code_verifier": "x".repeat(43) }),
            json!({ "code_verifier": null }),
            json!({ "code_verifier": s256(VERIFIER) }),
            json!({ "redirect_uri": "https://app.example/cb/" }),
            json!({ "resource": "https://other.example/" }),
            json!({ "audience": "portal", "resource": null }),
        ] {
            let one = code().await;
            refused(&exchange(site, &client, &one, wrong.clone()).await);
            refused(&exchange(site, &client, &one, json!({})).await);
        }
        for wrong in [json!({ "redirect_uri": null }), json!({ "code": null })] {
            let one = code().await;
            assert_eq!(exchange(site, &client, &one, wrong).await.error(), (400, "invalid_request"));
        }
        // Sixty seconds.
        let one = code().await;
        site.clock.forward(61);
        refused(&exchange(site, &client, &one, json!({})).await);
        // What is no code.
        for none in ["", "x", &"x".repeat(10_000), &tokens.text("refresh_token")] {
            assert_ne!(exchange(site, &client, none, json!({})).await.status, 200);
        }
        // Many at a time: one of them at most, and if others came, nothing of it stands.
        let one = code().await;
        let all = (0..8).map(|_| exchange(site, &client, &one, json!({})));
        let all = futures_util::future::join_all(all).await;
        let good: Vec<&Answer> = all.iter().filter(|answer| answer.status == 200).collect();
        assert!(good.len() <= 1, "{good:?}");
        for answer in good {
            assert!(!lives(site, &answer.text("access_token")).await);
        }
        // Who may not log in any more, or is no member any more, has nothing from a code.
        let (one, two) = (code().await, code().await);
        let at = format!("/users/{}", user.replace('|', "%7C"));
        site.manage("PATCH", &at, json!({ "blocked": true })).await;
        assert_ne!(exchange(site, &client, &one, json!({})).await.status, 200);
        site.manage("PATCH", &at, json!({ "blocked": false })).await;
        let account = site.manage("GET", &format!("{at}/organizations"), Value::Null).await;
        let account = account[0]["id"].as_str().unwrap().to_owned();
        site.manage("DELETE", &format!("/organizations/{account}/members"), json!({ "members": [user] })).await;
        assert_ne!(exchange(site, &client, &two, json!({})).await.status, 200);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_go_to_the_clients_own_addresses_alone() {
    let site = Site::small().await;
    let callbacks =
        json!({ "callbacks": [CALLBACK, "http://127.0.0.1/cb", "javascript:alert(1)//", "http://plain.example/cb"] });
    let client = page_client(&site, callbacks).await;
    for address in [
        "https://app.example/cb/",
        "https://app.example/cb/../evil",
        "https://app.example/%63b",
        "https://app.example/cb%2f..%2fevil",
        "https://app.example/cb#x",
        "https://app.example/cb?x=1",
        "https://app.example@evil.example/cb",
        "https://evil.example/https://app.example/cb",
        "https://app.example.evil.example/cb",
        "https://sub.app.example/cb",
        "https://app.example:444/cb",
        "//app.example/cb",
        "http://app.example/cb",
        "http://localhost/cb",
        "http://127.0.0.1:80@evil.example/cb",
        "http://127.0.0.1.evil.example/cb",
        "http://127.0.0.2/cb",
        "http://[::1]/cb",
        "javascript:alert(1)//",
        "http://plain.example/cb",
        "https://app.example/cb\r\nset-cookie: x=y",
        "",
    ] {
        let shown = Browser::new(&site).open(&request(&client, &[("redirect_uri", address)])).await;
        assert_eq!((shown.status, shown.location()), (400, ""), "{address}");
        assert!(shown.html.contains("redirect_uri"), "{address}");
    }
    let shown = Browser::new(&site).open(&request(&client, &[("redirect_uri", "http://127.0.0.1:51004/cb")])).await;
    assert_eq!(shown.step(), "login");
    // What a client must not be told is not sent: an unknown client, a parameter twice.
    let unknown = request("0".repeat(32).as_str(), &[]);
    let twice = format!("{}&redirect_uri=https%3A%2F%2Fevil.example", request(&client, &[]));
    let long = format!("{}&x={}", request(&client, &[]), "x".repeat(9_000));
    for query in ["", "client_id=%00", &unknown, &twice, &long] {
        let shown = Browser::new(&site).open(query).await;
        assert_eq!((shown.status, shown.location()), (400, ""), "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_client_asks_wrongly_it_is_told() {
    let site = Site::small().await;
    let client = page_client(&site, json!({})).await;
    let machine = page_client(&site, json!({ "grant_types": ["refresh_token"] })).await;
    for (changes, error) in [
        (&[("response_type", "token")][..], "unsupported_response_type"),
        (&[("response_type", "")], "invalid_request"),
        (&[("response_mode", "fragment")], "invalid_request"),
        (&[("code_challenge", "")], "invalid_request"),
        (&[("code_challenge", ""), ("code_challenge_method", "")], "invalid_request"),
        (&[("code_challenge_method", "plain")], "invalid_request"),
        (&[("code_challenge_method", "")], "invalid_request"),
        (&[("code_challenge", "short")], "invalid_request"),
        (&[("prompt", "none login")], "invalid_request"),
        (&[("prompt", "create")], "invalid_request"),
        (&[("max_age", "-1")], "invalid_request"),
        (&[("request", "x")], "request_not_supported"),
        (&[("request_uri", "https://x/")], "request_uri_not_supported"),
        (&[("resource", "not-an-address")], "invalid_target"),
        (&[("resource", "https://x/#y")], "invalid_target"),
        (&[("audience", "portal")], "invalid_target"),
        (&[("workspace", "prod")], "invalid_request"),
        (&[("connection", "none-such")], "access_denied"),
    ] {
        let told = Browser::new(&site).open(&request(&client, changes)).await.told();
        assert_eq!(told["error"], error, "{changes:?}");
        assert_eq!((told["state"].as_str(), told["iss"].as_str()), ("st&te<>\"'", crate::site::ISSUER));
        assert!(!told.contains_key("code"));
    }
    let told = Browser::new(&site).open(&request(&machine, &[])).await.told();
    assert_eq!(told["error"], "unauthorized_client");
}

#[tokio::test(flavor = "multi_thread")]
async fn forms_are_ours_or_nothing_happens() {
    let site = Site::small().await;
    let client = page_client(&site, json!({})).await;
    member(&site, "acme", "ana@acme.example").await;
    let mut ana = Browser::new(&site);
    let page = ana.open(&request(&client, &[("prompt", "consent")])).await;
    let good = form(&[("token", &page.token()), ("identifier", "ana@acme.example"), ("password", PASSWORD)]);
    let path = page.form().unwrap();
    let here = [("sec-fetch-site", "same-origin")];
    // Another site makes the browser send the attacker's name and password.
    let mut mallory = Browser::new(&site);
    let theirs = mallory.open(&request(&client, &[("prompt", "consent")])).await;
    let stolen = form(&[("token", &theirs.token()), ("identifier", "ana@acme.example"), ("password", PASSWORD)]);
    let empty = form(&[("identifier", "ana@acme.example"), ("password", PASSWORD)]);
    let twice = format!("{good}&token=x");
    for (body, headers) in [
        (&stolen, &here[..]),
        (&empty, &here),
        (&twice, &here),
        (&good, &[("sec-fetch-site", "cross-site")]),
        (&good, &[("sec-fetch-site", "same-site")]),
        (&good, &[("origin", "https://evil.example")]),
        (&good, &[("origin", "null")]),
    ] {
        let shown = ana.send("POST", &path, headers, body).await;
        assert_eq!(shown.status, 403, "{headers:?} {shown:?}");
        assert!(!ana.cookies.contains_key("__Host-tenantry_session"));
    }
    // A browser without its cookie, and a form for another request.
    let bare = Browser::new(&site).send("POST", &path, &here, &good).await;
    assert_eq!(bare.status, 403);
    let moved = path.replace("prompt=consent", "prompt=");
    assert_eq!(ana.send("POST", &moved, &here, &good).await.status, 403);
    for step in ["factor", "place", "consent"] {
        let shown = ana.send("POST", &path.replace("/u/login", &format!("/u/{step}")), &here, &good).await;
        assert_eq!(shown.status, 403, "{step}");
    }
    // Consent: the form is bound to the login, to the request and to the step.
    let consent = ana.log_in(&page, "ana@acme.example").await;
    assert_eq!(consent.step(), "consent");
    let yes = form(&[("token", &consent.token()), ("answer", "yes")]);
    let path = consent.form().unwrap();
    let mine = page_client(&site, json!({ "callbacks": ["https://evil.example/cb"] })).await;
    for other in [path.replace(&client, &mine), path.replace("tools%3Aread+", ""), [&path, "&x=1"].concat()] {
        assert_ne!(other, path);
        assert!([400, 403].contains(&ana.send("POST", &other, &here, &yes).await.status), "{other}");
    }
    let mut later = Browser::new(&site);
    later.cookies.clone_from(&ana.cookies);
    let again = later.open(&request(&client, &[("prompt", "login consent")])).await;
    let fresh = later.log_in(&again, "ana@acme.example").await;
    assert_eq!(later.send("POST", &path, &here, &yes).await.status, 403, "an earlier login's form");
    later.fill(&fresh, &[("answer", "yes")]).await.code();
    // A GET changes nothing.
    assert_eq!(ana.send("GET", &path, &[], "").await.status, 405);
    // Cookies that we did not make, or that came twice, open nothing.
    let own = ana.cookies["__Host-tenantry_session"].clone();
    let (id, seal) = own.split_once('.').unwrap();
    let mut flipped = seal.to_owned().into_bytes();
    flipped[0] = if flipped[0] == b'A' { b'B' } else { b'A' };
    let flipped = String::from_utf8(flipped).unwrap();
    for forged in [
        id.to_owned(),
        format!("{id}."),
        format!("{id}.{flipped}"),
        format!("{id}x.{seal}"),
        own.repeat(20),
        format!("{own}; __Host-tenantry_session={own}"),
    ] {
        let mut thief = Browser::new(&site);
        thief.cookies.insert("__Host-tenantry_session".to_owned(), forged);
        assert_eq!(thief.open(&request(&client, &[])).await.step(), "login");
    }
    // A session that somebody planted does not become the victim's.
    let mut planted = Browser::new(&site);
    planted.cookies.insert("__Host-tenantry_session".to_owned(), format!("sess_planted.{seal}"));
    let page = planted.open(&request(&client, &[])).await;
    planted.log_in(&page, "ana@acme.example").await.code();
    assert!(!planted.cookies["__Host-tenantry_session"].starts_with("sess_planted"));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_learns_who_has_an_account() {
    let site = Site::small().await;
    let client = page_client(&site, json!({})).await;
    member(&site, "acme", "ana@acme.example").await;
    site.user("max@acme.example", json!({ "blocked": true })).await;
    let mut looks = Vec::new();
    let mut times = Vec::new();
    for (name, password) in [
        ("ana@acme.example", "wrong-password"),
        ("bob@acme.example", "wrong-password"),
        ("max@acme.example", PASSWORD),
        ("max@acme.example", "wrong-password"),
    ] {
        let mut browser = Browser::new(&site);
        let page = browser.open(&request(&client, &[])).await;
        let began = std::time::Instant::now();
        let shown = browser.fill(&page, &[("identifier", name), ("password", password)]).await;
        times.push(began.elapsed());
        let bare = shown.html.replace(name, "NAME").replace(&shown.token(), "TOKEN");
        looks.push((shown.status, bare));
    }
    assert!(looks.windows(2).all(|pair| pair[0] == pair[1]), "{looks:?}");
    // A hash is computed for each: nobody is ten times as fast.
    let (least, most) = (times.iter().min().unwrap(), times.iter().max().unwrap());
    assert!(*most < *least * 10, "{times:?}");
    // The attempts of one who is there and of one who is not end alike.
    let mut ends = Vec::new();
    for name in ["ana@acme.example", "nobody@acme.example"] {
        let mut browser = Browser::new(&site);
        let page = browser.open(&request(&client, &[])).await;
        let mut statuses = Vec::new();
        for _ in 0..12 {
            statuses.push(browser.fill(&page, &[("identifier", name), ("password", "wrong")]).await.status);
        }
        ends.push(statuses.iter().filter(|status| **status == 400).count());
        assert_eq!(statuses.last(), Some(&429));
    }
    assert!(ends[0].abs_diff(ends[1]) <= 1, "{ends:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn rights_that_end_end_logins() {
    on_each_store(async |site| {
        let client = page_client(site, json!({})).await;
        let (account, user) = member(site, "acme", "ana@acme.example").await;
        let at = format!("/users/{}", user.replace('|', "%7C"));
        let mut browser = Browser::new(site);
        let page = browser.open(&request(&client, &[])).await;
        browser.log_in(&page, "ana@acme.example").await.code();
        site.manage("PATCH", &at, json!({ "blocked": true })).await;
        assert_eq!(browser.open(&request(&client, &[])).await.step(), "login");
        site.manage("PATCH", &at, json!({ "blocked": false })).await;
        browser.open(&request(&client, &[])).await.code();
        // Another password: whoever logged in by the one before is logged out.
        site.manage("PATCH", &at, json!({ "password": PASSWORD })).await;
        let page = browser.open(&request(&client, &[])).await;
        browser.log_in(&page, "ana@acme.example").await.code();
        // Suspended accounts are nowhere to go to.
        let caller = tenantry_identity::Caller::operator("test");
        let status = |status: &str| json!({ "status": status }).as_object().unwrap().clone();
        site.identity.update_account(&caller, &account, status("suspended")).await.unwrap();
        for more in [&[][..], &[("organization", account.as_str())]] {
            let shown = browser.open(&request(&client, more)).await;
            assert_eq!((shown.status, shown.location()), (403, ""), "{shown:?}");
            assert!(shown.html.contains("Log in as somebody else") && shown.html.contains("error=access_denied"));
        }
        site.identity.update_account(&caller, &account, status("active")).await.unwrap();
        browser.open(&request(&client, &[])).await.code();
        // A session ended elsewhere is ended here, and so is a code of it that is on its way.
        let code = browser.open(&request(&client, &[])).await.code();
        site.manage("DELETE", &format!("{at}/sessions"), Value::Null).await;
        assert_eq!(browser.open(&request(&client, &[])).await.step(), "login");
        assert_eq!(exchange(site, &client, &code, json!({})).await.error(), INVALID);
        let page = browser.open(&request(&client, &[])).await;
        browser.log_in(&page, "ana@acme.example").await.code();
        site.manage("DELETE", &format!("/organizations/{account}/members"), json!({ "members": [user] })).await;
        let shown = browser.open(&request(&client, &[])).await;
        assert!(shown.status == 403 && shown.html.contains("member of no organization"), "{shown:?}");
        site.manage("DELETE", &at, Value::Null).await;
        assert_eq!(browser.open(&request(&client, &[])).await.step(), "login");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn third_parties_are_asked_about_each_time_and_get_what_was_shown() {
    let site = Site::small().await;
    let name = "\" onmouseover=alert(1) x='&lt;\u{202e}";
    let client = page_client(&site, json!({ "is_first_party": false, "name": name })).await;
    let (account, user) = member(&site, "acme", "ana@acme.example").await;
    let mut browser = Browser::new(&site);
    let page = browser.open(&request(&client, &[("scope", "tools:read")])).await;
    let page = browser.log_in(&page, "ana@acme.example").await;
    assert_eq!(page.step(), "consent", "{page:?}");
    let told = "<bdi>&quot; onmouseover=alert(1) x=&#39;&amp;lt;\u{202e}</bdi>";
    assert!(page.html.contains(told), "{}", page.html);
    assert!(page.html.contains("nobody here vouches") && page.html.contains("app.example"));
    assert!(page.html.contains("Read the data") && !page.html.contains("Change the data"));
    let none = browser.open(&request(&client, &[("prompt", "none")])).await.told();
    assert_eq!(none["error"], "consent_required");
    for answer in ["no", "", "Yes", "yes "] {
        assert_eq!(browser.fill(&page, &[("answer", answer)]).await.told()["error"], "access_denied");
    }
    let sent = browser.fill(&page, &[("answer", "yes")]).await;
    let tokens = exchange(&site, &client, &sent.code(), json!({})).await;
    let said = claims(&tokens.text("access_token"));
    assert_eq!((&said["scope"], &said["org_id"]), (&json!("tools:read"), &json!(account)));
    // What reads does not change who somebody is, either.
    let token = tokens.text("access_token");
    assert_eq!(site.bearer("GET", "/app/v1/me", &token).await.status, 200);
    assert_eq!(site.bearer("PATCH", "/app/v1/me", &token).await.status, 403);
    assert_eq!(site.bearer("POST", "/app/v1/codes/redeem", &token).await.status, 403);
    let grants = site.manage("GET", "/grants", Value::Null).await;
    assert_eq!((&grants[0]["clientID"], &grants[0]["audience"]), (&json!(client), &json!("app")), "{grants}");
    // Taken back: the tokens end, codes on their way too, and the next time asks again.
    let page = browser.open(&request(&client, &[])).await;
    let on_its_way = browser.fill(&page, &[("answer", "yes")]).await.code();
    site.manage("DELETE", &format!("/grants?user_id={}", user.replace('|', "%7C")), Value::Null).await;
    let body =
        json!({ "grant_type": "refresh_token", "client_id": client, "refresh_token": tokens.text("refresh_token") });
    assert_eq!(site.token(body).await.error(), INVALID);
    assert!(!lives(&site, &tokens.text("access_token")).await);
    assert_eq!(exchange(&site, &client, &on_its_way, json!({})).await.error(), INVALID);
    assert_eq!(browser.open(&request(&client, &[])).await.step(), "consent");
    // A program on the user's machine is asked about as well, whoever vouches for it.
    let native = page_client(&site, json!({ "app_type": "native", "callbacks": ["http://127.0.0.1/cb"] })).await;
    let page = browser.open(&request(&native, &[("redirect_uri", "http://127.0.0.1:4711/cb")])).await;
    assert_eq!(page.step(), "consent");
    assert!(page.html.contains("a program on this computer"));
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("form-action 'self' http://127.0.0.1:4711;"), "{policy}");
}

#[tokio::test(flavor = "multi_thread")]
async fn third_parties_hold_what_was_consented_and_not_what_the_user_holds() {
    const API: &str = "https://api.example/";
    let site = Site::small().await;
    let enforced = json!({ "enforce_policies": true, "token_dialect": "access_token_authz" });
    site.api(API, &["read:a", "write:a"], enforced).await;
    let client = page_client(&site, json!({ "is_first_party": false })).await;
    let own = page_client(&site, json!({})).await;
    let (account, user) = member(&site, "acme", "ana@acme.example").await;
    let role = site.role("writer", API, &["read:a", "write:a"]).await;
    site.hold(&account, &user, &role).await;
    let asked = [("resource", ""), ("audience", API), ("organization", account.as_str()), ("scope", "read:a")];
    let mut browser = Browser::new(&site);
    let page = browser.open(&request(&own, &asked)).await;
    let code = browser.log_in(&page, "ana@acme.example").await.code();
    let tokens = exchange(&site, &own, &code, json!({ "resource": null })).await;
    assert_eq!(claims(&tokens.text("access_token"))["permissions"], json!(["read:a", "write:a"]), "{tokens:?}");
    let page = browser.open(&request(&client, &asked)).await;
    assert!(page.html.contains("read:a") && !page.html.contains("write:a"), "{}", page.html);
    let code = browser.fill(&page, &[("answer", "yes")]).await.code();
    let tokens = exchange(&site, &client, &code, json!({ "resource": null })).await;
    let said = claims(&tokens.text("access_token"));
    assert_eq!((&said["scope"], &said["permissions"]), (&json!("read:a"), &json!(["read:a"])), "{tokens:?}");
}
