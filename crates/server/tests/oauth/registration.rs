//! Clients that nobody made: they register themselves, or describe themselves at an address.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};
use tenantry_identity::registration::Openness;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::browser::{Browser, exchange, member, page_client, request};
use crate::site::{Answer, Site, claims, on_each_store};

const LOCAL: &str = "http://127.0.0.1:4711/cb";

async fn metadata(site: &Site) -> Value {
    site.send(Request::get("/.well-known/oauth-authorization-server").body(Body::empty()).unwrap()).await.body
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_registers_unless_the_operator_lets_them() {
    let site = Site::small().await;
    let told = metadata(&site).await;
    assert!(told.get("registration_endpoint").is_none() && told.get("client_id_metadata_document_supported").is_none());
    let body = json!({ "redirect_uris": [LOCAL] });
    assert_eq!(site.json("/oidc/register", body).await.status, 404);
    let described = "https://client.example/oauth.json";
    let shown = Browser::new(&site).open(&request(described, &[("redirect_uri", LOCAL)])).await;
    assert!(shown.status == 400 && shown.html.contains("no such client"), "{shown:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_registers_itself_gets_in_with_consent_and_nowhere_else() {
    on_each_store(async |site| {
        site.identity.open_to(Openness { registration: true, documents: false });
        assert_eq!(metadata(site).await["registration_endpoint"], "https://tenantry.example/oidc/register");
        let (account, user) = member(site, "acme", "ana@acme.example").await;
        site.api("https://api.example/", &["read:a"], json!({})).await;
        let sent = json!({
            "redirect_uris": ["http://127.0.0.1/cb"], "client_name": "Claude <script>\u{202e}",
            "grant_types": ["authorization_code", "refresh_token", "client_credentials", "password"],
            "response_types": ["code"], "token_endpoint_auth_method": "client_secret_post", "scope": "admin",
            "is_first_party": true, "client_id": "tpc_mine", "app_type": "non_interactive",
        });
        let made = site.json("/oidc/register", sent).await;
        assert_eq!((made.status, &made.body["token_endpoint_auth_method"]), (201, &json!("none")), "{made:?}");
        assert_eq!(made.body["grant_types"], json!(["authorization_code", "refresh_token"]));
        assert!(made.body.get("client_secret").is_none() && made.headers["cache-control"] == "no-store");
        let client = made.text("client_id");
        assert!(client.starts_with("tpc_") && client != "tpc_mine");
        let kept = site.manage("GET", &format!("/clients/{client}"), Value::Null).await;
        assert_eq!((&kept["is_first_party"], &kept["name"]), (&json!(false), &json!("Claude script")), "{kept}");

        let asked = [("redirect_uri", LOCAL)];
        let mut browser = Browser::new(site);
        let page = browser.open(&request(&client, &asked)).await;
        let page = browser.log_in(&page, "ana@acme.example").await;
        assert_eq!(page.step(), "consent", "{page:?}");
        assert!(page.html.contains("Claude script") && page.html.contains("nobody here vouches for it"));
        assert!(page.html.contains("a program on this computer"));
        let sent = browser.fill(&page, &[("answer", "yes")]).await;
        let tokens = exchange(site, &client, &sent.code(), json!({ "redirect_uri": LOCAL })).await;
        let said = claims(&tokens.text("access_token"));
        assert_eq!((&said["sub"], &said["org_id"], &said["aud"]), (&json!(user), &json!(account), &json!("app")));
        // Tools over MCP, and neither tools nor anything else over HTTP.
        for (method, path) in [
            ("GET", "/app/v1/me"),
            ("PATCH", "/app/v1/me"),
            ("GET", "/app/v1/approvals"),
            ("POST", "/app/v1/tools/describe_schema"),
        ] {
            assert_eq!(site.bearer(method, path, &tokens.text("access_token")).await.status, 403, "{method} {path}");
        }
        let body =
            json!({ "grant_type": "refresh_token", "client_id": client, "refresh_token": tokens.text("refresh_token") });
        assert_eq!(site.token(body).await.status, 200);
        // Asked each time.
        assert_eq!(browser.open(&request(&client, &asked)).await.step(), "consent");
        // Nothing but the MCP endpoint, in no way but codes.
        for audience in ["portal", "dashboard", "https://api.example/", ""] {
            let more = [asked[0], ("resource", ""), ("audience", audience)];
            assert_eq!(browser.open(&request(&client, &more)).await.told()["error"], "invalid_target", "{audience}");
        }
        let ask = |grant: &str| {
            json!({ "grant_type": grant, "client_id": client, "audience": "app", "username": "x", "password": "y",
                "client_secret": "z" })
        };
        for grant in ["client_credentials", "password", "urn:ietf:params:oauth:grant-type:token-exchange"] {
            assert_ne!(site.token(ask(grant)).await.status, 200, "{grant}");
            let mut public = ask(grant);
            public.as_object_mut().unwrap().remove("client_secret");
            assert_eq!(site.token(public).await.error(), (403, "unauthorized_client"), "{grant}");
        }
        // What is no client is refused.
        for (sent, error) in [
            (json!({ "redirect_uris": ["https://u@evil.example/"] }), "invalid_redirect_uri"),
            (json!({ "redirect_uris": ["javascript:alert(1)"] }), "invalid_redirect_uri"),
            (json!({ "redirect_uris": vec![LOCAL; 11] }), "invalid_redirect_uri"),
            (json!({ "redirect_uris": [LOCAL], "grant_types": ["client_credentials"] }), "invalid_client_metadata"),
            (json!("x".repeat(20_000)), "invalid_client_metadata"),
        ] {
            assert_eq!(site.json("/oidc/register", sent).await.error(), (400, error));
        }
        // Who is never used is forgotten; who was consented to stays.
        let never = site.json("/oidc/register", json!({ "redirect_uris": [LOCAL] })).await.text("client_id");
        let own = page_client(site, json!({})).await;
        site.clock.forward(25 * 3600);
        site.json("/oidc/register", json!({ "redirect_uris": [LOCAL] })).await;
        let known = async |id: &str| {
            let shown = Browser::new(site).open(&request(id, &[])).await;
            !shown.html.contains("no such client")
        };
        assert!(!known(&never).await && known(&client).await && known(&own).await);
    })
    .await;
}

/// A server that answers each path with what stands for it, and counts who comes.
async fn documents() -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            let mut read = vec![0; 4096];
            let length = stream.read(&mut read).await.unwrap_or(0);
            let head = String::from_utf8_lossy(&read[..length]).into_owned();
            let answer = document(head.split(' ').nth(1).unwrap_or(""), port);
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    (port, count)
}

fn ok(body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
    )
}

fn document(path: &str, port: u16) -> String {
    let id = format!("http://127.0.0.1:{port}{path}");
    let good = json!({ "client_id": id, "client_name": "Editor", "redirect_uris": ["http://127.0.0.1/cb"] });
    let with = |name: &str, value: Value| {
        let mut changed = good.clone();
        changed[name] = value;
        ok(&changed.to_string())
    };
    match path {
        "/good.json" => ok(&good.to_string()),
        "/other.json" => with("client_id", json!("http://127.0.0.1/good.json")),
        "/secret.json" => with("token_endpoint_auth_method", json!("client_secret_post")),
        "/told.json" => with("client_secret", json!("x")),
        "/large.json" => with("x", json!("y".repeat(6_000))),
        "/evil.json" => with("redirect_uris", json!(["javascript:alert(1)"])),
        "/html" => ok("<html>"),
        "/moved.json" => {
            format!("HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:{port}/good.json\r\ncontent-length: 0\r\n\r\n")
        }
        _ => "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_owned(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_is_what_its_document_says() {
    let site = Site::development().await;
    site.identity.open_to(Openness { registration: false, documents: true });
    assert_eq!(metadata(&site).await["client_id_metadata_document_supported"], true);
    let (port, count) = documents().await;
    let (account, _) = member(&site, "acme", "ana@acme.example").await;
    let id = format!("http://127.0.0.1:{port}/good.json");
    let resource = ("resource", "https://localhost:8443/mcp");
    let asked = [("redirect_uri", LOCAL), resource];
    let mut browser = Browser::new(&site);
    let page = browser.open(&request(&id, &asked)).await;
    let page = browser.log_in(&page, "ana@acme.example").await;
    assert_eq!(page.step(), "consent", "{page:?}");
    assert!(page.html.contains("Editor"));
    let sent = browser.fill(&page, &[("answer", "yes")]).await;
    let more = json!({ "redirect_uri": LOCAL, "resource": resource.1 });
    let tokens: Answer = exchange(&site, &id, &sent.code(), more).await;
    assert_eq!(claims(&tokens.text("access_token"))["org_id"], json!(account), "{tokens:?}");
    let body = json!({ "grant_type": "refresh_token", "client_id": id, "refresh_token": tokens.text("refresh_token") });
    assert_eq!(site.token(body).await.status, 200);
    assert_eq!(count.load(Ordering::SeqCst), 1, "it was fetched once");
    let away = browser.open(&request(&id, &[("redirect_uri", "https://evil.example/cb"), resource])).await;
    assert_eq!((away.status, away.location()), (400, ""));
    // What is no such document, or another's, makes no client; and is not asked for again at once.
    for path in ["other.json", "secret.json", "told.json", "large.json", "evil.json", "html", "moved.json", "none.json"]
    {
        let id = format!("http://127.0.0.1:{port}/{path}");
        let before = count.load(Ordering::SeqCst);
        for _ in 0..2 {
            let shown = browser.open(&request(&id, &asked)).await;
            assert_eq!((shown.status, shown.location()), (400, ""), "{path}");
        }
        assert_eq!(count.load(Ordering::SeqCst), before + 1, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_makes_the_server_ask_its_neighbours() {
    let site = Site::small().await;
    site.identity.open_to(Openness { registration: false, documents: true });
    let (port, count) = documents().await;
    for id in [
        format!("http://127.0.0.1:{port}/good.json"),
        format!("https://127.0.0.1:{port}/good.json"),
        format!("https://localhost:{port}/good.json"),
        "https://127.0.0.1/good.json".to_owned(),
        "https://localhost/good.json".to_owned(),
        "https://[::1]/good.json".to_owned(),
        "https://[::ffff:127.0.0.1]/good.json".to_owned(),
        "https://169.254.169.254/latest/meta-data".to_owned(),
        "https://10.0.0.1/x".to_owned(),
        "https://2130706433/x".to_owned(),
        "https://client.example/".to_owned(),
        "https://client.example/../x".to_owned(),
        "https://user@client.example/x".to_owned(),
        "https://client.example/x#y".to_owned(),
        "https://client.example/x?y".to_owned(),
        "ftp://client.example/x".to_owned(),
        "file:///etc/passwd".to_owned(),
    ] {
        let shown = Browser::new(&site).open(&request(&id, &[("redirect_uri", LOCAL)])).await;
        assert_eq!((shown.status, shown.location()), (400, ""), "{id}");
        assert!(!shown.html.contains("passwd") && !shown.html.contains("meta-data"), "{id}");
    }
    assert_eq!(count.load(Ordering::SeqCst), 0);
}
