//! Making and verifying tokens.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tenantry_policy::{Clock, Entropy, Principal};
use tenantry_store::Store;

use crate::claims::Claims;
use crate::key::SigningKey;
use crate::{Audience, IssueError, Subject, TokenError};

/// The longest life of a token.
pub const MAX_LIFETIME: Duration = Duration::from_hours(24);

/// The longest token, in bytes.
pub const MAX_TOKEN_BYTES: usize = 16 * 1024;

/// How far another server's clock may be ahead of ours before its tokens count as from the future.
/// Expiry has no leeway.
pub const LEEWAY_SECONDS: i64 = 5;

const MICROS: i64 = 1_000_000;

/// Makes and verifies this installation's tokens.
pub struct Issuer {
    url: String,
    key: SigningKey,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl std::fmt::Debug for Issuer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Issuer").field("url", &self.url).field("kid", &self.key.kid()).finish_non_exhaustive()
    }
}

/// What a verified token says.
#[derive(Debug, Clone, PartialEq)]
pub struct Verified {
    /// Who asks.
    pub principal: Principal,
    /// The context that the token is for.
    pub audience: Audience,
    /// The token's id.
    pub jti: String,
    /// When it was made, microseconds since 1970 UTC.
    pub issued_at_micros: i64,
    /// When it ends, microseconds since 1970 UTC; at this moment it is already refused.
    pub expires_micros: i64,
}

impl Issuer {
    /// The issuer of that address (`https://host[:port]/`, ending with a slash, which is added when
    /// missing). Its ES256 key is made once per installation and kept in the store's key file.
    ///
    /// # Errors
    /// [`IssueError::Issuer`] for a text that is no address; otherwise when the key cannot be read,
    /// made or kept.
    pub fn open(
        store: &Store,
        issuer_url: &str,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Issuer, IssueError> {
        let host = issuer_url.strip_prefix("https://").or_else(|| issuer_url.strip_prefix("http://"));
        let is_address = host.is_some_and(|host| {
            !host.is_empty()
                && !host.starts_with('/')
                && !host.contains(|c: char| c.is_whitespace() || c.is_control() || c == '?' || c == '#' || c == '@')
        });
        if !is_address {
            return Err(IssueError::Issuer(issuer_url.to_owned()));
        }
        let mut url = issuer_url.to_owned();
        if !url.ends_with('/') {
            url.push('/');
        }
        Ok(Issuer { url, key: SigningKey::open(store)?, clock, entropy })
    }

    /// The claim `iss` of its tokens.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The public keys as a JWK set (RFC 7517, section 5), JSON.
    #[must_use]
    pub fn jwks(&self) -> &str {
        self.key.jwks()
    }

    /// The key's id: its thumbprint (RFC 7638).
    #[must_use]
    pub fn kid(&self) -> &str {
        self.key.kid()
    }

    /// An access token (RFC 9068) for the subject. `lifetime` is 1 s to [`MAX_LIFETIME`]; parts of
    /// a second are dropped.
    ///
    /// # Errors
    /// When lifetime or subject do not fit, or the token would be longer than [`MAX_TOKEN_BYTES`].
    pub fn issue(&self, subject: &Subject, lifetime: Duration, audience: Audience) -> Result<String, IssueError> {
        if lifetime < Duration::from_secs(1) || lifetime > MAX_LIFETIME {
            return Err(IssueError::Lifetime);
        }
        let seconds = i64::try_from(lifetime.as_secs()).map_err(|_| IssueError::Lifetime)?;
        let iat = self.clock.now_micros().div_euclid(MICROS);
        let mut id = [0_u8; 16];
        self.entropy.fill(&mut id)?;
        let jti = URL_SAFE_NO_PAD.encode(id);
        let claims = Claims::of(subject, &self.url, audience, jti, iat, iat.saturating_add(seconds))?;
        let payload = serde_json::to_vec(&claims)
            .map_err(|_| IssueError::Subject { why: "a number in its metadata is not one" })?;
        let token = self.key.sign(&payload)?;
        if token.len() > MAX_TOKEN_BYTES {
            return Err(IssueError::TooLong);
        }
        Ok(token)
    }

    /// Verifies a token for [`Audience::App`]; see [`Issuer::verify_for`].
    ///
    /// # Errors
    /// As [`Issuer::verify_for`].
    pub fn verify(&self, token: &str, now_micros: i64) -> Result<Verified, TokenError> {
        self.verify_for(token, Audience::App, now_micros)
    }

    /// Verifies a token: form, type, algorithm, key, signature, claims, issuer, audience and time,
    /// in this order. Nothing of a token is believed before its signature is checked.
    ///
    /// # Errors
    /// The first thing that is wrong. Log its code; tell the caller only [`TokenError::told`].
    pub fn verify_for(&self, token: &str, audience: Audience, now_micros: i64) -> Result<Verified, TokenError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(TokenError::TooLong);
        }
        let payload = self.key.open_token(token)?;
        let claims: Claims = serde_json::from_slice(&payload).map_err(|_| TokenError::Claims)?;
        if claims.iss != self.url {
            return Err(TokenError::Issuer);
        }
        if claims.aud != audience.name() || claims.context != audience.name() {
            return Err(TokenError::Audience);
        }
        let micros = |seconds: i64| seconds.checked_mul(MICROS).ok_or(TokenError::Claims);
        let (issued_at_micros, expires_micros) = (micros(claims.iat)?, micros(claims.exp)?);
        let not_before = micros(claims.nbf.unwrap_or(claims.iat).max(claims.iat))?;
        let longest = i64::try_from(MAX_LIFETIME.as_micros()).unwrap_or(i64::MAX);
        if expires_micros.saturating_sub(issued_at_micros) > longest {
            return Err(TokenError::Claims);
        }
        if now_micros >= expires_micros {
            return Err(TokenError::Expired);
        }
        if now_micros < not_before.saturating_sub(LEEWAY_SECONDS * MICROS) {
            return Err(TokenError::NotYet);
        }
        let jti = claims.jti.clone();
        let principal = claims.principal().ok_or(TokenError::Claims)?;
        Ok(Verified { principal, audience, jti, issued_at_micros, expires_micros })
    }

    pub(crate) fn now_seconds(&self) -> i64 {
        self.clock.now_micros().div_euclid(MICROS)
    }

    pub(crate) fn entropy(&self) -> &dyn Entropy {
        self.entropy.as_ref()
    }

    pub(crate) fn sign(&self, payload: &[u8]) -> Result<String, IssueError> {
        self.key.sign(payload)
    }

    pub(crate) fn open_token(&self, token: &str) -> Result<Vec<u8>, TokenError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(TokenError::TooLong);
        }
        self.key.open_token(token)
    }
}
