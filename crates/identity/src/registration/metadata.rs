//! What a client says of itself (RFC 7591, section 2), as far as it counts here.

use serde::Deserialize;

use crate::Refusal;
use crate::authorize::redirect;
use crate::oauth::{AUTHORIZATION_CODE, REFRESH_TOKEN};

/// Why a client is not registered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RegistrationError {
    /// An address is none that answers may be sent to.
    #[error(
        "redirect_uris: 1 to 10 addresses, with https or on the user's own machine (http://127.0.0.1, http://localhost)"
    )]
    RedirectUri,
    /// Something else is not as it must be.
    #[error("{0}")]
    Metadata(&'static str),
    /// There are as many as there may be.
    #[error("There are too many clients; try again later.")]
    Full,
    /// Our own trouble.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

impl RegistrationError {
    /// The code (RFC 7591, section 3.2.2).
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            RegistrationError::RedirectUri => "invalid_redirect_uri",
            RegistrationError::Metadata(_) => "invalid_client_metadata",
            RegistrationError::Full => "temporarily_unavailable",
            RegistrationError::Refused(_) => "server_error",
        }
    }
}

/// The longest name, in characters.
const LONGEST_NAME: usize = 80;

#[derive(Deserialize)]
struct Sent {
    redirect_uris: Vec<String>,
    #[serde(default)]
    client_id: Option<String>,
    #[serde(default)]
    client_name: Option<String>,
    #[serde(default)]
    grant_types: Option<Vec<String>>,
    #[serde(default)]
    response_types: Option<Vec<String>>,
    #[serde(default)]
    token_endpoint_auth_method: Option<String>,
    #[serde(default)]
    client_secret: Option<serde_json::Value>,
}

/// What counts of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Metadata {
    pub(super) name: String,
    pub(super) redirect_uris: Vec<String>,
    pub(super) grant_types: Vec<String>,
    /// As whom it describes itself.
    pub(super) client_id: Option<String>,
    /// How it would show who it is.
    pub(super) method: Option<String>,
    /// Does it tell a secret?
    pub(super) tells_secret: bool,
}

impl Metadata {
    /// Reads it. What is not known is left alone (RFC 7591, section 2); a member twice is refused.
    pub(super) fn read(sent: &[u8]) -> Result<Metadata, RegistrationError> {
        let wrong = RegistrationError::Metadata;
        let sent: Sent = serde_json::from_slice(sent)
            .map_err(|_| wrong("The body must be a JSON object with redirect_uris, as RFC 7591 has it."))?;
        let addresses = &sent.redirect_uris;
        if addresses.is_empty() || addresses.len() > 10 || !addresses.iter().all(|uri| redirect::may_be_registered(uri))
        {
            return Err(RegistrationError::RedirectUri);
        }
        if sent.response_types.is_some_and(|types| !types.iter().any(|one| one == "code")) {
            return Err(wrong("response_types: code is the only one."));
        }
        let asked = sent.grant_types.unwrap_or_else(|| vec![AUTHORIZATION_CODE.to_owned(), REFRESH_TOKEN.to_owned()]);
        if !asked.iter().any(|one| one == AUTHORIZATION_CODE) {
            return Err(wrong("grant_types: authorization_code, and refresh_token with it."));
        }
        // INVARIANT: these two and no other, whatever is asked for.
        let grant_types = [AUTHORIZATION_CODE, REFRESH_TOKEN];
        let grant_types = grant_types.into_iter().filter(|one| asked.iter().any(|known| known == one));
        Ok(Metadata {
            name: name(sent.client_name.as_deref().unwrap_or_default()),
            redirect_uris: sent.redirect_uris,
            grant_types: grant_types.map(str::to_owned).collect(),
            client_id: sent.client_id,
            method: sent.token_endpoint_auth_method,
            tells_secret: sent.client_secret.is_some(),
        })
    }
}

/// A name as it may be shown: short, and with nothing that changes how what stands beside it is read.
fn name(said: &str) -> String {
    let plain = |one: &char| {
        !one.is_control()
            && !matches!(one, '<' | '>')
            && !matches!(u32::from(*one), 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x206f | 0xfeff | 0xe0000..=0xe0fff)
    };
    let name: String = said.chars().filter(plain).take(LONGEST_NAME).collect();
    let name = name.trim();
    if name.is_empty() { "A program without a name".to_owned() } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Metadata, RegistrationError> {
        Metadata::read(text.as_bytes())
    }

    #[test]
    fn a_client_is_given_no_more_than_codes() {
        let all = r#"{"redirect_uris": ["http://localhost/cb"], "client_name": " a\u202e<b>\u0000 ",
            "grant_types": ["client_credentials", "authorization_code", "password"], "unknown": {"x": 1}}"#;
        let metadata = read(all).unwrap();
        assert_eq!((metadata.name.as_str(), metadata.grant_types), ("ab", vec![AUTHORIZATION_CODE.to_owned()]));
        let least = read(r#"{"redirect_uris": ["https://a.example/cb"]}"#).unwrap();
        assert_eq!(least.grant_types, [AUTHORIZATION_CODE, REFRESH_TOKEN]);
        assert!(!least.name.is_empty());
    }

    #[test]
    fn what_is_no_description_is_refused() {
        for (text, code) in [
            (r#"{"redirect_uris": []}"#, "invalid_redirect_uri"),
            (r#"{"redirect_uris": ["http://a.example/cb"]}"#, "invalid_redirect_uri"),
            (r#"{"redirect_uris": ["https://a.example/cb", "javascript:alert(1)"]}"#, "invalid_redirect_uri"),
            (r#"{"redirect_uris": ["https://a.example/cb#x"]}"#, "invalid_redirect_uri"),
            (r#"{"redirect_uris": ["myapp://cb"]}"#, "invalid_redirect_uri"),
            (r#"{"redirect_uris": "https://a.example/cb"}"#, "invalid_client_metadata"),
            (r#"{"redirect_uris": ["https://a.example/cb"], "redirect_uris": []}"#, "invalid_client_metadata"),
            (
                r#"{"redirect_uris": ["https://a.example/cb"], "grant_types": ["client_credentials"]}"#,
                "invalid_client_metadata",
            ),
            (r#"{"redirect_uris": ["https://a.example/cb"], "response_types": ["token"]}"#, "invalid_client_metadata"),
            ("{}", "invalid_client_metadata"),
            ("[]", "invalid_client_metadata"),
            ("", "invalid_client_metadata"),
        ] {
            assert_eq!(read(text).unwrap_err().code(), code, "{text}");
        }
    }
}
