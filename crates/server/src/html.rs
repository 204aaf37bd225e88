//! Pages for people: plain HTML, no scripts, nothing loaded from elsewhere unless it is named.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

const STYLE: &str = "body{font:1.1rem/1.5 system-ui,sans-serif;max-width:32rem;margin:3rem auto;padding:0 1rem;\
color:#1a1a1a;background:#fff}label{display:block;margin-top:1rem}\
input:not([type=radio]){font:inherit;width:100%;padding:.5rem;box-sizing:border-box;border:1px solid #595959}\
fieldset{border:1px solid #595959;margin-top:1rem}fieldset label{margin:.5rem 0}\
button{font:inherit;margin:1.5rem 1rem 0 0;padding:.6rem 1.2rem;background:var(--a,#0b4f8a);color:var(--t,#fff);\
border:1px solid #595959}button.no{background:#fff;color:#1a1a1a}a{color:#0b4f8a}img{max-width:12rem;max-height:4rem}\
:focus-visible{outline:3px solid #b35c00;outline-offset:2px}.wrong{border-left:.3rem solid #a1001d;padding-left:.8rem}";

/// A page.
#[derive(Debug, Clone, Default)]
pub(crate) struct Page {
    pub(crate) status: StatusCode,
    pub(crate) title: String,
    /// HTML.
    pub(crate) body: String,
    /// `#rrggbb`, of buttons.
    pub(crate) colour: Option<String>,
    /// A picture, by its address over TLS, and whose it is.
    pub(crate) picture: Option<(String, String)>,
    /// Where a form's answer may be sent on to, besides here: an origin or a scheme.
    pub(crate) leads_to: Option<String>,
    /// May other pages of ours learn this one's address?
    pub(crate) told_here: bool,
}

impl Page {
    pub(crate) fn new(status: StatusCode, title: &str, body: impl Into<String>) -> Page {
        Page { status, title: title.to_owned(), body: body.into(), ..Page::default() }
    }

    /// The page whole. Addresses of pages hold secrets: nobody keeps them, and no other site is told of them.
    pub(crate) fn response(self) -> Response {
        let style = match &self.colour {
            Some(colour) => [STYLE, ":root{--a:", colour, ";--t:", readable_on(colour), "}"].concat(),
            None => STYLE.to_owned(),
        };
        let title = escaped(&self.title);
        let picture = self.picture.as_ref().map_or_else(String::new, |(url, name)| {
            format!("<p><img src=\"{}\" alt=\"{}\"></p>", escaped(url), escaped(name))
        });
        let html = format!(
            "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><meta name=\"robots\" content=\"noindex\">\
             <title>{title}</title><style>{style}</style></head><body><main>{picture}<h1>{title}</h1>{}</main></body></html>",
            self.body
        );
        // Nothing is framed; the one style is named by its hash.
        let hash = STANDARD.encode(Sha256::digest(style.as_bytes()));
        let picture = self.picture.and_then(|(url, _)| origin(&url));
        let picture = picture.map_or_else(String::new, |origin| ["; img-src ", &origin].concat());
        let leads_to = self.leads_to.map_or_else(String::new, |origin| [" ", &origin].concat());
        let policy = format!(
            "default-src 'none'; style-src 'sha256-{hash}'{picture}; form-action 'self'{leads_to}; base-uri 'none'; \
             frame-ancestors 'none'"
        );
        let mut response = Response::new(Body::from(html));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        private(headers);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
        if self.told_here {
            // Browsers tell a form's origin only where this is said.
            headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
        }
        if let Ok(policy) = HeaderValue::from_str(&policy) {
            headers.insert(header::CONTENT_SECURITY_POLICY, policy);
        }
        response
    }
}

/// What holds for all that is answered to a browser.
pub(crate) fn private(headers: &mut HeaderMap) {
    let fixed = [
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

/// An address's origin as a policy names it, or its scheme where there is no host; `None` for what could not stand in
/// a policy.
pub(crate) fn origin(url: &str) -> Option<String> {
    let url = url::Url::parse(url).ok()?;
    if !matches!(url.scheme(), "http" | "https") {
        return Some([url.scheme(), ":"].concat());
    }
    let origin = url.origin().ascii_serialization();
    // A policy has no form for addresses of IPv6.
    let origin = if origin.contains('[') { [url.scheme(), ":"].concat() } else { origin };
    origin.chars().all(|one| one.is_ascii_alphanumeric() || matches!(one, ':' | '/' | '.' | '-')).then_some(origin)
}

/// Black or white, whichever is read more easily on a colour (WCAG 2.2, relative luminance).
fn readable_on(colour: &str) -> &'static str {
    let part = |place: usize| -> f64 {
        let digits: String = colour.chars().skip(1 + 2 * place).take(2).collect();
        let share = f64::from(u8::from_str_radix(&digits, 16).unwrap_or(0)) / 255.0;
        if share <= 0.040_45 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
    };
    let luminance = 0.2126 * part(0) + 0.7152 * part(1) + 0.0722 * part(2);
    if (luminance + 0.05) * (luminance + 0.05) > 1.05 * 0.05 { "#000" } else { "#fff" }
}

/// What browsers say of where a form came from (Fetch Metadata; RFC 6454, section 7). A program says nothing.
pub(crate) fn from_here(headers: &HeaderMap) -> bool {
    let text = |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    if let Some(site) = text(HeaderName::from_static("sec-fetch-site")) {
        return site == "same-origin";
    }
    match (text(header::ORIGIN), text(header::HOST)) {
        (Some(origin), Some(host)) => origin.split_once("://").is_some_and(|(_, from)| from == host),
        (Some(_), None) => false,
        (None, _) => true,
    }
}

/// Text as HTML, in elements and in quoted attributes.
pub(crate) fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            letter => html.push(letter),
        }
    }
    html
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_name_origins_and_nothing_else() {
        for (url, told) in [
            ("https://app.example/cb?x", Some("https://app.example")),
            ("https://app.example:8443/", Some("https://app.example:8443")),
            ("http://127.0.0.1:3000/cb", Some("http://127.0.0.1:3000")),
            ("http://[::1]:3000/cb", Some("http:")),
            ("com.example.app:/cb", Some("com.example.app:")),
            ("https://a;script-src 'unsafe-inline'/", None),
            ("/cb", None),
        ] {
            assert_eq!(origin(url).as_deref(), told, "{url}");
        }
    }

    #[test]
    fn buttons_are_readable_on_any_colour() {
        for (colour, told) in [("#ffffff", "#000"), ("#000000", "#fff"), ("#ffee00", "#000"), ("#0b4f8a", "#fff")] {
            assert_eq!(readable_on(colour), told, "{colour}");
        }
    }

    #[test]
    fn text_stays_text() {
        assert_eq!(escaped("<a b=\"c\" d='e'>&"), "&lt;a b=&quot;c&quot; d=&#39;e&#39;&gt;&amp;");
    }
}
