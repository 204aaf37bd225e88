//! Making and verifying tokens.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tenantry_policy::{Clock, Entropy, Principal};
use tenantry_store::{Store, Subject as Affected};

use crate::claims::{Claims, MACHINE, Made};
use crate::keys::{Algorithm, Form, KeyCertificate, KeyInfo, Keys, Rotated};
use crate::{Audience, IssueError, Subject, TokenError};

/// The longest life of a token for our own APIs. Here no token is accepted for longer, whatever it says.
pub const MAX_LIFETIME: Duration = Duration::from_hours(24);

/// The longest token, in bytes.
pub const MAX_TOKEN_BYTES: usize = 16 * 1024;

/// How far another server's clock may be ahead of ours before its tokens count as from the future.
/// Expiry has no leeway.
pub const LEEWAY_SECONDS: i64 = 5;

pub(crate) const MICROS: i64 = 1_000_000;

/// Makes and verifies this installation's tokens.
pub struct Issuer {
    url: String,
    keys: Keys,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl std::fmt::Debug for Issuer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Issuer").field("url", &self.url).finish_non_exhaustive()
    }
}

/// What a verified token says.
#[derive(Debug, Clone, PartialEq)]
pub struct Verified {
    /// Who asks.
    pub principal: Principal,
    /// The context that the token is for.
    pub audience: Audience,
    /// The account's id, where the account is one of the store's.
    pub org: Option<String>,
    /// What the roles permitted in the context.
    pub permissions: Vec<String>,
    /// What was asked for and granted, separated by spaces.
    pub scope: Option<String>,
    /// The token's id.
    pub jti: String,
    /// When it was made, microseconds since 1970 UTC.
    pub issued_at_micros: i64,
    /// When it ends, microseconds since 1970 UTC; at this moment it is already refused.
    pub expires_micros: i64,
    /// Who acts for the user, the latest first.
    pub(crate) actors: Arc<[String]>,
    /// What the token rests on: a change of any of these after `epoch` ends it.
    pub(crate) rests_on: Arc<[Affected]>,
    pub(crate) epoch: i64,
    /// The number of the last change known when it was verified.
    pub(crate) held_against: i64,
}

impl Issuer {
    /// The issuer of that address (`https://host[:port]/`, ending with a slash, which is added when
    /// missing). Its keys are made once per installation, and shared by the servers that share the store.
    ///
    /// # Errors
    /// [`IssueError::Issuer`] for a text that is no address; otherwise when the keys cannot be read,
    /// made or kept.
    pub async fn open(
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
        let keys = Keys::open(store, Arc::clone(&clock), Arc::clone(&entropy)).await?;
        Ok(Issuer { url, keys, clock, entropy })
    }

    /// The claim `iss` of its tokens.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The public keys of the compatible issuer as a JWK set (RFC 7517, section 5), JSON. Only RSA keys:
    /// the Python client of that API reads every key of the set as one.
    #[must_use]
    pub fn jwks(&self) -> Arc<str> {
        self.keys.jwks()
    }

    /// The certificate of the RS256 key that signs, for clients that take the public key from one.
    #[must_use]
    pub fn certificate(&self) -> Option<KeyCertificate> {
        let host = self.url.split_once("://").map_or(self.url.as_str(), |(_, host)| host);
        self.keys.certificate(host.split(['/', ':']).next().unwrap_or(host))
    }

    /// The other public keys: those of our own contexts, and of APIs whose tokens are signed with ES256.
    #[must_use]
    pub fn jwks_own(&self) -> Arc<str> {
        self.keys.jwks_own()
    }

    /// The id of the key that signs with this algorithm.
    #[must_use]
    pub fn kid(&self, algorithm: Algorithm) -> String {
        self.keys.current(algorithm).kid.clone()
    }

    /// What is known of the keys, without their private parts; the newest first.
    #[must_use]
    pub fn keys(&self) -> Vec<KeyInfo> {
        self.keys.infos()
    }

    /// Lets the next key of this algorithm sign, when it has been published for long enough.
    ///
    /// # Errors
    /// When a key cannot be made or kept.
    pub async fn rotate(&self, algorithm: Algorithm) -> Result<Rotated, IssueError> {
        self.keys.rotate(algorithm).await
    }

    /// Takes a key out of force; its tokens are refused within a second. Answers whether there was one.
    ///
    /// # Errors
    /// [`IssueError::InUse`] for a key that signs.
    pub async fn revoke_key(&self, kid: &str) -> Result<bool, IssueError> {
        self.keys.revoke(kid).await
    }

    /// Makes sure that keys stand ready, and drops those whose tokens have all ended. The servers' own
    /// round calls it ([`Identity::watch`](crate::Identity::watch)).
    ///
    /// # Errors
    /// When a key cannot be made or kept.
    pub async fn prepare_keys(&self) -> Result<(), IssueError> {
        self.keys.prepare_next().await
    }

    /// Reads the keys again if another server changed them.
    ///
    /// # Errors
    /// The store's.
    pub async fn follow_keys(&self) -> Result<(), IssueError> {
        self.keys.reload_if_changed().await
    }

    /// An access token (RFC 9068) for the subject in one of our own contexts. `lifetime` is 1 s to
    /// [`MAX_LIFETIME`]; parts of a second are dropped.
    ///
    /// # Errors
    /// When lifetime or subject do not fit, or the token would be longer than [`MAX_TOKEN_BYTES`].
    pub fn issue(&self, subject: &Subject, lifetime: Duration, audience: Audience) -> Result<String, IssueError> {
        let made = self.made(lifetime, self.epoch())?;
        self.issue_made(subject, audience, made)
    }

    pub(crate) fn issue_made(&self, subject: &Subject, audience: Audience, made: Made) -> Result<String, IssueError> {
        let claims = Claims::of(subject, &self.url, audience, made)?;
        let payload = serde_json::to_vec(&claims)
            .map_err(|_| IssueError::Subject { why: "a number in its metadata is not one" })?;
        self.sign(Algorithm::Es256, Form::Access, &payload)
    }

    /// Verifies a token for [`Audience::App`]; see [`Issuer::verify_for`].
    ///
    /// # Errors
    /// As [`Issuer::verify_for`].
    pub fn verify(&self, token: &str, now_micros: i64) -> Result<Verified, TokenError> {
        self.verify_for(token, Audience::App, now_micros)
    }

    /// Verifies a token: form, type, algorithm, key, signature, claims, issuer, audience, time, and that
    /// nothing it rests on was changed since, in this order. Nothing of a token is believed before its
    /// signature is checked.
    ///
    /// # Errors
    /// The first thing that is wrong. Log its code; tell the caller only [`TokenError::told`].
    pub fn verify_for(&self, token: &str, audience: Audience, now_micros: i64) -> Result<Verified, TokenError> {
        let payload = self.open_token(token, &[Algorithm::Es256], &[Form::Access])?;
        let claims: Claims = serde_json::from_slice(&payload).map_err(|_| TokenError::Claims)?;
        if claims.iss != self.url {
            return Err(TokenError::Issuer);
        }
        if claims.aud != audience.name() || claims.context != audience.name() {
            return Err(TokenError::Audience);
        }
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
        let rests_on: Arc<[Affected]> = rests_on(&claims).into();
        let (jti, org, epoch) = (claims.jti.clone(), claims.org_id.clone(), claims.epoch);
        let (permissions, scope) = (claims.permissions.clone(), claims.scope.clone());
        let actors = claims.act.iter().flat_map(|act| act.actors()).map(str::to_owned).collect();
        let principal = claims.principal().ok_or(TokenError::Claims)?;
        let held_against = self.hold(&rests_on, epoch)?;
        Ok(Verified {
            principal,
            audience,
            org,
            permissions,
            scope,
            jti,
            issued_at_micros,
            expires_micros,
            actors,
            rests_on,
            epoch,
            held_against,
        })
    }

    /// The number of the last change of rights known, unless the store has not told for too long.
    pub(crate) fn settled(&self) -> Option<i64> {
        let epochs = self.keys.store.epochs();
        let known = epochs.number();
        epochs.is_fresh(self.clock.monotonic()).then_some(known)
    }

    /// Has nothing changed that this token rests on?
    pub(crate) fn still_holds(&self, verified: &Verified) -> bool {
        let epochs = self.keys.store.epochs();
        !verified.rests_on.iter().any(|subject| epochs.changed_after(verified.epoch, subject))
    }

    /// Refuses when any of these changed after that number; answers the number that they were held against.
    pub(crate) fn hold(&self, rests_on: &[Affected], epoch: i64) -> Result<i64, TokenError> {
        let known = self.settled().ok_or(TokenError::Unsettled)?;
        let epochs = self.keys.store.epochs();
        if rests_on.iter().any(|subject| epochs.changed_after(epoch, subject)) {
            return Err(TokenError::Revoked);
        }
        Ok(known)
    }

    /// The number of the last change of rights that this server knows: what a token made now carries.
    pub(crate) fn epoch(&self) -> i64 {
        self.keys.store.epochs().number()
    }

    /// Times, number and id of a token made now.
    pub(crate) fn made(&self, lifetime: Duration, epoch: i64) -> Result<Made, IssueError> {
        if lifetime < Duration::from_secs(1) || lifetime > MAX_LIFETIME {
            return Err(IssueError::Lifetime);
        }
        let seconds = i64::try_from(lifetime.as_secs()).map_err(|_| IssueError::Lifetime)?;
        let iat = self.now_seconds();
        Ok(Made { jti: self.new_id()?, iat, exp: iat.saturating_add(seconds), epoch })
    }

    pub(crate) fn now_seconds(&self) -> i64 {
        self.clock.now_micros().div_euclid(MICROS)
    }

    /// 128 random bits, base64url.
    pub(crate) fn new_id(&self) -> Result<String, IssueError> {
        let mut id = [0_u8; 16];
        self.entropy.fill(&mut id)?;
        Ok(URL_SAFE_NO_PAD.encode(id))
    }

    pub(crate) fn sign(&self, algorithm: Algorithm, form: Form, payload: &[u8]) -> Result<String, IssueError> {
        let token = self.keys.current(algorithm).sign(form, payload)?;
        if token.len() > MAX_TOKEN_BYTES {
            return Err(IssueError::TooLong);
        }
        Ok(token)
    }

    pub(crate) fn open_token(
        &self,
        token: &str,
        algorithms: &[Algorithm],
        forms: &[Form],
    ) -> Result<Vec<u8>, TokenError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(TokenError::TooLong);
        }
        self.keys.open_token(token, algorithms, forms)
    }
}

/// Seconds as microseconds.
pub(crate) fn micros(seconds: i64) -> Result<i64, TokenError> {
    seconds.checked_mul(MICROS).ok_or(TokenError::Claims)
}

/// What a token of our own contexts rests on.
fn rests_on(claims: &Claims) -> Vec<Affected> {
    let mut rests_on = vec![Affected::Token(claims.jti.clone()), Affected::Api(claims.aud.clone())];
    rests_on.push(person(&claims.sub));
    if let Some(client) = &claims.azp {
        rests_on.push(Affected::Client(client.clone()));
    }
    if let Some(org) = &claims.org_id {
        rests_on.push(Affected::Account(org.clone()));
        rests_on.push(Affected::Member { account: org.clone(), user: claims.sub.clone() });
    }
    if let Some(workspace) = claims.workspace() {
        rests_on.push(Affected::Workspace(workspace.to_owned()));
    }
    rests_on.extend(claims.role_ids.iter().cloned().map(Affected::Role));
    if let Some(act) = &claims.act {
        rests_on.extend(act.actors().into_iter().map(person));
    }
    rests_on
}

/// The user or client that a `sub` names.
pub(crate) fn person(sub: &str) -> Affected {
    match sub.strip_suffix(MACHINE) {
        Some(client) => Affected::Client(client.to_owned()),
        None => Affected::User(sub.to_owned()),
    }
}
