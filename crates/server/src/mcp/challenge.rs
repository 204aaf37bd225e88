//! What a client without a sufficient token is told: where the metadata is and which scopes to ask for
//! (RFC 6750, section 3; RFC 9728, section 5.1).

use axum::http::{HeaderValue, header};
use axum::response::Response;
use tenantry_identity::tool_scopes;

use crate::app::App;

/// Adds the challenge to a refusal. `error` is RFC 6750's code, absent where no credential was shown.
pub(super) fn told(app: &App, error: Option<&str>, mut response: Response) -> Response {
    let mut challenge = format!("Bearer resource_metadata=\"{}\"", metadata_url(app.issuer.url()));
    challenge.push_str(&format!(", scope=\"{}\"", tool_scopes::ALL.join(" ")));
    if let Some(error) = error {
        challenge.push_str(&format!(", error=\"{error}\""));
    }
    if let Ok(value) = HeaderValue::from_str(&challenge) {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, value);
    }
    response
}

/// Where the metadata of `/mcp` is: the well-known part stands between host and path (RFC 9728, section 3.1).
fn metadata_url(issuer: &str) -> String {
    let (base, path) = match url::Url::parse(issuer) {
        Ok(url) => (url.origin().ascii_serialization(), url.path().to_owned()),
        Err(_) => (issuer.trim_end_matches('/').to_owned(), "/".to_owned()),
    };
    [&base, "/.well-known/oauth-protected-resource", &path, super::PATH].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_well_known_part_stands_between_host_and_path() {
        let at = |issuer| metadata_url(issuer);
        assert_eq!(at("https://a.example/"), "https://a.example/.well-known/oauth-protected-resource/mcp");
        assert_eq!(at("https://a.example:8443/"), "https://a.example:8443/.well-known/oauth-protected-resource/mcp");
        assert_eq!(at("https://a.example/t/"), "https://a.example/.well-known/oauth-protected-resource/t/mcp");
    }
}
