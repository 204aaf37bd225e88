//! OAuth: tokens asked for, shown, asked about and given back (RFC 6749, 7009, 7523, 7662, 8693, 9068).
//!
//! ```text
//! OAuthRequest -> authenticate (who is the client) -> grant (for whom, what) -> claims -> signature -> record -> TokenAnswer
//! ```
//! Nothing here knows HTTP. Each grant is a file.

mod account;
mod assertion;
mod authenticate;
mod client_credentials;
mod code;
mod compat;
mod error;
mod exchange;
mod introspect;
mod on_behalf;
mod opaque;
pub(crate) mod params;
mod password;
mod profile;
mod record;
mod refresh;
pub(crate) mod registry;
mod resource;
mod revoke;
pub(crate) mod scope;
mod shown;
mod user;
mod userinfo;

use serde::Serialize;

use crate::Identity;

pub use error::{OAuthError, OAuthKind};
pub use on_behalf::{ForApi, OnBehalf};
pub use params::{OAuthRequest, Params};
pub(crate) use record::Trail;
pub(crate) use registry::Registry;
pub use resource::MCP_PATH;

/// The grant types that are offered.
pub const GRANT_TYPES: [&str; 6] =
    [AUTHORIZATION_CODE, CLIENT_CREDENTIALS, REFRESH_TOKEN, PASSWORD, PASSWORD_REALM, TOKEN_EXCHANGE];

/// RFC 6749, section 4.1.
pub(crate) const AUTHORIZATION_CODE: &str = "authorization_code";

/// RFC 6749, section 4.4.
pub(crate) const CLIENT_CREDENTIALS: &str = "client_credentials";
/// RFC 6749, section 6.
pub(crate) const REFRESH_TOKEN: &str = "refresh_token";
/// RFC 6749, section 4.3. Only for clients that have it.
pub(crate) const PASSWORD: &str = "password";
/// The same, with the connection named.
pub(crate) const PASSWORD_REALM: &str = "http://auth0.com/oauth/grant-type/password-realm";
/// RFC 8693.
pub(crate) const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";

/// What the token endpoint answers (RFC 6749, section 5.1).
#[derive(Serialize, Clone, Default)]
pub struct TokenAnswer {
    /// The access token.
    pub access_token: String,
    /// The token by which the next one is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
    /// Who the user is (OpenID Connect Core, section 2).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token: Option<String>,
    /// What was granted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// Seconds.
    pub expires_in: i64,
    /// `Bearer`.
    pub token_type: &'static str,
    /// RFC 8693, section 2.2.1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issued_token_type: Option<&'static str>,
}

/// Tokens stay out of logs.
impl std::fmt::Debug for TokenAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenAnswer").field("expires_in", &self.expires_in).finish_non_exhaustive()
    }
}

impl TokenAnswer {
    fn bearer(access_token: String, expires_in: i64, scope: &[String]) -> TokenAnswer {
        TokenAnswer {
            access_token,
            expires_in,
            scope: (!scope.is_empty()).then(|| scope.join(" ")),
            token_type: "Bearer",
            ..TokenAnswer::default()
        }
    }
}

impl Identity {
    /// Answers a request for tokens. Each is on record before it is answered, and each refusal too.
    ///
    /// # Errors
    /// [`OAuthError`], in the words of the compatible API.
    pub async fn token(&self, request: &OAuthRequest) -> Result<TokenAnswer, OAuthError> {
        let mut trail = Trail::default();
        let grant_type = request.params.get("grant_type").unwrap_or_default();
        let outcome = match self.by_resource(request) {
            Ok(request) => self.granted(grant_type, &request, &mut trail).await,
            Err(error) => Err(error),
        };
        let error = outcome.as_ref().err();
        if let Some(error) = error {
            self.refusal_on_record("tokens.issue", request, &trail, error).await;
        }
        let codes = match grant_type {
            AUTHORIZATION_CODE => ("seacft", "feacft"),
            REFRESH_TOKEN => ("sertft", "fertft"),
            PASSWORD | PASSWORD_REALM => ("sepft", "fepft"),
            TOKEN_EXCHANGE => ("secte", "fecte"),
            _ => ("seccft", "feccft"),
        };
        self.log_grant(codes, request, &trail, error);
        outcome
    }

    async fn granted(
        &self,
        grant_type: &str,
        request: &OAuthRequest,
        trail: &mut Trail,
    ) -> Result<TokenAnswer, OAuthError> {
        request.params.need("grant_type")?;
        if !GRANT_TYPES.contains(&grant_type) {
            let name = params::shown(grant_type);
            return Err(OAuthError::new(OAuthKind::UnsupportedGrantType, format!("Unsupported grant type: {name}")));
        }
        // Tokens for users rest on more than what servers keep in memory: ask what changed elsewhere first.
        if grant_type != CLIENT_CREDENTIALS {
            self.store.look_for_changes().await?;
        }
        let now = self.stamp();
        let proven = self.authenticate(request, now).await?;
        trail.client = Some(proven.client.id().to_owned());
        trail.client_name = Some(proven.client.known.name.clone());
        proven.may_use(grant_type)?;
        match grant_type {
            AUTHORIZATION_CODE => self.by_code(request, &proven, now, trail).await,
            CLIENT_CREDENTIALS => self.client_credentials(request, &proven, now, trail).await,
            REFRESH_TOKEN => self.refresh(request, &proven, now, trail).await,
            PASSWORD | PASSWORD_REALM => self.by_password(grant_type, request, &proven, now, trail).await,
            _ => self.exchange(request, &proven, now, trail).await,
        }
    }
}

/// The hash under which a token is kept.
pub(crate) fn hashed(token: &str) -> Vec<u8> {
    aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, token.as_bytes()).as_ref().to_vec()
}
