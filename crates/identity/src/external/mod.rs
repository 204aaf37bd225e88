//! Tokens of other issuers (Auth0, Keycloak, Cognito, …) for the data tools: who asks is then what that
//! issuer's token says, by the claims that the operator names.
//!
//! ```text
//! token -> which issuer does it name -> header (algorithm, key) -> key set -> signature -> claims -> Principal
//! ```
//! The issuer's name in a token that nobody has checked only chooses whose keys its signature must fit.
//! Nothing else is read of it before it does.

mod claims;
pub(crate) mod fetch;
mod keys;

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use serde::Deserialize;
use tenantry_policy::Clock;
use tenantry_store::Subject as Affected;

use crate::accounts::Status;
use crate::issuer::{LEEWAY_SECONDS, MAX_TOKEN_BYTES, MICROS, micros};
use crate::{Audience, Identity, TokenError, Verified};

pub use claims::{ClaimPath, ClaimPaths};
pub use fetch::FetchError;
use keys::KeySet;

/// How long a token that was verified is believed before it is held against the issuer's keys again.
const BELIEVED_MICROS: i64 = 300 * MICROS;

/// Where an issuer's keys are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeysAt {
    /// Where its `/.well-known/openid-configuration` says.
    Discovery,
    /// At this address.
    Url(String),
}

/// An issuer of tokens that are not ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExternalIssuer {
    /// What the operator calls it.
    pub name: String,
    /// Its claim `iss`, exactly.
    pub url: String,
    /// Where its keys are.
    pub keys: KeysAt,
    /// A token must be for one of these.
    pub audience: Vec<String>,
    /// The claim that names the audience: `aud`, and `client_id` for Cognito's access tokens.
    pub audience_claim: String,
    /// What its tokens may be signed with (RFC 7518, section 3.1). Never HS256 and its like.
    pub algorithms: Vec<String>,
    /// Which claims say who asks.
    pub claims: ClaimPaths,
    /// Claims that must have exactly these values: `token_use = "access"`.
    pub require: Vec<(ClaimPath, String)>,
}

/// Why an issuer cannot be used as it was described.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("issuer `{name}`: {why}")]
pub struct ExternalIssuerError {
    /// What the operator calls it.
    pub name: String,
    /// What is wrong.
    pub why: String,
}

/// The issuers whose tokens are taken besides our own.
pub struct ExternalIssuers {
    issuers: Vec<Known>,
    clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for ExternalIssuers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.issuers.iter().map(|known| &known.issuer.name)).finish()
    }
}

struct Known {
    issuer: ExternalIssuer,
    algorithms: Vec<Algorithm>,
    keys: KeySet,
}

/// Other members of the header do not matter, except one: what it calls critical must be understood, and
/// nothing is. Keys and addresses that it carries (`jwk`, `jku`, `x5u`, …) are never looked at.
#[derive(Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    kid: Option<String>,
    #[serde(default)]
    typ: Option<String>,
    #[serde(default)]
    crit: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct Named {
    iss: String,
}

impl ExternalIssuers {
    /// The issuers, checked. `own` is our own issuer's address, which no other may have.
    ///
    /// # Errors
    /// The first that cannot be used.
    pub fn new(
        issuers: Vec<ExternalIssuer>,
        own: &str,
        clock: Arc<dyn Clock>,
    ) -> Result<ExternalIssuers, ExternalIssuerError> {
        let mut known: Vec<Known> = Vec::with_capacity(issuers.len());
        for issuer in issuers {
            let wrong = |why: String| ExternalIssuerError { name: issuer.name.clone(), why };
            let bare = |url: &str| url.trim_end_matches('/').to_owned();
            if bare(&issuer.url) == bare(own) || known.iter().any(|other| bare(&other.issuer.url) == bare(&issuer.url))
            {
                return Err(wrong("its url is that of another issuer".to_owned()));
            }
            if issuer.audience.iter().all(String::is_empty) {
                return Err(wrong(
                    "it needs an audience: its tokens for others must not open anything here".to_owned(),
                ));
            }
            if issuer.algorithms.is_empty() {
                return Err(wrong("it needs the algorithms that its tokens may be signed with".to_owned()));
            }
            let algorithms = issuer.algorithms.iter().map(|name| algorithm(name).ok_or_else(|| name.clone()));
            let algorithms: Vec<Algorithm> = algorithms
                .collect::<Result<_, _>>()
                .map_err(|name| wrong(format!("`{name}` is not one of {}", ALGORITHMS.join(", "))))?;
            let keys = KeySet::new(&issuer, Arc::clone(&clock)).map_err(|error| wrong(error.to_string()))?;
            known.push(Known { issuer, algorithms, keys });
        }
        Ok(ExternalIssuers { issuers: known, clock })
    }

    /// Does the token say that one of these made it? Not believed: it only chooses who checks it.
    #[must_use]
    pub fn claims(&self, token: &str) -> bool {
        !self.issuers.is_empty() && self.named(token).is_some()
    }

    fn named(&self, token: &str) -> Option<&Known> {
        if token.len() > MAX_TOKEN_BYTES {
            return None;
        }
        let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
        let named: Named = serde_json::from_slice(&payload).ok()?;
        self.issuers.iter().find(|known| known.issuer.url == named.iss)
    }
}

const ALGORITHMS: [&str; 9] = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"];

fn algorithm(name: &str) -> Option<Algorithm> {
    if ALGORITHMS.contains(&name) { name.parse().ok() } else { None }
}

impl Identity {
    /// Verifies a token of one of these issuers and makes its principal, for the data tools.
    ///
    /// # Errors
    /// The first thing that is wrong. [`TokenError::Unsettled`] when the issuer's keys cannot be had.
    pub async fn verify_external(&self, issuers: &ExternalIssuers, token: &str) -> Result<Verified, TokenError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(TokenError::TooLong);
        }
        let known = issuers.named(token).ok_or(TokenError::Issuer)?;
        let (signed, signature) = token.rsplit_once('.').ok_or(TokenError::Malformed)?;
        let (header, payload) = signed.split_once('.').ok_or(TokenError::Malformed)?;
        if payload.contains('.') {
            return Err(TokenError::Malformed);
        }
        let header = URL_SAFE_NO_PAD.decode(header).map_err(|_| TokenError::Malformed)?;
        let header: Header = serde_json::from_slice(&header).map_err(|_| TokenError::Malformed)?;
        if header.crit.is_some() {
            return Err(TokenError::Malformed);
        }
        let typ = header.typ.as_deref().map(str::to_ascii_lowercase);
        if !matches!(typ.as_deref(), None | Some("jwt" | "at+jwt" | "application/at+jwt")) {
            return Err(TokenError::Type);
        }
        // INVARIANT: the algorithm is one that the operator named for this issuer.
        let algorithm = algorithm(&header.alg).filter(|one| known.algorithms.contains(one));
        let algorithm = algorithm.ok_or(TokenError::Algorithm)?;
        let key = known.keys.key(header.kid.as_deref(), &header.alg, algorithm).await?;
        match jsonwebtoken::crypto::verify(signature, signed.as_bytes(), &key, algorithm) {
            Ok(true) => {}
            Ok(false) => return Err(TokenError::Signature),
            Err(_) => return Err(TokenError::Malformed),
        }
        let payload = URL_SAFE_NO_PAD.decode(payload).map_err(|_| TokenError::Malformed)?;
        let claims = claims::read(&payload).ok_or(TokenError::Claims)?;
        let made = claims.checked(&known.issuer, issuers.clock.now_micros())?;
        self.hold_external(made).await
    }

    /// The account of the token, where it is one of the store's, must be active, and stay so.
    async fn hold_external(&self, made: claims::Made) -> Result<Verified, TokenError> {
        let epoch = self.issuer.settled().ok_or(TokenError::Unsettled)?;
        let mut rests_on: Vec<Affected> = Vec::new();
        let tenant = made.principal.tenant_id.as_deref().ok_or(TokenError::Claims)?;
        let account = self.store.account_of_tenant(tenant).await.map_err(|_| TokenError::Unsettled)?;
        if let Some(account) = &account {
            if Status::parse(&account.status) != Some(Status::Active) {
                return Err(TokenError::Revoked);
            }
            rests_on.push(Affected::Account(account.id.clone()));
        }
        let believed = self.now().saturating_add(BELIEVED_MICROS);
        Ok(Verified {
            principal: made.principal,
            audience: Audience::App,
            org: account.map(|account| account.id),
            permissions: Vec::new(),
            scope: None,
            jti: made.jti,
            issued_at_micros: made.issued_at_micros,
            expires_micros: made.expires_micros.min(believed),
            actors: Arc::from([]),
            rests_on: rests_on.into(),
            epoch,
            held_against: epoch,
        })
    }
}

/// Times of a claim set: `exp` is needed, and none may lie in the future but `exp`.
fn times(iat: Option<i64>, nbf: Option<i64>, exp: i64, now_micros: i64) -> Result<(i64, i64), TokenError> {
    let expires = micros(exp)?;
    if now_micros >= expires {
        return Err(TokenError::Expired);
    }
    let issued = iat.map(micros).transpose()?.unwrap_or(now_micros);
    let begins = nbf.map(micros).transpose()?.unwrap_or(issued).max(issued);
    if now_micros < begins.saturating_sub(LEEWAY_SECONDS * MICROS) {
        return Err(TokenError::NotYet);
    }
    Ok((issued, expires))
}
