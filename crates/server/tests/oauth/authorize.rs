//! Logins in a browser, from a client's request to its tokens.

use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};

use crate::browser::{Browser, CALLBACK, MCP, VERIFIER, exchange, member, page_client, request};
use crate::site::{ISSUER, PASSWORD, Site, claims, on_each_store};

/// Answers what `/mcp` says to a token.
async fn at_mcp(site: &Site, token: &str) -> u16 {
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" });
    let request = Request::post("/mcp")
        .header("host", "tenantry.example")
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream")
        .header("authorization", format!("Bearer {token}"));
    site.begin(request.body(Body::from(body.to_string())).unwrap()).await.status().as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_knows_the_address_alone_gets_in() {
    on_each_store(async |site| {
        let client = page_client(site, json!({})).await;
        let (account, user) = member(site, "acme", "ana@acme.example").await;
        // What a client reads on its way.
        let refused = site.json("/mcp", json!({})).await;
        assert_eq!(refused.status, 403, "another host");
        let asked = Request::post("/mcp").header("host", "tenantry.example").body(Body::empty()).unwrap();
        let refused = site.begin(asked).await;
        assert_eq!(refused.status(), 401);
        let challenge = refused.headers()["www-authenticate"].to_str().unwrap().to_owned();
        let metadata = challenge.split("resource_metadata=\"").nth(1).unwrap().split('"').next().unwrap();
        let path = metadata.strip_prefix(ISSUER.trim_end_matches('/')).unwrap();
        let resource = site.send(Request::get(path).body(Body::empty()).unwrap()).await;
        assert_eq!(
            (&resource.body["resource"], &resource.body["authorization_servers"]),
            (&json!(MCP), &json!([ISSUER]))
        );
        let server = "/.well-known/oauth-authorization-server";
        let server = site.send(Request::get(server).body(Body::empty()).unwrap()).await;
        assert_eq!(server.body["authorization_endpoint"], json!(format!("{ISSUER}authorize")));
        assert_eq!(server.body["code_challenge_methods_supported"], json!(["S256"]));
        assert_eq!(server.body["authorization_response_iss_parameter_supported"], json!(true));
        assert!(server.body["grant_types_supported"].as_array().unwrap().contains(&json!("authorization_code")));
        assert_eq!(server.headers["access-control-allow-origin"], "*");

        let mut browser = Browser::new(site);
        let page = browser.open(&request(&client, &[])).await;
        assert_eq!((page.status, page.step().as_str()), (200, "login"));
        let policy = page.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("form-action 'self' https://app.example;"), "{policy}");
        let wrong = browser.fill(&page, &[("identifier", "ana@acme.example"), ("password", "wrong")]).await;
        assert_eq!((wrong.status, wrong.step().as_str()), (400, "login"));
        assert!(wrong.html.contains("Wrong name or password.") && !wrong.html.contains("wrong</"));
        let sent = browser.log_in(&wrong, "ana@acme.example").await;
        assert!(sent.location().starts_with("https://app.example/cb?code="), "{sent:?}");
        let told = sent.told();
        assert_eq!((told["state"].as_str(), told["iss"].as_str()), ("st&te<>\"'", ISSUER));
        let tokens = exchange(site, &client, &told["code"], json!({})).await;
        assert_eq!(tokens.status, 200, "{tokens:?}");
        assert_eq!(tokens.headers["cache-control"], "no-store");
        let access = tokens.text("access_token");
        let said = claims(&access);
        assert_eq!((&said["sub"], &said["org_id"], &said["aud"]), (&json!(user), &json!(account), &json!("app")));
        assert_eq!(said["scope"], "tools:read tools:write");
        assert_eq!(at_mcp(site, &access).await, 200);

        // Somebody who is logged in already is not asked again.
        let again = browser.open(&request(&client, &[("prompt", "none")])).await;
        assert_eq!(exchange(site, &client, &again.code(), json!({})).await.status, 200);

        // The next token, by rotation; one shown again ends them all.
        let refresh = async |token: &str| {
            let body =
                json!({ "grant_type": "refresh_token", "client_id": client, "refresh_token": token, "resource": MCP });
            site.token(body).await
        };
        let first = tokens.text("refresh_token");
        let next = refresh(&first).await;
        assert_eq!(next.status, 200, "{next:?}");
        assert_eq!(at_mcp(site, &next.text("access_token")).await, 200);
        assert_eq!(refresh(&first).await.error(), (403, "invalid_grant"));
        assert_eq!(refresh(&next.text("refresh_token")).await.error(), (403, "invalid_grant"));

        // It lasts as long as the login.
        let other = browser.open(&request(&client, &[])).await;
        let other = exchange(site, &client, &other.code(), json!({})).await.text("refresh_token");
        let out = browser.send("GET", "/v2/logout?returnTo=https%3A%2F%2Fevil.example", &[], "").await;
        assert_eq!((out.status, out.location()), (200, ""));
        assert!(!browser.cookies.contains_key("__Host-tenantry_session"));
        assert_eq!(refresh(&other).await.error(), (403, "invalid_grant"));
        assert_eq!(browser.open(&request(&client, &[])).await.step(), "login");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_with_a_secret_logs_people_in_for_its_api() {
    let site = Site::small().await;
    let fields = json!({ "app_type": "regular_web", "callbacks": [CALLBACK], "allowed_logout_urls": ["https://app.example/bye"] });
    let client = site.client(fields).await;
    site.api("https://api.example/", &["read:a"], json!({ "allow_offline_access": true })).await;
    let user = site.user("max@acme.example", json!({})).await;
    let mut browser = Browser::new(&site);
    let asked = [
        ("resource", ""),
        ("audience", "https://api.example/"),
        ("scope", "openid email offline_access read:a"),
        ("nonce", "n-1"),
        ("code_challenge", ""),
        ("code_challenge_method", ""),
        ("login_hint", "max@<b>"),
    ];
    let page = browser.open(&request(&client.id, &asked)).await;
    assert!(page.html.contains("value=\"max@&lt;b&gt;\""), "{}", page.html);
    let sent = browser.log_in(&page, "max@acme.example").await;
    let more = json!({ "client_secret": client.secret, "code_verifier": null, "resource": null });
    let tokens = exchange(&site, &client.id, &sent.code(), more.clone()).await;
    assert_eq!(tokens.status, 200, "{tokens:?}");
    let id = claims(&tokens.text("id_token"));
    assert_eq!((&id["nonce"], &id["sub"], &id["email"]), (&json!("n-1"), &json!(user), &json!("max@acme.example")));
    assert!(id["auth_time"].is_i64() && id["sid"].as_str().unwrap().starts_with("sess_"));
    assert_eq!(claims(&tokens.text("access_token"))["scope"], "openid email offline_access read:a");
    // With `offline_access` they outlive the login.
    let back = "/oidc/logout?client_id=CLIENT&post_logout_redirect_uri=https%3A%2F%2Fapp.example%2Fbye&state=x%26y";
    let out = browser.send("GET", &back.replace("CLIENT", &client.id), &[], "").await;
    assert_eq!((out.status, out.location()), (303, "https://app.example/bye?state=x%26y"));
    let body = json!({
        "grant_type": "refresh_token", "client_id": client.id, "client_secret": client.secret,
        "refresh_token": tokens.text("refresh_token"),
    });
    assert_eq!(site.token(body).await.status, 200);
    // A verifier for a code without a challenge is a protection that is not there.
    let page = browser.open(&request(&client.id, &asked)).await;
    let sent = browser.log_in(&page, "max@acme.example").await;
    let mut with = more;
    with["code_verifier"] = json!(VERIFIER);
    assert_eq!(exchange(&site, &client.id, &sent.code(), with).await.error(), (403, "invalid_grant"));
}

#[tokio::test(flavor = "multi_thread")]
async fn prompts_and_ages_are_kept() {
    let site = Site::small().await;
    let client = page_client(&site, json!({})).await;
    member(&site, "acme", "ana@acme.example").await;
    let mut browser = Browser::new(&site);
    let open = async |browser: &mut Browser<'_>, more: &[(&str, &str)]| browser.open(&request(&client, more)).await;
    let told = open(&mut browser, &[("prompt", "none")]).await.told();
    assert_eq!((told["error"].as_str(), told["iss"].as_str()), ("login_required", ISSUER));
    let page = open(&mut browser, &[]).await;
    browser.log_in(&page, "ana@acme.example").await.code();
    let first = browser.cookies["__Host-tenantry_session"].clone();
    open(&mut browser, &[]).await.code();
    for (name, value) in [("prompt", "login"), ("prompt", "select_account"), ("max_age", "5")] {
        site.clock.forward(10);
        let page = open(&mut browser, &[(name, value)]).await;
        assert_eq!(page.step(), "login", "{name}={value}");
        browser.log_in(&page, "ana@acme.example").await.code();
    }
    assert_ne!(browser.cookies["__Host-tenantry_session"], first, "each login is a new session");
    // Whoever asks for consent gets it asked.
    let page = open(&mut browser, &[("prompt", "consent")]).await;
    assert_eq!(page.step(), "consent");
    assert!(page.html.contains("ana@acme.example") && page.html.contains("app.example"));
    browser.fill(&page, &[("answer", "yes")]).await.code();
    let no = browser.fill(&page, &[("answer", "no")]).await.told();
    assert_eq!(no["error"], "access_denied");
    // The session ends by itself.
    site.clock.forward(Duration::from_hours(8 * 24).as_secs().try_into().unwrap());
    assert_eq!(open(&mut browser, &[]).await.step(), "login");
    // The same request as a form.
    let query = request(&client, &[]);
    let shown = browser.send("POST", "/authorize", &[], &query).await;
    assert_eq!((shown.status, shown.location()), (303, format!("/authorize?{query}").as_str()));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_belongs_to_several_accounts_chooses() {
    on_each_store(async |site| {
        let client = page_client(site, json!({})).await;
        let (acme, user) = member(site, "acme", "ana@acme.example").await;
        let bolt = site.account("bolt").await;
        let other = site.account("other").await;
        site.member(&bolt, &user).await;
        let display = json!({ "display_name": "<b>Bolt</b>", "branding": { "logo_url": "https://cdn.example/l.png",
            "colors": { "primary": "#ffee00", "page_background": "#ffffff" } } });
        site.manage("PATCH", &format!("/organizations/{bolt}"), display).await;
        let mut browser = Browser::new(site);
        let page = browser.open(&request(&client, &[])).await;
        let page = browser.log_in(&page, "ana@acme.example").await;
        assert_eq!(page.step(), "place", "{page:?}");
        assert!(page.html.contains("&lt;b&gt;Bolt&lt;/b&gt;") && !page.html.contains(&other));
        let sent = browser.fill(&page, &[("place", &bolt)]).await;
        let tokens = exchange(site, &client, &sent.code(), json!({})).await;
        assert_eq!(claims(&tokens.text("access_token"))["org_id"], json!(bolt));
        // What nobody offered is no place, however it is sent.
        for place in [other.as_str(), "org_0000000000000000", "acme&organization=x", "../x", "a/b"] {
            let shown = browser.fill(&page, &[("place", place)]).await;
            assert_eq!(shown.status, 403, "{place}");
            assert!(shown.html.contains("not a member"), "{place}");
        }
        // The client names one: the branding is its own, and membership decides.
        let fresh = &mut Browser::new(site);
        let page = fresh.open(&request(&client, &[("organization", &bolt)])).await;
        let policy = page.headers["content-security-policy"].to_str().unwrap();
        assert!(page.html.contains("https://cdn.example/l.png") && policy.contains("img-src https://cdn.example;"));
        assert!(page.html.contains("--a:#ffee00;--t:#000"));
        let sent = fresh.log_in(&page, "ana@acme.example").await;
        let tokens = exchange(site, &client, &sent.code(), json!({})).await;
        assert_eq!(claims(&tokens.text("access_token"))["org_id"], json!(bolt));
        let denied = fresh.open(&request(&client, &[("organization", &other), ("prompt", "none")])).await.told();
        let absent = fresh.open(&request(&client, &[("organization", "no-such"), ("prompt", "none")])).await.told();
        assert_eq!((denied["error"].as_str(), &denied), ("access_denied", &absent));
        let none = fresh.open(&request(&client, &[("prompt", "none")])).await.told();
        assert_eq!(none["error"], "account_selection_required");
        // A stranger sees no difference between an account without a brand and none.
        let look = async |organization: &str| {
            let page = Browser::new(site).open(&request(&client, &[("organization", organization)])).await;
            page.html.split("<form").next().unwrap().to_owned()
        };
        assert_eq!(look(&acme).await, look("no-such").await);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn workspaces_are_places_of_their_own() {
    let site = Site::small().await;
    let client = page_client(&site, json!({})).await;
    let (account, user) = member(&site, "acme", "ana@acme.example").await;
    let caller = tenantry_identity::Caller::operator("test");
    let new = tenantry_identity::workspaces::NewWorkspace { name: "prod".to_owned(), ..Default::default() };
    let workspace = site.identity.create_workspace(&caller, &account, new).await.unwrap().id;
    let open = async |browser: &mut Browser<'_>, more: &[(&str, &str)]| browser.open(&request(&client, more)).await;
    let mut browser = Browser::new(&site);
    let page = open(&mut browser, &[]).await;
    browser.log_in(&page, "ana@acme.example").await.code();
    let named = [("organization", account.as_str()), ("workspace", workspace.as_str()), ("prompt", "none")];
    assert_eq!(open(&mut browser, &named).await.told()["error"], "access_denied");
    site.identity.add_workspace_members(&caller, &account, &workspace, &[user]).await.unwrap();
    let page = open(&mut browser, &[]).await;
    assert_eq!(page.step(), "place");
    let sent = browser.fill(&page, &[("place", &format!("{account}/{workspace}"))]).await;
    let tokens = exchange(&site, &client, &sent.code(), json!({})).await;
    let said = claims(&tokens.text("access_token"));
    assert_eq!((&said["org_id"], &said["workspace_id"]), (&json!(account), &json!(workspace)));
}

/// The code that an authenticator shows.
fn shown_code(site: &Site, secret: &[u8]) -> String {
    use aws_lc_rs::hmac;
    let step = site.identity.now().div_euclid(30_000_000);
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret), &step.to_be_bytes());
    let tag = tag.as_ref();
    let at = usize::from(tag[19] & 0xf);
    let number = u32::from_be_bytes(tag[at..at + 4].try_into().unwrap()) & 0x7fff_ffff;
    format!("{:06}", number % 1_000_000)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_alone_does_not_do_for_who_has_a_second_factor() {
    on_each_store(async |site| {
        let client = page_client(site, json!({})).await;
        let (_, user) = member(site, "acme", "ana@acme.example").await;
        let at = format!("/users/{}", user.replace('|', "%7C"));
        // base32 of the RFC's secret.
        let totp = json!({ "type": "totp", "name": "phone", "totp_secret": "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ" });
        site.manage("POST", &format!("{at}/authentication-methods"), totp).await;
        let recovery = site.manage("POST", &format!("{at}/recovery-code-regeneration"), Value::Null).await;
        let recovery = recovery["recovery_code"].as_str().unwrap().to_owned();
        let secret = b"12345678901234567890";
        let mut browser = Browser::new(site);
        let page = browser.open(&request(&client, &[])).await;
        let page = browser.log_in(&page, "ana@acme.example").await;
        assert_eq!(page.step(), "factor", "{page:?}");
        let half = browser.cookies["__Host-tenantry_session"].clone();
        // Neither prompt=none nor asking anew passes by it.
        let told = browser.open(&request(&client, &[("prompt", "none")])).await.told();
        assert_eq!(told["error"], "login_required");
        assert_eq!(browser.open(&request(&client, &[])).await.step(), "factor");
        let wrong = browser.fill(&page, &[("code", "000000")]).await;
        assert_eq!((wrong.status, wrong.step().as_str()), (400, "factor"));
        let code = shown_code(site, secret);
        let sent = browser.fill(&page, &[("code", &format!("{} {}", &code[..3], &code[3..]))]).await;
        assert_eq!(exchange(site, &client, &sent.code(), json!({})).await.status, 200);
        assert_ne!(browser.cookies["__Host-tenantry_session"], half, "a new session");
        // The session of the password alone has ended, and the code was used.
        let mut thief = Browser::new(site);
        thief.cookies.insert("__Host-tenantry_session".to_owned(), half);
        assert_eq!(thief.open(&request(&client, &[])).await.step(), "login");
        let page = thief.open(&request(&client, &[("prompt", "login")])).await;
        let page = thief.log_in(&page, "ana@acme.example").await;
        assert_eq!(thief.fill(&page, &[("code", &code)]).await.status, 400);
        // The recovery code, once.
        thief.fill(&page, &[("code", &recovery)]).await.code();
        let mut other = Browser::new(site);
        let page = other.open(&request(&client, &[])).await;
        let page = other.log_in(&page, "ana@acme.example").await;
        assert_eq!(other.fill(&page, &[("code", &recovery)]).await.status, 400);
        // Who knows the password cannot try them all, and a right password does not begin the count anew.
        for _ in 0..12 {
            let fresh = other.open(&request(&client, &[("prompt", "login")])).await;
            let page = other.log_in(&fresh, "ana@acme.example").await;
            other.fill(&page, &[("code", "000001")]).await;
        }
        site.clock.forward(60);
        let late = other.fill(&page, &[("code", &shown_code(site, secret))]).await;
        assert!(late.status == 403 || late.status == 429, "{late:?}");
        let page = other.open(&request(&client, &[])).await;
        assert_eq!(other.fill(&page, &[("code", &shown_code(site, secret))]).await.status, 429);
        // Until somebody lifts it.
        site.manage("DELETE", &format!("/user-blocks/{}", user.replace('|', "%7C")), Value::Null).await;
        other.fill(&page, &[("code", &shown_code(site, secret))]).await.code();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_is_on_record_and_no_secret_is() {
    let site = Site::small().await;
    let client = page_client(&site, json!({})).await;
    let (account, _) = member(&site, "acme", "ana@acme.example").await;
    let mut browser = Browser::new(&site);
    let page = browser.open(&request(&client, &[("prompt", "consent")])).await;
    let wrong = browser.fill(&page, &[("identifier", "ana@acme.example"), ("password", "canary-wrong")]).await;
    let page = browser.log_in(&wrong, "ana@acme.example").await;
    let token = page.token();
    let sent = browser.fill(&page, &[("answer", "yes")]).await;
    let code = sent.code();
    let tokens = exchange(&site, &client, &code, json!({})).await;
    exchange(&site, &client, &code, json!({})).await;
    site.identity.flush_logs().await;
    let logs = site.manage("GET", "/logs?per_page=100", Value::Null).await;
    let kinds: Vec<&str> = logs.as_array().unwrap().iter().filter_map(|log| log["type"].as_str()).collect();
    for kind in ["fp", "s", "seacft", "feacft"] {
        assert!(kinds.contains(&kind), "{kind} {kinds:?}");
    }
    let mut kept = logs.to_string();
    let mut names = Vec::new();
    let tenant = site.store.account(&account).await.unwrap().unwrap().tenant_id;
    for tenant in ["", &tenant] {
        let filter = tenantry_store::Filter { limit: 1_000, ..tenantry_store::Filter::of(tenant) };
        for entry in site.store.list(&filter).await.unwrap() {
            names.push(entry.entry.tool.clone());
            kept.push_str(&format!("{entry:?}"));
        }
    }
    for name in ["users.login", "consents.create", "authorizations.create", "tokens.issue", "codes.reuse"] {
        assert!(names.iter().any(|known| known == name), "{name} {names:?}");
    }
    let cookie = browser.cookies["__Host-tenantry_session"].clone();
    let seal = cookie.split_once('.').unwrap().1.to_owned();
    let secrets = [
        code,
        VERIFIER.to_owned(),
        PASSWORD.to_owned(),
        "canary-wrong".to_owned(),
        cookie,
        seal,
        browser.cookies["__Host-tenantry_browser"].clone(),
        token,
        tokens.text("access_token"),
        tokens.text("refresh_token"),
    ];
    for secret in secrets {
        assert!(!kept.contains(&secret), "{secret} is kept");
    }
}
