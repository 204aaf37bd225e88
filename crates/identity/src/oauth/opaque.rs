//! Opaque access tokens: random, and only their hash is kept.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use tenantry_store::identity::tokens::OpaqueToken;
use tenantry_store::{BatchError, Subject as Affected};

use crate::issuer::{MICROS, person};
use crate::oauth::{OAuthError, hashed};
use crate::{Identity, TokenError};

/// How long an opaque token is good, in seconds.
const LIFETIME: i64 = 86_400;

/// What is kept beside an opaque token's hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Opaque {
    pub(crate) scope: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) org: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) actors: Vec<String>,
    /// The number of the last change of rights that its maker knew.
    pub(crate) epoch: i64,
}

impl Identity {
    /// 256 random bits as a token.
    pub(crate) fn random_token(&self, prefix: &str) -> Result<String, OAuthError> {
        let mut drawn = [0_u8; 32];
        self.entropy.fill(&mut drawn)?;
        Ok([prefix, &URL_SAFE_NO_PAD.encode(drawn)].concat())
    }

    pub(super) async fn new_opaque(
        &self,
        user: &str,
        client: &str,
        opaque: &Opaque,
        at_most: Option<i64>,
    ) -> Result<(String, i64), OAuthError> {
        let token = self.random_token("")?;
        let now = self.now();
        let lifetime = at_most.map_or(LIFETIME, |most| LIFETIME.min(most)).max(1);
        let row = OpaqueToken {
            user_id: Some(user.to_owned()),
            client_id: client.to_owned(),
            doc: serde_json::to_string(opaque).unwrap_or_default(),
            created_micros: now,
            expires_micros: now.saturating_add(lifetime * MICROS),
        };
        let mut batch = self.store.batch();
        batch.notes_only();
        batch.insert_opaque_token(&hashed(&token), &row);
        match self.store.commit(batch).await {
            Ok(_) => Ok((token, lifetime)),
            Err(BatchError::Dangling(_)) => Err(OAuthError::grant("The user does not exist or may not log in.")),
            Err(error) => Err(error.into()),
        }
    }

    /// An opaque token that holds.
    pub(super) async fn open_opaque(&self, token: &str) -> Result<(OpaqueToken, Opaque), OAuthError> {
        if token.len() > 256 {
            return Err(TokenError::TooLong.into());
        }
        let row = self.store.opaque_token(&hashed(token)).await?.ok_or(TokenError::Malformed)?;
        if self.now() >= row.expires_micros {
            return Err(TokenError::Expired.into());
        }
        let opaque: Opaque = serde_json::from_str(&row.doc).map_err(|_| TokenError::Claims)?;
        let mut rests_on = vec![Affected::Client(row.client_id.clone())];
        if let Some(user) = &row.user_id {
            rests_on.push(Affected::User(user.clone()));
            if let Some(org) = &opaque.org {
                rests_on.push(Affected::Account(org.clone()));
                rests_on.push(Affected::Member { account: org.clone(), user: user.clone() });
            }
        }
        rests_on.extend(opaque.actors.iter().map(|actor| person(actor)));
        self.issuer.hold(&rests_on, opaque.epoch)?;
        Ok((row, opaque))
    }
}
