//! Where an answer may be sent: addresses of clients, compared letter by letter (RFC 9700, section 2.1).
//!
//! One thing is left open: the port of an address on the user's own machine, which a program takes when it
//! starts (RFC 8252, section 7.3). Host, path and query must be the same there too.

/// The machine's own names. Each is itself and no other: `localhost` is not `127.0.0.1`.
const LOOPBACK: [&str; 3] = ["127.0.0.1", "[::1]", "localhost"];

/// Addresses that a browser would run or open as a document of ours, whoever registered them.
const NEVER: [&str; 9] =
    ["javascript", "data", "vbscript", "file", "blob", "about", "view-source", "filesystem", "http"];

/// The longest.
const LONGEST: usize = 2_048;

/// Is this one of the addresses that the client registered?
pub(crate) fn fits(registered: &str, asked: &str) -> bool {
    if registered == asked {
        return true;
    }
    match (loopback(registered), loopback(asked)) {
        (Some(registered), Some(asked)) => registered == asked,
        _ => false,
    }
}

/// Host and rest, without the port, of an address without TLS on the user's own machine.
fn loopback(uri: &str) -> Option<(&str, &str)> {
    let after = uri.strip_prefix("http://")?;
    let (host, rest) = LOOPBACK.into_iter().find_map(|host| {
        let rest = after.strip_prefix(host)?;
        (rest.is_empty() || rest.starts_with([':', '/', '?'])).then_some((host, rest))
    })?;
    let Some(after) = rest.strip_prefix(':') else { return Some((host, rest)) };
    let digits = after.find(|one: char| !one.is_ascii_digit()).unwrap_or(after.len());
    let (port, rest) = after.split_at_checked(digits)?;
    let good = port.len() <= 5 && port.parse::<u16>().is_ok_and(|port| port > 0);
    (good && (rest.is_empty() || rest.starts_with(['/', '?']))).then_some((host, rest))
}

/// Is it on the user's own machine?
pub(crate) fn is_loopback(uri: &str) -> bool {
    loopback(uri).is_some()
}

/// Host (and port) of an address with TLS; `None` for one with a user's name in it, or none at all.
pub(crate) fn secure_host(uri: &str) -> Option<&str> {
    let after = uri.strip_prefix("https://")?;
    let authority = after.split(['/', '?']).next()?;
    let plain = |one: char| one.is_ascii_alphanumeric() || matches!(one, '.' | '-' | ':' | '[' | ']');
    (!authority.is_empty() && authority.chars().all(plain) && !authority.starts_with([':', '.', '-']))
        .then_some(authority)
}

/// May an answer be sent there at all, whoever registered it? With TLS, to the user's own machine, or to a
/// program's own scheme.
pub(crate) fn may_be_sent_to(uri: &str) -> bool {
    let plain = |one: char| one.is_ascii_graphic() && !matches!(one, '#' | '"' | '<' | '>' | '\\' | '`' | '\'');
    if uri.len() > LONGEST || !uri.chars().all(plain) {
        return false;
    }
    if uri.starts_with("https:") {
        return secure_host(uri).is_some();
    }
    if is_loopback(uri) {
        return true;
    }
    let Some((scheme, rest)) = uri.split_once(':') else { return false };
    let letters = |one: char| one.is_ascii_lowercase() || one.is_ascii_digit() || matches!(one, '+' | '-' | '.');
    let named = scheme.starts_with(|one: char| one.is_ascii_lowercase()) && scheme.chars().all(letters);
    named && !NEVER.contains(&scheme) && !rest.is_empty()
}

/// May a client that nobody vouches for name it? With TLS or on the user's own machine alone.
pub(crate) fn may_be_registered(uri: &str) -> bool {
    may_be_sent_to(uri) && !uri.contains("/../") && (is_loopback(uri) || secure_host(uri).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_compared_letter_by_letter() {
        let registered = "https://app.example/cb";
        assert!(fits(registered, registered));
        for trick in [
            "https://app.example/cb/",
            "https://app.example/cb?x=1",
            "https://app.example/cb#x",
            "https://app.example/cb/../evil",
            "https://app.example/x/../cb",
            "https://app.example/%63b",
            "https://APP.example/cb",
            "https://app.example:443/cb",
            "https://app.example:444/cb",
            "https://app.example@evil.example/cb",
            "https://evil.example@app.example/cb",
            "https://app.example.evil.example/cb",
            "https://x.app.example/cb",
            "https://evilapp.example/cb",
            "http://app.example/cb",
            "https:/app.example/cb",
            "https:\\\\app.example\\cb",
            " https://app.example/cb",
            "https://app.example/cb ",
            "",
        ] {
            assert!(!fits(registered, trick), "{trick}");
        }
    }

    #[test]
    fn ports_are_free_on_the_users_own_machine_alone() {
        for (registered, asked) in [
            ("http://127.0.0.1/cb", "http://127.0.0.1:51004/cb"),
            ("http://127.0.0.1:1/cb", "http://127.0.0.1:51004/cb"),
            ("http://[::1]:1/cb?a=b", "http://[::1]:2/cb?a=b"),
            ("http://localhost/cb", "http://localhost:3030/cb"),
            ("http://localhost:8080", "http://localhost:1"),
        ] {
            assert!(fits(registered, asked), "{registered} {asked}");
        }
        for (registered, asked) in [
            ("http://127.0.0.1/cb", "http://localhost/cb"),
            ("http://localhost/cb", "http://127.0.0.1/cb"),
            ("http://127.0.0.1/cb", "http://[::1]/cb"),
            ("http://127.0.0.1/cb", "http://127.0.0.1:80@evil.example/cb"),
            ("http://127.0.0.1/cb", "http://127.0.0.1:/cb"),
            ("http://127.0.0.1/cb", "http://127.0.0.1:0/cb"),
            ("http://127.0.0.1/cb", "http://127.0.0.1:65536/cb"),
            ("http://127.0.0.1/cb", "http://127.0.0.1:000080/cb"),
            ("http://127.0.0.1/cb", "http://127.0.0.1.evil.example/cb"),
            ("http://127.0.0.1/cb", "http://127.0.0.1:80/cb/"),
            ("http://127.0.0.1/cb", "http://127.0.0.1:80/CB"),
            ("http://127.0.0.1/cb", "http://127.0.0.1:80/cb?x"),
            ("http://127.0.0.1/cb", "https://127.0.0.1:80/cb"),
            ("http://127.0.0.1/cb", "http://127.0.0.2:80/cb"),
            ("http://127.0.0.1/cb", "http://127.1:80/cb"),
            ("http://127.0.0.1/cb", "http://2130706433:80/cb"),
            ("http://127.0.0.1/cb", "http://user@127.0.0.1:80/cb"),
            ("https://app.example:1/cb", "https://app.example:2/cb"),
            ("http://localhost/cb", "http://localhost.evil.example/cb"),
            ("http://localhost/cb", "http://LOCALHOST/cb"),
        ] {
            assert!(!fits(registered, asked), "{registered} {asked}");
        }
    }

    #[test]
    fn answers_go_nowhere_that_a_browser_would_run() {
        for good in ["https://a.example/cb?x=y", "http://127.0.0.1:1/cb", "com.example.app:/cb", "cursor://x/cb"] {
            assert!(may_be_sent_to(good), "{good}");
        }
        for bad in [
            "javascript:alert(1)",
            "data:text/html,x",
            "http://a.example/cb",
            "https://u:p@a.example/cb",
            "https://a.example/cb#x",
            "https:a.example",
            "https:///cb",
            "https://a.example\\@evil.example/",
            "JAVASCRIPT:x",
            "/cb",
            "cb",
            "",
            "https://a.example/\r\nSet-Cookie: x",
            "https://a.example;script-src/cb",
        ] {
            assert!(!may_be_sent_to(bad), "{bad}");
        }
        assert!(!may_be_registered("cursor://x/cb") && !may_be_registered("https://a.example/x/../cb"));
        assert!(may_be_registered("http://localhost/cb") && may_be_registered("https://a.example:8443/cb"));
    }
}
