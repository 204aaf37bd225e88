//! From where `/mcp` may be asked: under which names (`Host`) and by whose pages (`Origin`).
//!
//! A page of somebody else's that a browser shows must not reach a server on the same machine under a name of
//! the page's choosing (DNS rebinding).

use std::net::IpAddr;

use axum::http::{HeaderMap, Uri, header};
use url::{Origin, Url};

/// The names and the origins.
#[derive(Debug, Clone, Default)]
pub(crate) struct Places {
    hosts: Vec<(String, Option<u16>)>,
    origins: Vec<Origin>,
    /// Is the server this machine's own? Then so are its names, and the pages that it shows, at any port.
    local: bool,
}

/// The names of the machine itself.
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

fn is_local(host: &str) -> bool {
    host == "localhost" || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// A host and its port, as they stand in `Host`.
fn authority(text: &str) -> Option<(String, Option<u16>)> {
    let url = Url::parse(&["http://", text, "/"].concat()).ok()?;
    let plain = url.username().is_empty() && url.password().is_none() && url.path() == "/";
    let (host, port) = (url.host_str().filter(|_| plain)?, text.rsplit_once(':'));
    // Port 80, which an address of this scheme leaves out, may well be named.
    let port = port.and_then(|(_, port)| port.parse().ok());
    Some((host.to_owned(), port))
}

impl Places {
    /// The issuer's own address, and what the configuration adds. A host without a port stands for every port.
    pub(crate) fn new(issuer: &str, hosts: &[String], origins: &[String]) -> Places {
        let own = Url::parse(issuer).ok();
        let host = own.as_ref().and_then(Url::host_str).map(str::to_owned);
        let local = host.as_deref().is_some_and(is_local);
        let mut known: Vec<_> = host.into_iter().map(|host| (host, None)).collect();
        if local {
            known.extend(LOOPBACK.map(|name| (name.to_owned(), None)));
        }
        known.extend(hosts.iter().filter_map(|host| authority(host)));
        let given = origins.iter().filter_map(|origin| Url::parse(origin).ok());
        let origins = own.into_iter().chain(given).map(|url| url.origin()).filter(Origin::is_tuple).collect();
        Places { hosts: known, origins, local }
    }

    /// Is the request for one of our names?
    pub(crate) fn host_fits(&self, uri: &Uri, headers: &HeaderMap) -> bool {
        let mut all = headers.get_all(header::HOST).iter();
        let said = match (all.next(), all.next()) {
            (Some(only), None) => only.to_str().ok(),
            // HTTP/2 names it in the address.
            (None, _) => uri.authority().map(axum::http::uri::Authority::as_str),
            (Some(_), Some(_)) => None,
        };
        let Some((host, port)) = said.and_then(authority) else { return false };
        self.hosts.iter().any(|(known, at)| *known == host && at.is_none_or(|at| Some(at) == port))
    }

    /// The origin of the page that asks, where one does; `Err` for a page that may not.
    pub(crate) fn origin<'h>(&self, headers: &'h HeaderMap) -> Result<Option<&'h str>, ()> {
        let mut all = headers.get_all(header::ORIGIN).iter();
        let only = match (all.next(), all.next()) {
            (None, _) => return Ok(None),
            (Some(only), None) => only.to_str().map_err(|_| ())?,
            (Some(_), Some(_)) => return Err(()),
        };
        let url = Url::parse(only).map_err(|_| ())?;
        let origin = url.origin();
        let own = self.local && matches!(url.scheme(), "http" | "https") && url.host_str().is_some_and(is_local);
        if origin.is_tuple() && (own || self.origins.contains(&origin)) { Ok(Some(only)) } else { Err(()) }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    fn headers(name: HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_str(value).unwrap())])
    }

    fn host(places: &Places, value: &str) -> bool {
        places.host_fits(&Uri::from_static("/mcp"), &headers(header::HOST, value))
    }

    fn origin(places: &Places, value: &str) -> bool {
        places.origin(&headers(header::ORIGIN, value)).is_ok()
    }

    #[test]
    fn names_and_origins_are_those_of_the_issuer_and_the_configuration() {
        let more = ["mcp.internal:8080".to_owned()];
        let places = Places::new("https://tenantry.example/", &more, &["https://app.example".to_owned()]);
        for good in ["tenantry.example", "tenantry.example:443", "TENANTRY.example", "mcp.internal:8080"] {
            assert!(host(&places, good), "{good}");
        }
        for bad in [
            "localhost",
            "127.0.0.1",
            "mcp.internal",
            "mcp.internal:81",
            "evil.example",
            "tenantry.example.evil.example",
            "tenantry.example@evil.example",
            "tenantry.example/x",
            "",
            "a b",
        ] {
            assert!(!host(&places, bad), "{bad}");
        }
        assert!(!places.host_fits(&Uri::from_static("/mcp"), &HeaderMap::new()));
        assert!(places.host_fits(&Uri::from_static("https://tenantry.example/mcp"), &HeaderMap::new()));
        let mut twice = headers(header::HOST, "tenantry.example");
        twice.append(header::HOST, HeaderValue::from_static("evil.example"));
        assert!(!places.host_fits(&Uri::from_static("/mcp"), &twice));
        assert!(places.origin(&HeaderMap::new()) == Ok(None));
        for good in ["https://tenantry.example", "https://app.example", "https://app.example:443"] {
            assert!(origin(&places, good), "{good}");
        }
        for bad in ["http://tenantry.example", "https://app.example:444", "http://localhost", "null", "", "file:///x"] {
            assert!(!origin(&places, bad), "{bad}");
        }
    }

    #[test]
    fn a_server_of_this_machine_has_this_machines_names() {
        let places = Places::new("https://localhost:8443/", &[], &[]);
        for good in ["localhost:8443", "127.0.0.1:1", "[::1]:8443"] {
            assert!(host(&places, good), "{good}");
        }
        assert!(origin(&places, "http://localhost:6274") && origin(&places, "https://127.0.0.1"));
        for bad in ["http://evil.example", "http://localhost.evil.example", "null", "file://localhost/x"] {
            assert!(!origin(&places, bad), "{bad}");
        }
        assert!(!host(&places, "evil.example:8443"));
    }
}
