//! The parameter `resource` (RFC 8707): where a token is going to be shown.

use std::borrow::Cow;

use crate::oauth::{OAuthError, OAuthKind, OAuthRequest};
use crate::{Audience, Identity};

/// Where the data tools are for MCP's clients, below the issuer's address.
pub const MCP_PATH: &str = "mcp";

impl Identity {
    /// The request with the audience that its `resource` stands for: `/mcp` belongs to the context of the data
    /// tools; every other resource is an API by its identifier.
    pub(crate) fn by_resource<'r>(&self, request: &'r OAuthRequest) -> Result<Cow<'r, OAuthRequest>, OAuthError> {
        let Some(resource) = request.params.get("resource") else { return Ok(Cow::Borrowed(request)) };
        let wrong = |why: &str| Err(OAuthError::new(OAuthKind::InvalidTarget, why));
        if !is_absolute(resource) {
            return wrong("parameter resource must be an absolute address without a fragment");
        }
        let ours = resource.strip_prefix(self.issuer.url()).map(|path| path.trim_end_matches('/'));
        let audience = if ours == Some(MCP_PATH) { Audience::App.name() } else { resource };
        match request.params.get("audience") {
            Some(asked) if asked != audience => wrong("parameters resource and audience stand for different APIs"),
            Some(_) => Ok(Cow::Borrowed(request)),
            None => {
                let mut with = request.clone();
                with.params.add("audience", audience.to_owned())?;
                Ok(Cow::Owned(with))
            }
        }
    }
}

/// An absolute URI without a fragment (RFC 3986, section 4.3).
fn is_absolute(text: &str) -> bool {
    let named = |scheme: &str| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
    };
    let plain = !text.contains(|c: char| c == '#' || c.is_whitespace() || c.is_control());
    plain && text.split_once(':').is_some_and(|(scheme, rest)| named(scheme) && !rest.is_empty())
}
