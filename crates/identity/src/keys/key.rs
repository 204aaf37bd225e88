//! One key that signs tokens, parsed once: RS256 (RSASSA-PKCS1-v1_5 with SHA-256; RFC 7518, section 3.3) or
//! ES256 (ECDSA over P-256 with SHA-256; section 3.4).

use aws_lc_rs::agreement::{ECDH_P256, PrivateKey};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, ParsedPublicKey,
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use tenantry_policy::Entropy;
use tenantry_store::StoreError;

use crate::IssueError;

/// How often a random number is drawn until it is a key; the odds against one are 1 in 2^32.
const DRAWS: usize = 16;

/// An algorithm that we sign with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// RSA of 2048 bits: what every client of the compatible API can verify.
    Rs256,
    /// P-256: some 17 times faster to sign.
    Es256,
}

impl Algorithm {
    /// Both.
    pub const ALL: [Algorithm; 2] = [Algorithm::Rs256, Algorithm::Es256];

    /// The name in headers and key sets (RFC 7518, section 3.1).
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Algorithm::Rs256 => "RS256",
            Algorithm::Es256 => "ES256",
        }
    }

    /// The algorithm of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Algorithm> {
        Algorithm::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }
}

/// The `typ` of a token's header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `at+jwt`: an access token of RFC 9068.
    Access,
    /// `JWT`: the compatible dialect's access tokens, and ID tokens.
    Plain,
}

impl Form {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Form::Access => "at+jwt",
            Form::Plain => "JWT",
        }
    }
}

#[derive(Serialize)]
struct Header<'a> {
    alg: &'static str,
    typ: &'static str,
    kid: &'a str,
}

enum Private {
    Rsa(Box<RsaKeyPair>),
    Ec(Box<EcdsaKeyPair>),
}

/// The key.
pub(crate) struct Key {
    private: Private,
    public: ParsedPublicKey,
    pub(crate) kid: String,
    pub(crate) algorithm: Algorithm,
    /// The public part, a JWK.
    pub(crate) jwk: String,
    /// `base64url(header).` for each form, the same for every token of this key.
    access: String,
    plain: String,
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Key").field("kid", &self.kid).field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

impl Key {
    /// The key of a PKCS#8 document.
    pub(crate) fn open(algorithm: Algorithm, pkcs8: &[u8]) -> Result<Key, IssueError> {
        match algorithm {
            Algorithm::Rs256 => {
                let pair = RsaKeyPair::from_pkcs8(pkcs8).map_err(|_| IssueError::Key)?;
                let bytes = pair.public_key().as_ref().to_vec();
                let public = ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &bytes).map_err(|_| IssueError::Key)?;
                let (n, e) = rsa_numbers(&bytes).ok_or(IssueError::Key)?;
                let (n, e) = (URL_SAFE_NO_PAD.encode(n), URL_SAFE_NO_PAD.encode(e));
                // The thumbprint of RFC 7638, section 3: these members, in this order, without spaces.
                let kid = thumbprint(&[r#"{"e":""#, &e, r#"","kty":"RSA","n":""#, &n, r#""}"#]);
                let jwk = [
                    r#"{"kty":"RSA","use":"sig","alg":"RS256","kid":""#,
                    &kid,
                    r#"","n":""#,
                    &n,
                    r#"","e":""#,
                    &e,
                    r#""}"#,
                ]
                .concat();
                Key::of(Private::Rsa(Box::new(pair)), public, algorithm, kid, jwk)
            }
            Algorithm::Es256 => {
                let pair =
                    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8).map_err(|_| IssueError::Key)?;
                // An uncompressed point: 0x04, then x and y of 32 bytes each (SEC 1, section 2.3.3).
                let point = pair.public_key().as_ref().to_vec();
                let public = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &point).map_err(|_| IssueError::Key)?;
                let (x, y) = match point.split_first() {
                    Some((4, rest)) if rest.len() == 64 => rest.split_at(32),
                    _ => return Err(IssueError::Key),
                };
                let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
                let kid = thumbprint(&[r#"{"crv":"P-256","kty":"EC","x":""#, &x, r#"","y":""#, &y, r#""}"#]);
                let jwk = [
                    r#"{"kty":"EC","use":"sig","alg":"ES256","kid":""#,
                    &kid,
                    r#"","crv":"P-256","x":""#,
                    &x,
                    r#"","y":""#,
                    &y,
                    r#""}"#,
                ]
                .concat();
                Key::of(Private::Ec(Box::new(pair)), public, algorithm, kid, jwk)
            }
        }
    }

    fn of(
        private: Private,
        public: ParsedPublicKey,
        algorithm: Algorithm,
        kid: String,
        jwk: String,
    ) -> Result<Key, IssueError> {
        let prefix = |form: Form| {
            let header = Header { alg: algorithm.name(), typ: form.name(), kid: &kid };
            let header = serde_json::to_vec(&header).map_err(|_| IssueError::Key)?;
            Ok::<_, IssueError>([&URL_SAFE_NO_PAD.encode(header), "."].concat())
        };
        let (access, plain) = (prefix(Form::Access)?, prefix(Form::Plain)?);
        Ok(Key { private, public, kid, algorithm, jwk, access, plain })
    }

    /// The public key of an RSA key, SubjectPublicKeyInfo (RFC 5280, section 4.1).
    pub(super) fn public_der(&self) -> Option<Vec<u8>> {
        match &self.private {
            Private::Rsa(pair) => Some(pair.public_key().as_der().ok()?.as_ref().to_vec()),
            Private::Ec(_) => None,
        }
    }

    /// An RSA key's signature of bytes that are no token.
    pub(super) fn sign_bytes(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let Private::Rsa(pair) = &self.private else { return None };
        let mut signature = vec![0; pair.public_modulus_len()];
        pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), bytes, &mut signature).ok()?;
        Some(signature)
    }

    /// Signs a payload and puts the token together.
    pub(crate) fn sign(&self, form: Form, payload: &[u8]) -> Result<String, IssueError> {
        let prefix = match form {
            Form::Access => &self.access,
            Form::Plain => &self.plain,
        };
        let mut token = String::with_capacity(prefix.len() + payload.len() * 4 / 3 + 348);
        token.push_str(prefix);
        URL_SAFE_NO_PAD.encode_string(payload, &mut token);
        // Straight with the parsed key: a JWT library would parse and check it for each token. ECDSA's
        // nonce is the library's own business and never the entropy handed in.
        let random = SystemRandom::new();
        match &self.private {
            Private::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, token.as_bytes(), &mut signature)
                    .map_err(|_| IssueError::Signing)?;
                token.push('.');
                URL_SAFE_NO_PAD.encode_string(signature, &mut token);
            }
            Private::Ec(pair) => {
                let signature = pair.sign(&random, token.as_bytes()).map_err(|_| IssueError::Signing)?;
                token.push('.');
                URL_SAFE_NO_PAD.encode_string(signature, &mut token);
            }
        }
        Ok(token)
    }

    /// Does the signature (bytes) fit these bytes? With this key's one algorithm.
    pub(crate) fn fits(&self, signed: &[u8], signature: &[u8]) -> bool {
        self.public.verify_sig(signed, signature).is_ok()
    }
}

fn thumbprint(members: &[&str]) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, members.concat().as_bytes()))
}

/// Modulus and exponent of an `RSAPublicKey` (RFC 8017, appendix A.1.1), without leading zeros.
fn rsa_numbers(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (body, rest) = element(0x30, der)?;
    let (n, body) = element(0x02, body)?;
    let (e, body) = element(0x02, body)?;
    if !rest.is_empty() || !body.is_empty() {
        return None;
    }
    let bare = |number: &'_ [u8]| number.iter().take_while(|byte| **byte == 0).count();
    Some((n.get(bare(n)..)?, e.get(bare(e)..)?))
}

/// The contents of the DER element of that tag at the front, and what follows it.
fn element(tag: u8, der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (found, der) = der.split_first()?;
    let (length, der) = der.split_first()?;
    let (length, der) = if *length < 128 {
        (usize::from(*length), der)
    } else {
        let (bytes, der) = der.split_at_checked(usize::from(length & 127))?;
        (bytes.iter().try_fold(0_usize, |sum, byte| sum.checked_mul(256)?.checked_add(usize::from(*byte)))?, der)
    };
    if *found != tag {
        return None;
    }
    der.split_at_checked(length)
}

/// A new key as PKCS#8. RSA keys come from the library's own generator.
pub(super) fn generate(algorithm: Algorithm, entropy: &dyn Entropy) -> Result<Vec<u8>, IssueError> {
    match algorithm {
        Algorithm::Rs256 => {
            let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(|_| IssueError::Key)?;
            pair.as_der().map(|der| der.as_ref().to_vec()).map_err(|_| IssueError::Key)
        }
        Algorithm::Es256 => generate_es256(entropy).map_err(IssueError::Store),
    }
}

/// A new ES256 key as PKCS#8: the private number comes from the entropy handed in, drawn until it lies
/// within the curve's order.
pub(super) fn generate_es256(entropy: &dyn Entropy) -> Result<Vec<u8>, StoreError> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_rsa_key_is_published_as_other_libraries_read_it() {
        let key =
            Key::open(Algorithm::Rs256, RsaKeyPair::generate(KeySize::Rsa2048).unwrap().as_der().unwrap().as_ref());
        let key = key.unwrap();
        let jwk: jsonwebtoken::jwk::Jwk = serde_json::from_str(&key.jwk).unwrap();
        assert_eq!(jwk.thumbprint(jsonwebtoken::jwk::ThumbprintHash::SHA256).unwrap(), key.kid);
        let token = key.sign(Form::Plain, br#"{"a":1}"#).unwrap();
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let public = jsonwebtoken::DecodingKey::from_jwk(&jwk).unwrap();
        let algorithm = jsonwebtoken::Algorithm::RS256;
        assert!(jsonwebtoken::crypto::verify(signature, signed.as_bytes(), &public, algorithm).unwrap());
        assert!(key.fits(signed.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).unwrap()));
        assert!(!key.fits(b"other", &URL_SAFE_NO_PAD.decode(signature).unwrap()));
    }

    /// RFC 7638, section 3.1.
    #[test]
    fn the_thumbprint_is_that_of_the_rfc() {
        let n = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMs\
            tn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbI\
            SD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";
        let n: String = n.split_whitespace().collect();
        assert_eq!(
            thumbprint(&[r#"{"e":"AQAB","kty":"RSA","n":""#, &n, r#""}"#]),
            "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
        );
    }
}
