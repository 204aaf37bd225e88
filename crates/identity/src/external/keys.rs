//! The public keys of another issuer, kept and followed.
//!
//! They are fetched when the first token comes, and again when they are old or a token names a key that is
//! not among them: by one request at a time, and no more often than every ten seconds, however many tokens
//! with made-up keys arrive.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use jsonwebtoken::jwk::{AlgorithmParameters, Jwk, JwkSet, PublicKeyUse};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey};
use serde::Deserialize;
use tenantry_policy::Clock;
use tokio::sync::Mutex;

use crate::TokenError;
use crate::external::fetch::{self, FetchError, Place};
use crate::external::{ExternalIssuer, KeysAt};

/// After this time keys are fetched again, while the old ones are still used.
const OLD: Duration = Duration::from_mins(10);

/// After this time keys that cannot be fetched again are used no more.
const TOO_OLD: Duration = Duration::from_hours(24);

/// The shortest time between two attempts to fetch.
const BETWEEN: Duration = Duration::from_secs(10);

/// The fewest bytes of an RSA modulus: 2048 bits.
const RSA_BYTES: usize = 256;

struct Kept {
    keys: Vec<Jwk>,
    fetched: Duration,
}

struct Shared {
    issuer: String,
    place: Place,
    discovery: bool,
    clock: Arc<dyn Clock>,
    kept: ArcSwapOption<Kept>,
    /// When the last attempt began; one at a time.
    attempt: Mutex<Option<Duration>>,
    refreshing: AtomicBool,
}

/// The keys of one issuer.
pub(super) struct KeySet(Arc<Shared>);

#[derive(Deserialize)]
struct Discovered {
    issuer: String,
    jwks_uri: String,
}

impl KeySet {
    pub(super) fn new(issuer: &ExternalIssuer, clock: Arc<dyn Clock>) -> Result<KeySet, FetchError> {
        let (url, discovery) = match &issuer.keys {
            KeysAt::Url(url) => (url.clone(), false),
            // OpenID Connect Discovery, section 4.
            KeysAt::Discovery => {
                ([issuer.url.trim_end_matches('/'), "/.well-known/openid-configuration"].concat(), true)
            }
        };
        Ok(KeySet(Arc::new(Shared {
            issuer: issuer.url.clone(),
            place: Place::parse(&url)?,
            discovery,
            clock,
            kept: ArcSwapOption::empty(),
            attempt: Mutex::new(None),
            refreshing: AtomicBool::new(false),
        })))
    }

    /// The key that a token names.
    pub(super) async fn key(
        &self,
        kid: Option<&str>,
        alg: &str,
        algorithm: Algorithm,
    ) -> Result<DecodingKey, TokenError> {
        let shared = &self.0;
        let now = shared.clock.monotonic();
        let age = |kept: &Kept| now.saturating_sub(kept.fetched);
        let kept = shared.kept.load_full().filter(|kept| age(kept) < TOO_OLD);
        if let Some(kept) = &kept {
            if age(kept) > OLD {
                shared.refresh_behind();
            }
            if let Some(key) = find(&kept.keys, kid, alg, algorithm) {
                return Ok(key);
            }
        }
        // Unknown, or nothing there yet.
        let fetched = shared.fetch(kept.as_ref().map(|kept| kept.fetched)).await;
        let kept = match (fetched, kept) {
            (Ok(kept), _) => kept,
            // The keys that are there do not hold it, and there are no newer ones to be had.
            (Err(_), Some(_)) => return Err(TokenError::Key),
            (Err(error), None) => {
                tracing::warn!(issuer = %shared.issuer, %error, "an issuer's keys cannot be had");
                return Err(TokenError::Unsettled);
            }
        };
        find(&kept.keys, kid, alg, algorithm).ok_or(TokenError::Key)
    }
}

impl Shared {
    fn refresh_behind(self: &Arc<Self>) {
        if self.refreshing.swap(true, Ordering::AcqRel) {
            return;
        }
        let shared = Arc::clone(self);
        tokio::spawn(async move {
            let seen = shared.kept.load_full().map(|kept| kept.fetched);
            if let Err(error) = shared.fetch(seen).await {
                tracing::warn!(issuer = %shared.issuer, %error, "an issuer's keys could not be fetched again");
            }
            shared.refreshing.store(false, Ordering::Release);
        });
    }

    /// Fetches the keys, unless somebody did since `seen`, or tried a moment ago.
    async fn fetch(&self, seen: Option<Duration>) -> Result<Arc<Kept>, FetchError> {
        let mut attempt = self.attempt.lock().await;
        if let Some(kept) = self.kept.load_full()
            && Some(kept.fetched) != seen
        {
            return Ok(kept);
        }
        let now = self.clock.monotonic();
        if attempt.is_some_and(|last| now.saturating_sub(last) < BETWEEN) {
            return Err(FetchError::TooSoon);
        }
        *attempt = Some(now);
        let place = if self.discovery {
            let document = fetch::get(&self.place).await?;
            let found: Discovered = serde_json::from_slice(&document).map_err(|_| FetchError::Content)?;
            // OpenID Connect Discovery, section 4.3.
            if found.issuer != self.issuer {
                return Err(FetchError::OtherIssuer);
            }
            Place::parse(&found.jwks_uri)?
        } else {
            self.place.clone()
        };
        let document = fetch::get(&place).await?;
        let keys = read(&document).ok_or(FetchError::Content)?;
        let kept = Arc::new(Kept { keys, fetched: now });
        self.kept.store(Some(Arc::clone(&kept)));
        Ok(kept)
    }
}

/// The keys of a set; those of kinds that are not known are left out.
fn read(document: &[u8]) -> Option<Vec<Jwk>> {
    #[derive(Deserialize)]
    struct Loose {
        keys: Vec<serde_json::Value>,
    }
    if let Ok(set) = serde_json::from_slice::<JwkSet>(document) {
        return Some(set.keys);
    }
    let loose: Loose = serde_json::from_slice(document).ok()?;
    Some(loose.keys.into_iter().filter_map(|key| serde_json::from_value(key).ok()).collect())
}

/// The key of that name. Without a name there must be just one that could be meant.
fn find(keys: &[Jwk], kid: Option<&str>, alg: &str, algorithm: Algorithm) -> Option<DecodingKey> {
    let mut fitting = keys.iter().filter(|key| fits(key, alg, algorithm)).filter(|key| match kid {
        Some(kid) => key.common.key_id.as_deref() == Some(kid),
        None => true,
    });
    let (only, more) = (fitting.next()?, fitting.next());
    if more.is_some() {
        return None;
    }
    DecodingKey::from_jwk(only).ok()
}

/// May the key be used with this algorithm?
fn fits(key: &Jwk, alg: &str, algorithm: Algorithm) -> bool {
    let of_family = match (&key.algorithm, algorithm.family()) {
        (AlgorithmParameters::RSA(rsa), AlgorithmFamily::Rsa) => rsa.n.trim_end_matches('=').len() >= RSA_BYTES * 4 / 3,
        (AlgorithmParameters::EllipticCurve(_), AlgorithmFamily::Ec) => true,
        (AlgorithmParameters::OctetKeyPair(_), AlgorithmFamily::Ed) => true,
        // INVARIANT: a secret (`oct`) is never a key here, so no public key passes for one.
        _ => false,
    };
    let signs = matches!(key.common.public_key_use, None | Some(PublicKeyUse::Signature));
    let same = key.common.key_algorithm.is_none_or(|known| known.to_string() == alg);
    of_family && signs && same
}
