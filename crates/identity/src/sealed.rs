//! Secrets at rest: sealed with a key of the installation that is not in the database (AES-256-GCM, NIST
//! SP 800-38D), and bound to the place where they lie, so that one row's secret does not open in another.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::{hkdf, hmac};
use tenantry_policy::Entropy;
use tenantry_store::Store;

use crate::{Identity, Refusal};

/// The key's name in the key file.
const KEY: &str = "identity-seal";

/// The first byte of what is sealed so.
const VERSION: u8 = 1;

/// Seals a secret for a place: the table and the row's id.
///
/// # Errors
/// Without randomness or key.
pub(crate) fn seal(
    store: &Store,
    entropy: &dyn Entropy,
    table: &str,
    id: &str,
    secret: &[u8],
) -> Result<Vec<u8>, Refusal> {
    let mut nonce = [0_u8; NONCE_LEN];
    entropy.fill(&mut nonce)?;
    let mut sealed = Vec::with_capacity(1 + NONCE_LEN + secret.len() + AES_256_GCM.tag_len());
    sealed.push(VERSION);
    sealed.extend_from_slice(&nonce);
    let mut body = secret.to_vec();
    key(store)?
        .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(place(table, id)), &mut body)
        .map_err(|_| Refusal::Internal("a secret could not be sealed"))?;
    sealed.append(&mut body);
    Ok(sealed)
}

/// Opens what was sealed for that place.
///
/// # Errors
/// [`Refusal::Internal`] when it was sealed for another place, with another key, or changed since.
pub(crate) fn open(store: &Store, table: &str, id: &str, sealed: &[u8]) -> Result<Vec<u8>, Refusal> {
    const BROKEN: Refusal = Refusal::Internal("a sealed secret does not open");
    let (version, rest) = sealed.split_first().ok_or(BROKEN)?;
    if *version != VERSION || rest.len() < NONCE_LEN {
        return Err(BROKEN);
    }
    let (nonce, body) = rest.split_at(NONCE_LEN);
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| BROKEN)?;
    let mut body = body.to_vec();
    let opened = key(store)?.open_in_place(nonce, Aad::from(place(table, id)), &mut body).map_err(|_| BROKEN)?;
    let length = opened.len();
    body.truncate(length);
    Ok(body)
}

impl Identity {
    /// [`seal`] with this installation's key.
    pub(crate) fn seal(&self, table: &str, id: &str, secret: &[u8]) -> Result<Vec<u8>, Refusal> {
        seal(&self.store, self.entropy.as_ref(), table, id, secret)
    }

    /// [`open`] with this installation's key.
    pub(crate) fn open_sealed(&self, table: &str, id: &str, sealed: &[u8]) -> Result<Vec<u8>, Refusal> {
        open(&self.store, table, id, sealed)
    }
}

impl Identity {
    /// A key of the installation for something else than sealing: the same on every server, since it follows from
    /// the one that all of them have (HKDF, RFC 5869).
    pub(crate) fn derived_key(&self, purpose: &'static str) -> Result<hmac::Key, Refusal> {
        const BROKEN: Refusal = Refusal::Internal("a key could not be derived");
        let secret = self.store.secret(KEY, AES_256_GCM.key_len())?;
        let derived = hkdf::Salt::new(hkdf::HKDF_SHA256, b"tenantry").extract(&secret);
        let purpose = [purpose.as_bytes()];
        let derived = derived.expand(&purpose, hmac::HMAC_SHA256).map_err(|_| BROKEN)?;
        Ok(hmac::Key::from(derived))
    }
}

fn key(store: &Store) -> Result<LessSafeKey, Refusal> {
    let secret = store.secret(KEY, AES_256_GCM.key_len())?;
    let key = UnboundKey::new(&AES_256_GCM, &secret).map_err(|_| Refusal::Internal("the sealing key does not fit"))?;
    Ok(LessSafeKey::new(key))
}

fn place(table: &str, id: &str) -> Vec<u8> {
    [table.as_bytes(), b"/", id.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tenantry_policy::Clock;
    use tenantry_store::{Options, StoreUrl};

    use super::*;

    #[derive(Debug)]
    struct Still;

    impl Clock for Still {
        fn now_micros(&self) -> i64 {
            1
        }

        fn monotonic(&self) -> std::time::Duration {
            std::time::Duration::ZERO
        }
    }

    #[derive(Debug)]
    struct Counting(std::sync::atomic::AtomicU8);

    impl Entropy for Counting {
        fn fill(&self, bytes: &mut [u8]) -> Result<(), tenantry_policy::ambient::NoEntropy> {
            for byte in bytes {
                *byte = self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            }
            Ok(())
        }
    }

    #[tokio::test]
    async fn a_secret_opens_only_where_it_lies() {
        let entropy: Arc<dyn Entropy> = Arc::new(Counting(std::sync::atomic::AtomicU8::new(0)));
        let options = Options { clock: Arc::new(Still), entropy: Arc::clone(&entropy), key_file: None };
        let store = Store::open(&StoreUrl::Memory, options).await.unwrap();
        let sealed = seal(&store, entropy.as_ref(), "client", "a", b"secret").unwrap();
        assert!(!sealed.windows(6).any(|part| part == b"secret"));
        assert_ne!(sealed, seal(&store, entropy.as_ref(), "client", "a", b"secret").unwrap());
        assert_eq!(open(&store, "client", "a", &sealed).unwrap(), b"secret");
        assert!(open(&store, "client", "b", &sealed).is_err());
        assert!(open(&store, "connection", "a", &sealed).is_err());
        for changed in 0..sealed.len() {
            let mut sealed = sealed.clone();
            sealed[changed] ^= 1;
            assert!(open(&store, "client", "a", &sealed).is_err());
        }
        assert!(open(&store, "client", "a", &[]).is_err());
    }
}
