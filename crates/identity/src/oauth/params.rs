//! What a request of OAuth asks for.

use std::net::IpAddr;

use zeroize::Zeroizing;

use crate::oauth::OAuthError;

/// Named texts, each name once. Secrets are among them: they are wiped when the request is done, and never
/// shown.
#[derive(Default, Clone)]
pub struct Params(Vec<(String, Zeroizing<String>)>);

impl std::fmt::Debug for Params {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

impl Params {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Params {
        Params::default()
    }

    /// Adds a parameter.
    ///
    /// # Errors
    /// A name that was there already (RFC 6749, section 3.2): whoever reads the first and whoever reads the
    /// last would otherwise see two requests.
    pub fn add(&mut self, name: &str, value: String) -> Result<(), OAuthError> {
        if self.0.iter().any(|(known, _)| known == name) {
            return Err(OAuthError::invalid(format!("Parameter given more than once: {}", shown(name))));
        }
        self.0.push((name.to_owned(), Zeroizing::new(value)));
        Ok(())
    }

    /// A parameter's value. One without a value counts as left out (RFC 6749, section 3.1).
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    pub(crate) fn need(&self, name: &'static str) -> Result<&str, OAuthError> {
        self.get(name).ok_or_else(|| OAuthError::invalid(format!("Missing required parameter: {name}")))
    }
}

/// A caller's text as it may stand in an answer: short, and without control characters.
pub(crate) fn shown(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).take(200).collect()
}

/// A request to the token endpoint and its neighbours.
#[derive(Clone, Default)]
pub struct OAuthRequest {
    /// The parameters of its body.
    pub params: Params,
    /// Client id and secret of `Authorization: Basic`, decoded.
    pub basic: Option<(String, Zeroizing<String>)>,
    /// Where it came from.
    pub address: Option<IpAddr>,
    /// What its sender calls itself.
    pub user_agent: Option<String>,
    /// Its id.
    pub request_id: String,
}

/// Secrets stay out of logs.
impl std::fmt::Debug for OAuthRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OAuthRequest")
            .field("params", &self.params)
            .field("request_id", &self.request_id)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_shown() {
        let mut params = Params::new();
        params.add("client_secret", "s3cret".to_owned()).unwrap();
        assert!(params.add("client_secret", "other".to_owned()).is_err());
        let basic = Some(("id".to_owned(), Zeroizing::new("s3cret".to_owned())));
        let request = OAuthRequest { params, basic, ..OAuthRequest::default() };
        assert!(!format!("{request:?}").contains("s3cret"));
    }
}
