//! The two cookies: who is logged in, and which browser it is.
//!
//! `__Host-` binds a cookie to this host, to TLS and to no other path: no other site, and no neighbour under the same
//! domain, can set one.

use axum::http::{HeaderMap, HeaderValue, header};
use zeroize::Zeroizing;

/// Who is logged in.
pub(super) const SESSION: &str = "__Host-tenantry_session";
/// Which browser it is: what forms are bound to before anybody logs in.
pub(super) const BROWSER: &str = "__Host-tenantry_browser";

/// The longest cookie that is looked at.
const LONGEST: usize = 256;

/// A cookie's value. One that comes twice is none: whoever sent the other must not be able to choose.
pub(super) fn read(headers: &HeaderMap, name: &str) -> Option<Zeroizing<String>> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut found = all
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(known, _)| *known == name)
        .map(|(_, value)| value);
    match (found.next(), found.next()) {
        (Some(only), None) if !only.is_empty() && only.len() <= LONGEST => Some(Zeroizing::new(only.to_owned())),
        _ => None,
    }
}

/// Sets a cookie, until the browser is closed.
pub(super) fn set(headers: &mut HeaderMap, name: &str, value: &str) {
    let text = [name, "=", value, "; Path=/; Secure; HttpOnly; SameSite=Lax"].concat();
    if let Ok(mut value) = HeaderValue::from_str(&text) {
        value.set_sensitive(true);
        headers.append(header::SET_COOKIE, value);
    }
}

/// Takes a cookie away.
pub(super) fn clear(headers: &mut HeaderMap, name: &str) {
    let text = [name, "=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0"].concat();
    if let Ok(value) = HeaderValue::from_str(&text) {
        headers.append(header::SET_COOKIE, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_that_comes_twice_is_none() {
        let read = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::COOKIE, value.parse().unwrap());
            }
            read(&headers, "a").map(|value| value.to_string())
        };
        assert_eq!(read(&["x=1; a=b.c; y=2"]).as_deref(), Some("b.c"));
        assert_eq!(read(&["a=b", "x=1"]).as_deref(), Some("b"));
        for none in [&["a=b; a=c"][..], &["a=b", "a=b"], &["a="], &["aa=b"], &["A=b"], &[]] {
            assert_eq!(read(none), None, "{none:?}");
        }
    }
}
