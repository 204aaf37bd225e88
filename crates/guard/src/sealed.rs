//! What waits for an approval, sealed: the store keeps the exact arguments for days, and they may hold
//! values of fields that nobody is shown in clear.
//!
//! AES-256-GCM with a key of the installation, which is never in the store's database. The account and
//! the request's id are authenticated with it, so the content of one request never opens as another's.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use sha2::{Digest, Sha256};
use tenantry_policy::Entropy;

/// Seals and opens the content of approval requests.
pub(crate) struct Sealed {
    key: LessSafeKey,
}

impl Sealed {
    /// From the installation's 32-byte key; `None` when it has another length.
    pub(crate) fn new(key: &[u8]) -> Option<Sealed> {
        Some(Sealed { key: LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).ok()?) })
    }

    /// The content as the store keeps it; `None` without randomness.
    pub(crate) fn seal(&self, account: &str, id: &str, content: &[u8], entropy: &dyn Entropy) -> Option<Vec<u8>> {
        let mut nonce = [0_u8; NONCE_LEN];
        entropy.fill(&mut nonce).ok()?;
        let mut sealed = content.to_vec();
        let (aad, nonce_for_key) = (Aad::from(owner(account, id)), Nonce::assume_unique_for_key(nonce));
        self.key.seal_in_place_append_tag(nonce_for_key, aad, &mut sealed).ok()?;
        Some([nonce.as_slice(), &sealed].concat())
    }

    /// The content of a request; `None` when it was not sealed for this very request.
    pub(crate) fn open(&self, account: &str, id: &str, kept: &[u8]) -> Option<Vec<u8>> {
        let (nonce, sealed) = kept.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut sealed = sealed.to_vec();
        self.key.open_in_place(nonce, Aad::from(owner(account, id)), &mut sealed).ok().map(|content| content.to_vec())
    }
}

fn owner(account: &str, id: &str) -> [u8; 32] {
    let mut digest = Sha256::new();
    for part in [account, id] {
        digest.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        digest.update(part.as_bytes());
    }
    digest.finalize().into()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU8, Ordering};

    use tenantry_policy::ambient::NoEntropy;

    use super::*;

    #[derive(Default)]
    struct Counted(AtomicU8);

    impl Entropy for Counted {
        fn fill(&self, bytes: &mut [u8]) -> Result<(), NoEntropy> {
            bytes.fill(self.0.fetch_add(1, Ordering::SeqCst));
            Ok(())
        }
    }

    #[test]
    fn content_opens_only_as_what_it_was_sealed_for() {
        let (seals, entropy) = (Sealed::new(&[7; 32]).unwrap(), Counted::default());
        let kept = seals.seal("acme", "apr_1", b"{\"iban\":\"DE02\"}", &entropy).unwrap();
        assert!(!kept.windows(4).any(|part| part == b"DE02"));
        assert_eq!(seals.open("acme", "apr_1", &kept).unwrap(), b"{\"iban\":\"DE02\"}");
        assert_eq!(seals.open("acme", "apr_2", &kept), None);
        assert_eq!(seals.open("globex", "apr_1", &kept), None);
        assert_eq!(seals.open("acmea", "pr_1", &kept), None);
        for at in 0..kept.len() {
            let mut changed = kept.clone();
            changed[at] ^= 1;
            assert_eq!(seals.open("acme", "apr_1", &changed), None, "{at}");
        }
        assert_eq!(seals.open("acme", "apr_1", &kept[..5]), None);
        assert_ne!(seals.seal("acme", "apr_1", b"", &entropy), seals.seal("acme", "apr_1", b"", &entropy));
        assert!(Sealed::new(&[7; 31]).is_none());
    }
}
