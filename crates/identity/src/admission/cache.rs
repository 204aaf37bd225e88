//! Credentials that were admitted lately.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use aws_lc_rs::digest::{SHA256, digest};
use moka::sync::Cache;

use crate::Identity;
use crate::admission::Admitted;

/// An admitted credential and what the server attached to it.
#[derive(Debug)]
pub struct Admission<T> {
    /// What it admits to.
    pub admitted: Arc<Admitted>,
    /// For example the caller that it makes.
    pub attached: T,
    /// The number of the last change of rights that it was held against.
    held_against: AtomicI64,
}

/// Remembers admitted credentials.
///
/// The key is the SHA-256 of the whole credential. An entry is never answered after the credential's end, nor
/// after anything that it rests on was changed: each answer compares one number, and only when somebody's
/// rights changed since, the credential's own.
pub struct AdmissionCache<T> {
    entries: Cache<[u8; 32], Arc<Admission<T>>>,
    identity: Arc<Identity>,
}

impl<T> std::fmt::Debug for AdmissionCache<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AdmissionCache").finish_non_exhaustive()
    }
}

impl<T: Send + Sync + 'static> AdmissionCache<T> {
    /// A cache of at most `capacity` credentials.
    #[must_use]
    pub fn new(capacity: u64, identity: Arc<Identity>) -> AdmissionCache<T> {
        AdmissionCache { entries: Cache::new(capacity), identity }
    }

    /// What is known of a credential; nothing when it has ended by now, or may not hold any more.
    #[must_use]
    pub fn get(&self, credential: &str) -> Option<Arc<Admission<T>>> {
        let key = hash(credential)?;
        let admission = self.entries.get(&key)?;
        let settled = self.identity.issuer.settled()?;
        let now = self.identity.now();
        let ended = now >= admission.admitted.expires_micros || now >= admission.admitted.fresh_until;
        let known = admission.held_against.load(Ordering::Acquire) == settled;
        if ended || !(known || self.identity.unchanged(&admission.admitted)) {
            self.entries.invalidate(&key);
            return None;
        }
        if !known {
            admission.held_against.store(settled, Ordering::Release);
        }
        Some(admission)
    }

    /// Remembers what [`Identity::admit`] just answered.
    pub fn insert(&self, credential: &str, admitted: Arc<Admitted>, attached: T) -> Arc<Admission<T>> {
        let held_against = AtomicI64::new(admitted.known);
        let admission = Arc::new(Admission { admitted, attached, held_against });
        if let Some(key) = hash(credential) {
            self.entries.insert(key, Arc::clone(&admission));
        }
        admission
    }
}

fn hash(credential: &str) -> Option<[u8; 32]> {
    digest(&SHA256, credential.as_bytes()).as_ref().try_into().ok()
}
