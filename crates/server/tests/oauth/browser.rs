//! A browser that somebody drives: cookies, forms, and redirects followed as long as they stay here.

use std::collections::BTreeMap;

use aws_lc_rs::digest::{SHA256, digest};
use axum::body::Body;
use axum::http::{HeaderMap, Request};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use url::form_urlencoded::{Serializer, parse};

use crate::site::{Answer, PASSWORD, Site};

pub const CALLBACK: &str = "https://app.example/cb";
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub const MCP: &str = "https://tenantry.example/mcp";

pub fn s256(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()))
}

pub struct Browser<'s> {
    site: &'s Site,
    pub cookies: BTreeMap<String, String>,
}

/// What the browser shows.
#[derive(Debug, Clone)]
pub struct Shown {
    pub status: u16,
    pub headers: HeaderMap,
    pub html: String,
}

impl Shown {
    pub fn location(&self) -> &str {
        self.headers.get("location").map_or("", |value| value.to_str().unwrap())
    }

    /// The parameters of the address that the client is sent.
    pub fn told(&self) -> BTreeMap<String, String> {
        let query = self.location().split_once('?').unwrap_or_else(|| panic!("nothing is sent: {self:?}")).1;
        parse(query.as_bytes()).into_owned().collect()
    }

    pub fn code(&self) -> String {
        self.told().remove("code").unwrap_or_else(|| panic!("no code: {self:?}"))
    }

    /// The path of the form.
    pub fn form(&self) -> Option<String> {
        Some(unescaped(self.html.split_once("action=\"")?.1.split('"').next()?))
    }

    /// Which step's form it is.
    pub fn step(&self) -> String {
        let form = self.form().unwrap_or_default();
        form.split('?').next().unwrap_or_default().trim_start_matches("/u/").to_owned()
    }

    pub fn token(&self) -> String {
        unescaped(self.html.split_once("name=\"token\" value=\"").unwrap().1.split('"').next().unwrap())
    }
}

fn unescaped(text: &str) -> String {
    text.replace("&quot;", "\"").replace("&#39;", "'").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

pub fn form(pairs: &[(&str, &str)]) -> String {
    Serializer::new(String::new()).extend_pairs(pairs).finish()
}

impl<'s> Browser<'s> {
    pub fn new(site: &'s Site) -> Browser<'s> {
        Browser { site, cookies: BTreeMap::new() }
    }

    /// One request; no redirect is followed.
    pub async fn send(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Shown {
        let mut request = Request::builder().method(method).uri(path).header("host", "tenantry.example");
        if !self.cookies.is_empty() {
            let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request = request.header("cookie", cookies.join("; "));
        }
        if method == "POST" {
            request = request.header("content-type", "application/x-www-form-urlencoded");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = self.site.begin(request.body(Body::from(body.to_owned())).unwrap()).await;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        for cookie in headers.get_all("set-cookie") {
            let cookie = cookie.to_str().unwrap();
            for part in ["; Path=/", "; Secure", "; HttpOnly", "; SameSite=Lax"] {
                assert!(cookie.contains(part), "{cookie}");
            }
            assert!(cookie.starts_with("__Host-") && !cookie.contains("Domain"), "{cookie}");
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            match value {
                "" => self.cookies.remove(name),
                value => self.cookies.insert(name.to_owned(), value.to_owned()),
            };
        }
        let html = String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap();
        let shown = Shown { status, headers, html };
        held(&shown);
        shown
    }

    /// Follows redirects that stay here.
    async fn on(&mut self, mut shown: Shown) -> Shown {
        for _ in 0..6 {
            if shown.status != 303 || !shown.location().starts_with('/') {
                return shown;
            }
            let next = shown.location().to_owned();
            shown = self.send("GET", &next, &[], "").await;
        }
        panic!("it never ends: {shown:?}");
    }

    pub async fn open(&mut self, query: &str) -> Shown {
        let shown = self.send("GET", &format!("/authorize?{query}"), &[], "").await;
        self.on(shown).await
    }

    /// Fills in the form that is shown.
    pub async fn fill(&mut self, page: &Shown, fields: &[(&str, &str)]) -> Shown {
        let shown = self.fill_only(page, fields).await;
        self.on(shown).await
    }

    /// The same, without following.
    pub async fn fill_only(&mut self, page: &Shown, fields: &[(&str, &str)]) -> Shown {
        let token = page.token();
        let mut all = vec![("token", token.as_str())];
        all.extend_from_slice(fields);
        let path = page.form().unwrap();
        self.send("POST", &path, &[("sec-fetch-site", "same-origin")], &form(&all)).await
    }

    pub async fn log_in(&mut self, page: &Shown, email: &str) -> Shown {
        assert_eq!(page.step(), "login", "{page:?}");
        self.fill(page, &[("identifier", email), ("password", PASSWORD)]).await
    }
}

/// What holds for whatever a browser is shown.
fn held(shown: &Shown) {
    if shown.status == 405 {
        return;
    }
    let header = |name: &str| shown.headers.get(name).map_or("", |value| value.to_str().unwrap());
    assert_eq!(header("cache-control"), "no-store", "{shown:?}");
    assert!(matches!(header("referrer-policy"), "no-referrer" | "same-origin"));
    if !shown.html.is_empty() {
        let policy = header("content-security-policy");
        for part in ["default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'", "form-action 'self'"] {
            assert!(policy.contains(part), "{policy}");
        }
        assert!(!policy.contains("unsafe") && !policy.contains("script-src"), "{policy}");
        assert_eq!((header("x-frame-options"), header("x-content-type-options")), ("DENY", "nosniff"));
        let html = shown.html.to_lowercase();
        assert!(!html.contains("<script") && !html.contains("javascript:") && !html.contains(" style="), "{html}");
        assert!(html.starts_with("<!doctype html><html lang=\"en\">") && html.contains("<title>"));
        assert_eq!(html.matches("<input id=").count(), html.matches("<label for=").count(), "{html}");
    }
}

/// A client's request.
pub fn request(client: &str, more: &[(&str, &str)]) -> String {
    let challenge = s256(VERIFIER);
    let mut all = vec![
        ("response_type", "code"),
        ("client_id", client),
        ("redirect_uri", CALLBACK),
        ("state", "st&te<>\"'"),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
        ("resource", MCP),
        ("scope", "tools:read tools:write"),
    ];
    for (name, value) in more {
        all.retain(|(known, _)| known != name);
        if !value.is_empty() {
            all.push((name, value));
        }
    }
    form(&all)
}

/// A first-party client in a browser's page.
pub async fn page_client(site: &Site, more: Value) -> String {
    let mut fields = json!({
        "app_type": "spa", "callbacks": [CALLBACK], "grant_types": ["authorization_code", "refresh_token"],
        "refresh_token": { "rotation_type": "rotating", "expiration_type": "expiring" },
    });
    fields.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    site.client(fields).await.id
}

/// A member of a new account, with a role there.
pub async fn member(site: &Site, account: &str, email: &str) -> (String, String) {
    let user = site.user(email, json!({})).await;
    let account = site.account(account).await;
    site.member(&account, &user).await;
    (account, user)
}

/// What the code is exchanged for.
pub async fn exchange(site: &Site, client: &str, code: &str, more: Value) -> Answer {
    let mut body = json!({
        "grant_type": "authorization_code", "client_id": client, "code": code, "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER, "resource": MCP,
    });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    site.token(body).await
}
