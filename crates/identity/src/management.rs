//! Tokens for the compatible Management API.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tenantry_store::Subject as Affected;

use crate::claims::MACHINE;
use crate::issuer::{LEEWAY_SECONDS, MICROS, micros};
use crate::keys::{Algorithm, Form};
use crate::{IssueError, Issuer, MAX_LIFETIME, Reach, TokenError};

/// The path that makes, after the issuer's address, the audience of the Management API.
const AUDIENCE_PATH: &str = "api/v2/";

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: String,
    aud: String,
    azp: &'a str,
    iat: i64,
    exp: i64,
    jti: String,
    scope: String,
    gty: &'static str,
}

/// What is read of such a token. Other claims may stand beside these, none of these twice.
#[derive(Deserialize)]
struct Read {
    iss: String,
    sub: String,
    aud: Audiences,
    azp: String,
    iat: i64,
    exp: i64,
    jti: String,
    #[serde(default)]
    scope: String,
    gty: String,
    #[serde(default)]
    org_id: Option<String>,
}

/// The claim `aud`: one name, or several (RFC 7519, section 4.1.3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Audiences {
    One(String),
    Many(Vec<String>),
}

impl Audiences {
    pub(crate) fn contains(&self, audience: &str) -> bool {
        self.iter().any(|known| known == audience)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        match self {
            Audiences::One(one) => std::slice::from_ref(one),
            Audiences::Many(many) => many.as_slice(),
        }
        .iter()
        .map(String::as_str)
    }
}

/// Whom a token for the Management API was made for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManagementToken {
    /// The client.
    pub client: String,
    /// What it may.
    pub reach: Reach,
}

/// The id of a token of the compatible dialect: the number of the last change of rights that its maker
/// knew, and random letters. So these tokens say nothing that others' do not.
pub(crate) fn numbered_id(epoch: i64, random: &str) -> String {
    [&epoch.to_string(), ".", random].concat()
}

/// The number in such an id; 0, after which every change counts, for any other.
pub(crate) fn number_of(jti: &str) -> i64 {
    jti.split_once('.').and_then(|(number, _)| number.parse().ok()).unwrap_or(0)
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
        let made = self.made(lifetime, self.epoch())?;
        let claims = Claims {
            iss: self.url(),
            sub: [client, MACHINE].concat(),
            aud: self.management_audience(),
            azp: client,
            iat: made.iat,
            exp: made.exp,
            jti: numbered_id(made.epoch, &made.jti),
            scope: scopes.join(" "),
            gty: "client-credentials",
        };
        let payload = serde_json::to_vec(&claims).map_err(|_| IssueError::Signing)?;
        self.sign(Algorithm::Rs256, Form::Plain, &payload)
    }

    /// Verifies such a token: made for a client acting for itself, and for this API among others.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn verify_management(&self, token: &str, now_micros: i64) -> Result<ManagementToken, TokenError> {
        let payload = self.open_token(token, &[Algorithm::Rs256], &[Form::Plain, Form::Access])?;
        let claims: Read = serde_json::from_slice(&payload).map_err(|_| TokenError::Claims)?;
        if claims.iss != self.url() {
            return Err(TokenError::Issuer);
        }
        let audience = self.management_audience();
        if !claims.aud.contains(&audience) {
            return Err(TokenError::Audience);
        }
        // INVARIANT: a user's token reaches nothing here, whatever its scope says.
        if claims.sub.strip_suffix(MACHINE) != Some(claims.azp.as_str()) || claims.gty != "client-credentials" {
            return Err(TokenError::Claims);
        }
        check_times(claims.iat, claims.exp, now_micros)?;
        let mut rests_on =
            vec![Affected::Token(claims.jti.clone()), Affected::Client(claims.azp.clone()), Affected::Api(audience)];
        rests_on.extend(claims.org_id.clone().map(Affected::Account));
        self.hold(&rests_on, number_of(&claims.jti))?;
        let permissions = claims.scope.split_ascii_whitespace().map(str::to_owned).collect();
        let reach = match claims.org_id {
            Some(account) => Reach::Account { account, workspace: None, permissions },
            None => Reach::Platform(permissions),
        };
        Ok(ManagementToken { client: claims.azp, reach })
    }
}

/// Refuses a token that has ended or comes from the future. Here none is accepted for longer than
/// [`MAX_LIFETIME`] after it was made, since changes of rights are not remembered for longer.
pub(crate) fn check_times(iat: i64, exp: i64, now_micros: i64) -> Result<(), TokenError> {
    let (issued, expires) = (micros(iat)?, micros(exp)?);
    let longest = i64::try_from(MAX_LIFETIME.as_micros()).unwrap_or(i64::MAX);
    if now_micros >= expires.min(issued.saturating_add(longest)) {
        return Err(TokenError::Expired);
    }
    if now_micros < issued.saturating_sub(LEEWAY_SECONDS * MICROS) {
        return Err(TokenError::NotYet);
    }
    Ok(())
}
