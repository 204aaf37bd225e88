//! Other issuers of tokens.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::words::WebUrl;

/// Another issuer of tokens. The data tools take who asks from its tokens, by the claims named here.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Issuer {
    /// Its claim `iss`, exactly as it stands in its tokens.
    pub url: WebUrl,
    /// Where its public keys are. Where its `/.well-known/openid-configuration` says, when absent.
    pub jwks_url: Option<WebUrl>,
    /// Whom its tokens must be for: one of these.
    #[schemars(length(min = 1))]
    pub audience: Vec<String>,
    /// The claim that says so: `client_id` for Cognito's access tokens. `aud` when absent.
    pub audience_claim: Option<String>,
    /// What its tokens may be signed with. `["RS256"]` when absent.
    pub algorithms: Option<Vec<SigningAlgorithm>>,
    /// Which claims say who asks.
    pub claims: IssuerClaims,
    /// Claims that must have exactly this value: `token_use = "access"`.
    #[serde(default)]
    pub require: BTreeMap<String, String>,
}

/// Which claims of another issuer's tokens say who asks. A path goes from outside in, with dots:
/// `realm_access.roles`; an address is one step.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IssuerClaims {
    /// The account's id, as its rows carry it. A token without it is refused.
    pub account: String,
    /// The workspace.
    pub workspace: Option<String>,
    /// The user; `sub` when absent.
    pub user: Option<String>,
    /// The client; `azp` when absent.
    pub client: Option<String>,
    /// The names of the roles held.
    pub roles: Option<String>,
    /// An object that becomes `principal.metadata`. Never one that users can edit.
    pub metadata: Option<String>,
}

/// An algorithm with a public key (RFC 7518, section 3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum SigningAlgorithm {
    /// RSA with SHA-256.
    RS256,
    /// RSA with SHA-384.
    RS384,
    /// RSA with SHA-512.
    RS512,
    /// RSA-PSS with SHA-256.
    PS256,
    /// RSA-PSS with SHA-384.
    PS384,
    /// RSA-PSS with SHA-512.
    PS512,
    /// P-256 with SHA-256.
    ES256,
    /// P-384 with SHA-384.
    ES384,
    /// Ed25519.
    EdDSA,
}

impl SigningAlgorithm {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            SigningAlgorithm::RS256 => "RS256",
            SigningAlgorithm::RS384 => "RS384",
            SigningAlgorithm::RS512 => "RS512",
            SigningAlgorithm::PS256 => "PS256",
            SigningAlgorithm::PS384 => "PS384",
            SigningAlgorithm::PS512 => "PS512",
            SigningAlgorithm::ES256 => "ES256",
            SigningAlgorithm::ES384 => "ES384",
            SigningAlgorithm::EdDSA => "EdDSA",
        }
    }
}
