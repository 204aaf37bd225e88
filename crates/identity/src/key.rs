//! The key that signs tokens: ES256 (ECDSA over P-256 with SHA-256; RFC 7518, section 3.4).

use aws_lc_rs::agreement::{ECDH_P256, PrivateKey};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::{Deserialize, Serialize};
use tenantry_policy::Entropy;
use tenantry_store::{Store, StoreError};

use crate::{IssueError, TokenError};

/// The name under which the key file keeps it, as PKCS#8.
const NAME: &str = "token-es256";

/// How often a random number is drawn until it is a key; the odds against one are 1 in 2^32.
const DRAWS: usize = 16;

/// A token's header. Strict: a header with anything else in it (`jwk`, `jku`, `x5c`, `crit`, …)
/// refuses the token.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    typ: String,
    kid: String,
}

#[derive(Serialize)]
struct Jwk<'a> {
    kty: &'static str,
    crv: &'static str,
    x: &'a str,
    y: &'a str,
    kid: &'a str,
    alg: &'static str,
    #[serde(rename = "use")]
    usage: &'static str,
}

#[derive(Serialize)]
struct Jwks<'a> {
    keys: [Jwk<'a>; 1],
}

/// The key, parsed once.
pub(crate) struct SigningKey {
    pair: EcdsaKeyPair,
    public: DecodingKey,
    kid: String,
    /// `base64url(header).`, the same for every token of this key.
    prefix: String,
    jwks: String,
}

impl SigningKey {
    /// Reads the installation's key, or makes it the first time.
    pub(crate) fn open(store: &Store) -> Result<SigningKey, IssueError> {
        let pkcs8 = store.secret_or_make(NAME, generate)?;
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &pkcs8).map_err(|_| IssueError::Key)?;
        // An uncompressed point: 0x04, then x and y of 32 bytes each (SEC 1, section 2.3.3).
        let point = pair.public_key().as_ref();
        let (x, y) = match point.split_first() {
            Some((4, rest)) if rest.len() == 64 => rest.split_at(32),
            _ => return Err(IssueError::Key),
        };
        let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
        // The thumbprint of RFC 7638, section 3: these members, in this order, without spaces.
        let members = [r#"{"crv":"P-256","kty":"EC","x":""#, &x, r#"","y":""#, &y, r#""}"#].concat();
        let kid = URL_SAFE_NO_PAD.encode(digest(&SHA256, members.as_bytes()));
        let header = Header { alg: "ES256".to_owned(), typ: "at+jwt".to_owned(), kid: kid.clone() };
        let header = serde_json::to_vec(&header).map_err(|_| IssueError::Key)?;
        let jwk = Jwk { kty: "EC", crv: "P-256", x: &x, y: &y, kid: &kid, alg: "ES256", usage: "sig" };
        let jwks = serde_json::to_string(&Jwks { keys: [jwk] }).map_err(|_| IssueError::Key)?;
        let public = DecodingKey::from_ec_components(&x, &y).map_err(|_| IssueError::Key)?;
        Ok(SigningKey { pair, public, kid, prefix: [&URL_SAFE_NO_PAD.encode(header), "."].concat(), jwks })
    }

    pub(crate) fn kid(&self) -> &str {
        &self.kid
    }

    pub(crate) fn jwks(&self) -> &str {
        &self.jwks
    }

    /// Signs a payload and puts the token together.
    pub(crate) fn sign(&self, payload: &[u8]) -> Result<String, IssueError> {
        let mut token = self.prefix.clone();
        URL_SAFE_NO_PAD.encode_string(payload, &mut token);
        // Straight with the parsed key: the JWT library would parse and check it for each token.
        // ECDSA's nonce is the library's own business and never the entropy handed in.
        let signature = self.pair.sign(&SystemRandom::new(), token.as_bytes()).map_err(|_| IssueError::Signing)?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        Ok(token)
    }

    /// Checks header and signature and answers the payload. The algorithm is never taken from the
    /// token: the header must name the one that this key has.
    pub(crate) fn open_token(&self, token: &str) -> Result<Vec<u8>, TokenError> {
        let (signed, signature) = token.rsplit_once('.').ok_or(TokenError::Malformed)?;
        let (header, payload) = signed.split_once('.').ok_or(TokenError::Malformed)?;
        if payload.contains('.') {
            return Err(TokenError::Malformed);
        }
        let header = URL_SAFE_NO_PAD.decode(header).map_err(|_| TokenError::Malformed)?;
        let header: Header = serde_json::from_slice(&header).map_err(|_| TokenError::Malformed)?;
        if header.alg != "ES256" {
            return Err(TokenError::Algorithm);
        }
        if header.typ != "at+jwt" {
            return Err(TokenError::Type);
        }
        if header.kid != self.kid {
            return Err(TokenError::Key);
        }
        match jsonwebtoken::crypto::verify(signature, signed.as_bytes(), &self.public, Algorithm::ES256) {
            Ok(true) => URL_SAFE_NO_PAD.decode(payload).map_err(|_| TokenError::Malformed),
            Ok(false) => Err(TokenError::Signature),
            Err(_) => Err(TokenError::Malformed),
        }
    }
}

/// A new key as PKCS#8: the private number comes from the entropy handed in, drawn until it lies
/// within the curve's order.
fn generate(entropy: &dyn Entropy) -> Result<Vec<u8>, StoreError> {
    let failed = StoreError::Invalid { what: "signing key", why: "could not be made from the random numbers drawn" };
    for _ in 0..DRAWS {
        let mut number = [0_u8; 32];
        entropy.fill(&mut number)?;
        let Ok(private) = PrivateKey::from_private_key(&ECDH_P256, &number) else { continue };
        let pkcs8 = private.compute_public_key().ok().and_then(|public| {
            let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
            let pair = EcdsaKeyPair::from_private_key_and_public_key(algorithm, &number, public.as_ref()).ok()?;
            pair.to_pkcs8v1().ok().map(|document| document.as_ref().to_vec())
        });
        return pkcs8.ok_or(failed);
    }
    Err(failed)
}
