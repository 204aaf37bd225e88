//! Access tokens of the compatible dialect.

use std::time::Duration;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use zeroize::Zeroizing;

use crate::apis::SECRETS;
use crate::claims::{Act, MACHINE};
use crate::clients::lookup::KnownApi;
use crate::keys::{Algorithm, Form};
use crate::management::{Audiences, numbered_id};
use crate::oauth::{OAuthError, OAuthKind};
use crate::{Identity, IssueError, MAX_LIFETIME, MAX_TOKEN_BYTES};

/// How the tokens of an API look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Dialect {
    /// RFC 9068.
    pub(crate) rfc9068: bool,
    /// With the claim `permissions`, where the API enforces policies.
    pub(crate) authz: bool,
}

impl Dialect {
    pub(crate) fn of(api: &KnownApi) -> Dialect {
        let name = api.text("token_dialect").unwrap_or("access_token");
        Dialect { rfc9068: name.starts_with("rfc9068_profile"), authz: name.ends_with("_authz") }
    }
}

/// What an access token is made from.
#[derive(Debug, Default)]
pub(crate) struct Content<'a> {
    /// The user; absent for a client that acts for itself.
    pub(crate) user: Option<&'a str>,
    pub(crate) client: &'a str,
    pub(crate) scope: Vec<String>,
    /// What is held on the API, whether or not it was asked for.
    pub(crate) permissions: Vec<String>,
    pub(crate) org: Option<(&'a str, Option<&'a str>)>,
    /// What kind of grant it was, where clients look at it.
    pub(crate) gty: Option<&'static str>,
    /// Also for `/userinfo`.
    pub(crate) openid: bool,
    pub(crate) act: Option<Act>,
    /// No longer than this, in seconds.
    pub(crate) at_most: Option<i64>,
    /// The number of the last change of rights, from before anything was read for it.
    pub(crate) epoch: i64,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: String,
    aud: Audiences,
    azp: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<&'a str>,
    iat: i64,
    exp: i64,
    jti: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gty: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    org_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    org_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    permissions: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    act: Option<Act>,
}

/// A token that was made.
#[derive(Debug)]
pub(crate) struct Minted {
    pub(crate) token: String,
    pub(crate) lifetime: i64,
    pub(crate) jti: String,
}

/// The longest life that an API can give its tokens: 30 days. Here no token is accepted after
/// [`MAX_LIFETIME`].
const LONGEST: i64 = 2_592_000;

impl Identity {
    /// An access token for an API, in the API's dialect and signed with its algorithm.
    pub(crate) fn mint(&self, api: &KnownApi, content: Content<'_>) -> Result<Minted, OAuthError> {
        let signer = match api.text("signing_alg").unwrap_or("RS256") {
            // The Management API's own tokens are verified by the compatible issuer's keys only.
            "ES256" if api.identifier != self.issuer.management_audience() => Signer::Key(Algorithm::Es256),
            "HS256" if api.identifier != self.issuer.management_audience() => Signer::Secret(self.signing_secret(api)?),
            "RS256" | "ES256" | "HS256" => Signer::Key(Algorithm::Rs256),
            other => {
                let why = format!("Tokens of this API are to be signed with {other}, which is not offered.");
                return Err(OAuthError::new(OAuthKind::InvalidRequest, why));
            }
        };
        let dialect = Dialect::of(api);
        let mut lifetime = api.lifetime(false).clamp(1, LONGEST);
        if let Some(most) = content.at_most {
            lifetime = lifetime.min(most).max(1);
        }
        let issuer = self.issuer.url();
        // Whoever has an API's secret can make its tokens: they are for that API only.
        let is_ours_alone = matches!(signer, Signer::Key(_));
        let audience = if content.openid && content.user.is_some() && is_ours_alone {
            Audiences::Many(vec![api.identifier.clone(), [issuer, "userinfo"].concat()])
        } else {
            Audiences::One(api.identifier.clone())
        };
        let iat = self.issuer.now_seconds();
        let jti = numbered_id(content.epoch, &self.issuer.new_id()?);
        let claims = Claims {
            iss: issuer,
            sub: content.user.map_or_else(|| [content.client, MACHINE].concat(), str::to_owned),
            aud: audience,
            azp: content.client,
            client_id: dialect.rfc9068.then_some(content.client),
            iat,
            exp: iat.saturating_add(lifetime),
            jti: jti.clone(),
            scope: (!content.scope.is_empty()).then(|| content.scope.join(" ")),
            gty: content.gty,
            org_id: content.org.map(|(id, _)| id),
            org_name: content.org.and_then(|(_, name)| name),
            permissions: (dialect.authz && api.flag("enforce_policies")).then_some(content.permissions),
            act: content.act,
        };
        let payload = serde_json::to_vec(&claims).map_err(|_| OAuthError::new(OAuthKind::Internal, "claims"))?;
        let form = if dialect.rfc9068 { Form::Access } else { Form::Plain };
        let token = match signer {
            Signer::Key(algorithm) => self.issuer.sign(algorithm, form, &payload)?,
            Signer::Secret(secret) => sign_shared(&secret, form, &payload)?,
        };
        Ok(Minted { token, lifetime, jti })
    }
}

/// What signs a token.
enum Signer {
    /// A key of ours.
    Key(Algorithm),
    /// The secret that we share with the API.
    Secret(Zeroizing<Vec<u8>>),
}

impl Identity {
    fn signing_secret(&self, api: &KnownApi) -> Result<Zeroizing<Vec<u8>>, OAuthError> {
        let sealed = api.secret.as_ref().ok_or_else(|| {
            OAuthError::new(OAuthKind::InvalidRequest, "This API has no secret that could sign its tokens.")
        })?;
        Ok(Zeroizing::new(self.open_sealed(SECRETS, &api.id, sealed)?))
    }
}

/// HMAC with SHA-256 (RFC 7518, section 3.2).
fn sign_shared(secret: &[u8], form: Form, payload: &[u8]) -> Result<String, OAuthError> {
    let header = serde_json::json!({ "alg": "HS256", "typ": form.name() }).to_string();
    let mut token = [&URL_SAFE_NO_PAD.encode(header), ".", &URL_SAFE_NO_PAD.encode(payload)].concat();
    let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), token.as_bytes());
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(signature, &mut token);
    if token.len() > MAX_TOKEN_BYTES {
        return Err(IssueError::TooLong.into());
    }
    Ok(token)
}

/// Seconds as the life of a token of our own contexts.
pub(crate) fn own_lifetime(seconds: i64) -> Duration {
    let seconds = u64::try_from(seconds.max(1)).unwrap_or(1);
    Duration::from_secs(seconds).min(MAX_LIFETIME)
}
