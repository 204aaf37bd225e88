//! Tokens for the compatible Management API.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::{IssueError, Issuer, Reach, TokenError};

/// The path that makes, after the issuer's address, the audience of the Management API.
const AUDIENCE_PATH: &str = "api/v2/";

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: String,
    azp: String,
    iat: i64,
    exp: i64,
    jti: String,
    scope: String,
    gty: String,
}

/// Whom a token for the Management API was made for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManagementToken {
    /// The client.
    pub client: String,
    /// What it may.
    pub reach: Reach,
}

impl Issuer {
    /// The audience of the Management API: the issuer's address and `api/v2/`.
    #[must_use]
    pub fn management_audience(&self) -> String {
        [self.url(), AUDIENCE_PATH].concat()
    }

    /// A token for a client that may do these things through the Management API.
    ///
    /// # Errors
    /// As [`Issuer::issue`].
    pub fn issue_management(&self, client: &str, scopes: &[&str], lifetime: Duration) -> Result<String, IssueError> {
        let seconds = i64::try_from(lifetime.as_secs()).map_err(|_| IssueError::Lifetime)?;
        let iat = self.now_seconds();
        let claims = Claims {
            iss: self.url().to_owned(),
            sub: [client, "@clients"].concat(),
            aud: self.management_audience(),
            azp: client.to_owned(),
            iat,
            exp: iat.saturating_add(seconds),
            jti: self.new_id()?,
            scope: scopes.join(" "),
            gty: "client-credentials".to_owned(),
        };
        let payload = serde_json::to_vec(&claims).map_err(|_| IssueError::Signing)?;
        self.sign(&payload)
    }

    /// Verifies such a token.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn verify_management(&self, token: &str, now_micros: i64) -> Result<ManagementToken, TokenError> {
        let payload = self.open_token(token)?;
        let claims: Claims = serde_json::from_slice(&payload).map_err(|_| TokenError::Claims)?;
        if claims.iss != self.url() {
            return Err(TokenError::Issuer);
        }
        if claims.aud != self.management_audience() {
            return Err(TokenError::Audience);
        }
        if now_micros.div_euclid(1_000_000) >= claims.exp {
            return Err(TokenError::Expired);
        }
        let permissions = claims.scope.split_ascii_whitespace().map(str::to_owned).collect();
        Ok(ManagementToken { client: claims.azp, reach: Reach::Platform(permissions) })
    }

    fn new_id(&self) -> Result<String, IssueError> {
        let mut id = [0_u8; 16];
        self.entropy().fill(&mut id)?;
        Ok(URL_SAFE_NO_PAD.encode(id))
    }
}
