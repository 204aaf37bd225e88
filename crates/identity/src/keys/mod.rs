//! The keys that sign tokens: which one signs, which ones verify, and how they take turns.
//!
//! Of each algorithm one key is `current` and signs, one is `next` and stands ready, published already, so
//! that whoever verifies tokens has it before the first token comes. `previous` ones verify until the last
//! of their tokens has ended; `revoked` ones verify nothing. Servers that share a store share the keys.

mod certificate;
mod key;
mod operate;
mod rotate;

use std::sync::Arc;

use arc_swap::{ArcSwap, ArcSwapOption};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use tenantry_policy::{Clock, Entropy};
use tenantry_store::identity::signing_keys::SigningKey as Row;
use tenantry_store::{BatchError, Store, Subject};

use crate::{IssueError, Refusal, TokenError, sealed};

pub use certificate::KeyCertificate;
pub(crate) use key::Key;
pub use key::{Algorithm, Form};
pub use rotate::{PUBLISHED_BEFORE_USE, Rotated};

/// Where private keys lie, for their seal.
const SEALED: &str = "signing_key";

/// The name under which the key file of earlier versions keeps an ES256 key, as PKCS#8.
const FIRST_ES256: &str = "token-es256";

/// A token's header. Strict: a header with anything else in it (`jwk`, `jku`, `x5c`, `crit`, …)
/// refuses the token.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    typ: String,
    kid: String,
}

/// Where a key is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Published, and not used yet.
    Next,
    /// It signs.
    Current,
    /// It signed, and its tokens still hold.
    Previous,
    /// Its tokens hold no more.
    Revoked,
}

impl State {
    /// The word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            State::Next => "next",
            State::Current => "current",
            State::Previous => "previous",
            State::Revoked => "revoked",
        }
    }

    fn parse(name: &str) -> Option<State> {
        [State::Next, State::Current, State::Previous, State::Revoked].into_iter().find(|state| state.name() == name)
    }
}

/// What is known of a key without its private part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyInfo {
    /// Its thumbprint (RFC 7638).
    pub kid: String,
    /// What it signs with.
    pub algorithm: Algorithm,
    /// Where it is in its life.
    pub state: State,
    /// The public part, a JWK.
    pub jwk: String,
    /// Microseconds since 1970 UTC.
    pub created_micros: i64,
    /// Since when it is in its state, microseconds since 1970 UTC.
    pub state_micros: i64,
}

/// The keys as last read.
struct Ring {
    /// Those that verify: all but the revoked.
    keys: Vec<Arc<Key>>,
    rs256: Arc<Key>,
    es256: Arc<Key>,
    infos: Vec<KeyInfo>,
    /// Key sets (RFC 7517, section 5) of the RSA keys and of the others.
    jwks: Arc<str>,
    jwks_own: Arc<str>,
    /// The number of the change of keys that it was read after.
    number: i64,
}

/// The keys of an installation.
pub(crate) struct Keys {
    pub(crate) store: Store,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    ring: ArcSwap<Ring>,
    /// The certificate of the RS256 key of this name, made when first asked for.
    certificate: ArcSwapOption<(String, KeyCertificate)>,
}

impl Keys {
    /// Reads the keys; makes those that sign when there are none.
    pub(crate) async fn open(
        store: &Store,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Keys, IssueError> {
        let ring = read(store, clock.as_ref(), entropy.as_ref()).await?;
        Ok(Keys {
            store: store.clone(),
            clock,
            entropy,
            ring: ArcSwap::from_pointee(ring),
            certificate: ArcSwapOption::empty(),
        })
    }

    /// Reads them again.
    pub(crate) async fn reload(&self) -> Result<(), IssueError> {
        let ring = read(&self.store, self.clock.as_ref(), self.entropy.as_ref()).await?;
        self.ring.store(Arc::new(ring));
        Ok(())
    }

    /// Reads them again if somebody changed them since.
    pub(crate) async fn reload_if_changed(&self) -> Result<(), IssueError> {
        let number = self.store.epochs().last_change(&Subject::SigningKeys).unwrap_or_default();
        if number > self.ring.load().number { self.reload().await } else { Ok(()) }
    }

    /// The key that signs with this algorithm.
    pub(crate) fn current(&self, algorithm: Algorithm) -> Arc<Key> {
        let ring = self.ring.load();
        match algorithm {
            Algorithm::Rs256 => Arc::clone(&ring.rs256),
            Algorithm::Es256 => Arc::clone(&ring.es256),
        }
    }

    /// The certificate of the RS256 key that signs.
    pub(crate) fn certificate(&self, host: &str) -> Option<KeyCertificate> {
        let key = self.current(Algorithm::Rs256);
        if let Some(made) = self.certificate.load().as_ref().filter(|made| made.0 == key.kid) {
            return Some(made.1.clone());
        }
        let made = certificate::certificate(&key, host)?;
        self.certificate.store(Some(Arc::new((key.kid.clone(), made.clone()))));
        Some(made)
    }

    pub(crate) fn jwks(&self) -> Arc<str> {
        Arc::clone(&self.ring.load().jwks)
    }

    pub(crate) fn jwks_own(&self) -> Arc<str> {
        Arc::clone(&self.ring.load().jwks_own)
    }

    pub(crate) fn infos(&self) -> Vec<KeyInfo> {
        self.ring.load().infos.clone()
    }

    /// Checks header and signature and answers the payload. Algorithm and form are never taken from the
    /// token: the header must name those of the key and those that are expected here.
    pub(crate) fn open_token(
        &self,
        token: &str,
        algorithms: &[Algorithm],
        forms: &[Form],
    ) -> Result<Vec<u8>, TokenError> {
        let (signed, signature) = token.rsplit_once('.').ok_or(TokenError::Malformed)?;
        let (header, payload) = signed.split_once('.').ok_or(TokenError::Malformed)?;
        if payload.contains('.') {
            return Err(TokenError::Malformed);
        }
        let header = URL_SAFE_NO_PAD.decode(header).map_err(|_| TokenError::Malformed)?;
        let header: Header = serde_json::from_slice(&header).map_err(|_| TokenError::Malformed)?;
        let algorithm = Algorithm::parse(&header.alg).filter(|algorithm| algorithms.contains(algorithm));
        let algorithm = algorithm.ok_or(TokenError::Algorithm)?;
        if !forms.iter().any(|form| header.typ == form.name()) {
            return Err(TokenError::Type);
        }
        let ring = self.ring.load();
        let key = ring.keys.iter().find(|key| key.kid == header.kid).ok_or(TokenError::Key)?;
        // INVARIANT: a key verifies with its own algorithm only.
        if key.algorithm != algorithm {
            return Err(TokenError::Algorithm);
        }
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| TokenError::Malformed)?;
        if !key.fits(signed.as_bytes(), &signature) {
            return Err(TokenError::Signature);
        }
        URL_SAFE_NO_PAD.decode(payload).map_err(|_| TokenError::Malformed)
    }
}

/// Reads the keys of the store, after making sure that each algorithm has one that signs.
async fn read(store: &Store, clock: &dyn Clock, entropy: &dyn Entropy) -> Result<Ring, IssueError> {
    // Before the rows: what changes in between is then read again.
    let number = store.epochs().last_change(&Subject::SigningKeys).unwrap_or_default();
    let mut rows = store.signing_keys().await?;
    for algorithm in Algorithm::ALL {
        let signs = |row: &Row| row.algorithm == algorithm.name() && row.state == State::Current.name();
        if !rows.iter().any(signs) {
            let pkcs8 = match algorithm {
                Algorithm::Es256 => store.secret_or_make(FIRST_ES256, key::generate_es256)?,
                Algorithm::Rs256 => key::generate(algorithm, entropy)?,
            };
            let row = new_row(store, clock, entropy, algorithm, State::Current, &pkcs8)?;
            let mut batch = store.batch();
            batch.insert_signing_key(&row);
            match store.commit(batch).await {
                // Another server was faster: its key is as good.
                Ok(_) | Err(BatchError::Duplicate(_)) => {}
                Err(BatchError::Store(error)) => return Err(IssueError::Store(error)),
                Err(_) => return Err(IssueError::Key),
            }
            rows = store.signing_keys().await?;
        }
    }
    let mut keys = Vec::new();
    let mut infos = Vec::new();
    let (mut rs256, mut es256) = (None, None);
    for row in rows {
        // What a newer Tenantry wrote is not for this one.
        let (Some(algorithm), Some(state)) = (Algorithm::parse(&row.algorithm), State::parse(&row.state)) else {
            continue;
        };
        infos.push(KeyInfo {
            kid: row.kid.clone(),
            algorithm,
            state,
            jwk: row.public.clone(),
            created_micros: row.created_micros,
            state_micros: row.state_micros,
        });
        if state == State::Revoked {
            continue;
        }
        let opened =
            Arc::new(Key::open(algorithm, &sealed::open(store, SEALED, &row.kid, &row.private).map_err(unsealed)?)?);
        if opened.kid != row.kid {
            return Err(IssueError::Key);
        }
        if state == State::Current {
            match algorithm {
                Algorithm::Rs256 => rs256 = Some(Arc::clone(&opened)),
                Algorithm::Es256 => es256 = Some(Arc::clone(&opened)),
            }
        }
        keys.push(opened);
    }
    let set = |wanted: Algorithm| {
        let jwks: Vec<&str> = keys.iter().filter(|key| key.algorithm == wanted).map(|key| key.jwk.as_str()).collect();
        Arc::from([r#"{"keys":["#, &jwks.join(","), "]}"].concat())
    };
    let (jwks, jwks_own) = (set(Algorithm::Rs256), set(Algorithm::Es256));
    let (rs256, es256) = (rs256.ok_or(IssueError::Key)?, es256.ok_or(IssueError::Key)?);
    Ok(Ring { jwks, jwks_own, keys, rs256, es256, infos, number })
}

fn new_row(
    store: &Store,
    clock: &dyn Clock,
    entropy: &dyn Entropy,
    algorithm: Algorithm,
    state: State,
    pkcs8: &[u8],
) -> Result<Row, IssueError> {
    let key = Key::open(algorithm, pkcs8)?;
    let now = clock.now_micros();
    Ok(Row {
        private: sealed::seal(store, entropy, SEALED, &key.kid, pkcs8).map_err(unsealed)?,
        public: key.jwk.clone(),
        kid: key.kid,
        algorithm: algorithm.name().to_owned(),
        state: state.name().to_owned(),
        created_micros: now,
        state_micros: now,
    })
}

fn unsealed(refusal: Refusal) -> IssueError {
    match refusal {
        Refusal::Store(error) => IssueError::Store(error),
        Refusal::Entropy(error) => IssueError::Entropy(error),
        _ => IssueError::Key,
    }
}
