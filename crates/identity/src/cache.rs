//! Tokens that were verified lately.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use aws_lc_rs::digest::{SHA256, digest};
use moka::sync::Cache;

use crate::{Audience, Issuer, Verified};

/// A verified token and what the caller attached to it.
#[derive(Debug)]
pub struct Cached<T> {
    /// What the token says.
    pub verified: Verified,
    /// For example the principal bound to a version of the policy.
    pub attached: T,
    /// The number of the last change of rights that it was held against.
    held_against: AtomicI64,
}

/// Remembers verified tokens, so that a signature is checked once per token and not once per call.
///
/// The key is the SHA-256 of the whole token, signature included, together with the audience: a
/// token that differs in one bit is verified anew. An entry is never answered after its token's
/// end, nor after the rights that it stands for were changed: each answer compares one number, and only
/// when somebody's rights changed since, the token's own. The least used entries leave when there are too
/// many.
pub struct VerifiedCache<T> {
    entries: Cache<([u8; 32], Audience), Arc<Cached<T>>>,
    issuer: Arc<Issuer>,
}

impl<T> std::fmt::Debug for VerifiedCache<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VerifiedCache").finish_non_exhaustive()
    }
}

impl<T: Send + Sync + 'static> VerifiedCache<T> {
    /// A cache of at most `capacity` tokens of this issuer.
    #[must_use]
    pub fn new(capacity: u64, issuer: Arc<Issuer>) -> VerifiedCache<T> {
        VerifiedCache { entries: Cache::new(capacity), issuer }
    }

    /// What is known of a token, unless it has ended by now (microseconds since 1970 UTC), or it may not
    /// hold any more: then verify it, which says why.
    #[must_use]
    pub fn get(&self, token: &str, audience: Audience, now_micros: i64) -> Option<Arc<Cached<T>>> {
        let key = (hash(token)?, audience);
        let cached = self.entries.get(&key)?;
        if now_micros >= cached.verified.expires_micros {
            self.entries.invalidate(&key);
            return None;
        }
        let known = self.issuer.settled()?;
        if known != cached.held_against.load(Ordering::Acquire) {
            if !self.issuer.still_holds(&cached.verified) {
                self.entries.invalidate(&key);
                return None;
            }
            cached.held_against.store(known, Ordering::Release);
        }
        Some(cached)
    }

    /// Remembers a token that [`Issuer::verify_for`](crate::Issuer::verify_for) just accepted, in
    /// place of what was attached to it before.
    pub fn insert(&self, token: &str, verified: Verified, attached: T) -> Arc<Cached<T>> {
        let audience = verified.audience;
        let held_against = AtomicI64::new(verified.held_against);
        let cached = Arc::new(Cached { verified, attached, held_against });
        if let Some(hash) = hash(token) {
            self.entries.insert((hash, audience), Arc::clone(&cached));
        }
        cached
    }

    /// Forgets everything, for example when a policy or a membership changed.
    pub fn clear(&self) {
        self.entries.invalidate_all();
    }
}

fn hash(token: &str) -> Option<[u8; 32]> {
    digest(&SHA256, token.as_bytes()).as_ref().try_into().ok()
}
