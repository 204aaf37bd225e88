//! Clients that prove who they are by signing (`private_key_jwt`; RFC 7523, sections 2.2 and 3).

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use tenantry_store::BatchError;

use crate::clients::lookup::KnownCredential;
use crate::issuer::{LEEWAY_SECONDS, MAX_TOKEN_BYTES};
use crate::management::Audiences;
use crate::oauth::authenticate::Proven;
use crate::oauth::registry::Stamp;
use crate::oauth::{OAuthError, OAuthKind};
use crate::{Identity, Refusal};

/// The way that a client must have.
const METHOD: &str = "private_key_jwt";

/// The longest that an assertion may live. Its id is remembered for as long.
const LONGEST_SECONDS: i64 = 300;

/// Other members of the header do not matter, except one: what it calls critical must be understood, and
/// nothing is.
#[derive(Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    kid: Option<String>,
    #[serde(default)]
    crit: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audiences,
    exp: i64,
    jti: String,
    #[serde(default)]
    iat: Option<i64>,
    #[serde(default)]
    nbf: Option<i64>,
}

fn wrong(why: &'static str) -> OAuthError {
    tracing::info!(why, "a client's assertion was refused");
    OAuthError::new(OAuthKind::InvalidClient, "Client assertion is not valid.")
}

impl Identity {
    /// The client that signed this assertion.
    pub(super) async fn by_assertion(
        &self,
        id: Option<&str>,
        assertion: &str,
        now: Stamp,
    ) -> Result<Proven, OAuthError> {
        if assertion.len() > MAX_TOKEN_BYTES {
            return Err(wrong("too long"));
        }
        let (signed, signature) = assertion.rsplit_once('.').ok_or_else(|| wrong("not a signed token"))?;
        let (header, payload) = signed.split_once('.').ok_or_else(|| wrong("not a signed token"))?;
        let bytes = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| wrong("not base64url"));
        let header: Header = serde_json::from_slice(&bytes(header)?).map_err(|_| wrong("header"))?;
        let claims: Claims = serde_json::from_slice(&bytes(payload)?).map_err(|_| wrong("claims"))?;
        if header.crit.is_some() {
            return Err(wrong("a critical header that is not known"));
        }
        // Nothing is believed yet: the name only finds the keys that the signature must fit.
        if claims.iss != claims.sub || id.is_some_and(|id| id != claims.sub) {
            return Err(wrong("iss, sub and client_id differ"));
        }
        let client = self.kept_client(&claims.sub, now).await?.ok_or_else(|| wrong("no such client"))?;
        if client.known.auth_method() != METHOD {
            return Err(wrong("the client proves itself in another way"));
        }
        let allowed: Vec<&str> = client.known.credential_ids(METHOD).collect();
        let credentials = self.known_credentials(client.id()).await?;
        let mut candidates = credentials
            .iter()
            .filter(|credential| credential.kind == "public_key" && allowed.contains(&credential.id.as_str()))
            .filter(|credential| header.kid.is_none() || credential.kid == header.kid)
            // INVARIANT: the algorithm is the credential's; the header must name the same.
            .filter(|credential| credential.algorithm == header.alg);
        if !candidates.any(|credential| signature_fits(credential, signed, signature)) {
            return Err(wrong("no credential's signature"));
        }
        self.check_claims(&claims)?;
        self.spend(client.id(), &claims).await?;
        Ok(Proven { client, confidential: true })
    }

    fn check_claims(&self, claims: &Claims) -> Result<(), OAuthError> {
        let issuer = self.issuer.url();
        let token_endpoint = [issuer, "oauth/token"].concat();
        // The endpoint at which it is shown may be another one of ours: the issuer names them all.
        if !claims.aud.iter().any(|audience| {
            audience == issuer || audience == issuer.trim_end_matches('/') || audience == token_endpoint
        }) {
            return Err(wrong("aud"));
        }
        let now = self.issuer.now_seconds();
        if claims.exp <= now {
            return Err(wrong("expired"));
        }
        if claims.exp > now.saturating_add(LONGEST_SECONDS + LEEWAY_SECONDS) {
            return Err(wrong("lives longer than five minutes"));
        }
        let future = |time: Option<i64>| time.is_some_and(|time| time > now.saturating_add(LEEWAY_SECONDS));
        if future(claims.iat) || future(claims.nbf) {
            return Err(wrong("from the future"));
        }
        if claims.jti.is_empty() || claims.jti.len() > 256 {
            return Err(wrong("jti"));
        }
        Ok(())
    }

    /// Notes that the assertion was used; the second use of one is refused, on whichever server.
    async fn spend(&self, client: &str, claims: &Claims) -> Result<(), OAuthError> {
        let hash = digest(&SHA256, claims.jti.as_bytes());
        let end = claims.exp.saturating_mul(crate::issuer::MICROS);
        let mut batch = self.store.batch();
        batch.notes_only();
        batch.spend_assertion(client, hash.as_ref(), end);
        match self.store.commit(batch).await {
            Ok(_) => Ok(()),
            Err(BatchError::Duplicate(_)) => Err(wrong("used before")),
            Err(error) => Err(OAuthError::from(Refusal::from(error))),
        }
    }
}

fn signature_fits(credential: &KnownCredential, signed: &str, signature: &str) -> bool {
    let Some(pem) = credential.pem.as_deref() else { return false };
    let (algorithm, key) = match credential.algorithm.as_str() {
        "RS256" => (Algorithm::RS256, DecodingKey::from_rsa_pem(pem.as_bytes())),
        "RS384" => (Algorithm::RS384, DecodingKey::from_rsa_pem(pem.as_bytes())),
        "PS256" => (Algorithm::PS256, DecodingKey::from_rsa_pem(pem.as_bytes())),
        "ES256" => (Algorithm::ES256, DecodingKey::from_ec_pem(pem.as_bytes())),
        "ES384" => (Algorithm::ES384, DecodingKey::from_ec_pem(pem.as_bytes())),
        _ => return false,
    };
    key.is_ok_and(|key| jsonwebtoken::crypto::verify(signature, signed.as_bytes(), &key, algorithm).unwrap_or(false))
}
