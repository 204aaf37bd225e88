//! Audiences that tokens may be for, and roles.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::words::{Millis, Secret};

/// An audience that tokens may be for.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Api {
    /// Shown to people.
    pub display_name: Option<String>,
    /// Permissions and what each allows.
    pub permissions: BTreeMap<String, String>,
    /// How long a token is good for: whole seconds, to 30 days; a day when absent.
    pub token_lifetime: Option<Millis>,
    /// The same for tokens that a page in a browser asked for; two hours when absent.
    pub token_lifetime_for_web: Option<Millis>,
    /// What signs its tokens; RS256 when absent.
    pub signing_algorithm: Option<ApiAlgorithm>,
    /// The secret that signs its tokens with HS256: `generate`, `env:NAME` or `file:PATH`.
    pub signing_secret: Option<Secret>,
    /// Do clients get refresh tokens for it?
    pub offline_access: bool,
    /// Do roles decide what a user may do with it?
    pub enforce_policies: bool,
    /// The form of its tokens; `access_token` when absent. Those with `authz` carry the permissions.
    pub token_dialect: Option<TokenDialect>,
    /// Is nobody asked for consent by the platform's own clients?
    pub skip_consent: bool,
}

/// What signs an API's tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum ApiAlgorithm {
    /// HMAC with SHA-256: a secret that the API shares.
    HS256,
    /// RSA with SHA-256.
    RS256,
    /// ECDSA over P-256: some 17 times faster to sign. Its keys are at `/.well-known/jwks-own.json`.
    ES256,
}

impl ApiAlgorithm {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            ApiAlgorithm::HS256 => "HS256",
            ApiAlgorithm::RS256 => "RS256",
            ApiAlgorithm::ES256 => "ES256",
        }
    }
}

/// The form of an API's tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum TokenDialect {
    /// As clients of the compatible API know them.
    #[serde(rename = "access_token")]
    AccessToken,
    /// The same with the claim `permissions`.
    #[serde(rename = "access_token_authz")]
    AccessTokenAuthz,
    /// RFC 9068.
    #[serde(rename = "rfc9068_profile")]
    Rfc9068,
    /// RFC 9068 with the claim `permissions`.
    #[serde(rename = "rfc9068_profile_authz")]
    Rfc9068Authz,
}

impl TokenDialect {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            TokenDialect::AccessToken => "access_token",
            TokenDialect::AccessTokenAuthz => "access_token_authz",
            TokenDialect::Rfc9068 => "rfc9068_profile",
            TokenDialect::Rfc9068Authz => "rfc9068_profile_authz",
        }
    }
}

/// A role.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Role {
    /// For people.
    pub description: Option<String>,
    /// Where it is held. When absent, where the file's people hold it; in accounts when nobody does.
    pub level: Option<Level>,
    /// Permissions by audience.
    pub permissions: BTreeMap<String, Vec<String>>,
    /// Data tools: `orders.query`, or `orders.*`. None by default.
    pub tools: Vec<String>,
}

/// Where a role is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// On the platform, by platform principals.
    Platform,
    /// In an account.
    Account,
    /// In a workspace.
    Workspace,
}

impl Level {
    /// The word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Level::Platform => "platform",
            Level::Account => "account",
            Level::Workspace => "workspace",
        }
    }
}
