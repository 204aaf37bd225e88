//! Clients: applications and services that ask for tokens.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::model::Limits;
use crate::words::{Millis, Secret, WebUrl};

/// A client.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Client {
    /// Shown to people, and its name in the Management API; its name here when absent.
    pub display_name: Option<String>,
    /// For people.
    pub description: Option<String>,
    /// What it is; a service that acts for itself when absent.
    pub kind: ClientKind,
    /// Its picture.
    pub logo_url: Option<WebUrl>,
    /// Where people may be sent after a login.
    pub callbacks: Vec<String>,
    /// Where people may be sent after they logged out.
    pub logout_urls: Vec<String>,
    /// Origins of pages that may ask for tokens.
    pub web_origins: Vec<String>,
    /// Origins of pages that may log in from within.
    pub allowed_origins: Vec<String>,
    /// Where a login begins.
    pub initiate_login_url: Option<WebUrl>,
    /// How it may ask for tokens: `client_credentials`, `authorization_code`, `refresh_token`, …. Those that its
    /// kind usually needs, when absent.
    pub grant_types: Option<Vec<String>>,
    /// Is it a third party's?
    pub third_party: bool,
    /// How it shows who it is; with its secret in the body when absent, and with nothing for one that cannot keep a
    /// secret. With `keys`, by a signature.
    pub authentication: Option<ClientAuthentication>,
    /// Its secret; `generate` when absent.
    pub secret: Option<Secret>,
    /// Its public keys, by name: it signs who it is instead of telling a secret (RFC 7523).
    pub keys: BTreeMap<String, ClientKey>,
    /// May it, or must it, ask for tokens of an account?
    pub organization_usage: Option<OrganizationUsage>,
    /// How long its ID tokens are good for: whole seconds, to 30 days.
    pub id_token_lifetime: Option<Millis>,
    /// What becomes of its refresh tokens.
    pub refresh_token: Option<RefreshTokens>,
    /// Whatever the operator wants to keep here: at most ten texts.
    pub metadata: BTreeMap<String, String>,
    /// Limits on all its calls together, for whomever it asks.
    pub limits: Limits,
    /// What it may ask of APIs, by their identifiers: those of the file, and `management`, `app`, `dashboard` and
    /// `portal` for Tenantry's own.
    pub grant: BTreeMap<String, ClientGrant>,
}

/// What a client is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ClientKind {
    /// A service that acts for itself.
    #[default]
    Machine,
    /// An application on a server, which logs people in.
    Web,
    /// A page in a browser, which cannot keep a secret.
    Spa,
    /// A program on a device, which cannot keep a secret.
    Native,
}

/// How a client shows who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ClientAuthentication {
    /// With its secret in the body.
    Post,
    /// With its secret in the header (RFC 6749, section 2.3.1).
    Basic,
    /// Not at all.
    None,
}

/// A public key of a client.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClientKey {
    /// The key, or a certificate with it, as PEM.
    pub pem: String,
    /// What it verifies; RS256 when absent.
    pub algorithm: Option<KeyAlgorithm>,
}

/// What a client's key verifies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum KeyAlgorithm {
    /// RSA with SHA-256.
    RS256,
    /// RSA with SHA-384.
    RS384,
    /// RSA-PSS with SHA-256.
    PS256,
}

/// May a client, or must it, ask for tokens of an account?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OrganizationUsage {
    /// It may not.
    Deny,
    /// It may.
    Allow,
    /// It must.
    Require,
}

/// What becomes of a client's refresh tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Rotation {
    /// Each use gives a new one, and using one twice ends them all.
    #[default]
    Rotating,
    /// One is used again and again.
    NonRotating,
}

/// What becomes of a client's refresh tokens.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RefreshTokens {
    /// Are they used again?
    pub rotation: Rotation,
    /// How long a family is good for: whole seconds; for ever when absent.
    pub lifetime: Option<Millis>,
    /// How long one is good for that nobody uses: whole seconds; for ever when absent.
    pub idle_lifetime: Option<Millis>,
}

/// What a client may ask of an API.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ClientGrant {
    /// Permissions of the API.
    pub permissions: Vec<String>,
    /// For itself, or for users who log in by it; for itself when absent.
    pub subject: GrantSubject,
    /// May it, or must it, ask for tokens of an account?
    pub organization_usage: Option<OrganizationUsage>,
    /// Accounts for which it may; `*` for all.
    pub accounts: Vec<String>,
}

/// For whom a client asks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum GrantSubject {
    /// For itself.
    #[default]
    Client,
    /// For users who log in by it.
    User,
}

macro_rules! named {
    ($kind:ident { $($variant:ident => $name:literal),+ }) => {
        impl $kind {
            /// The word of the Management API.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $($kind::$variant => $name,)+ }
            }

            /// The one of that word.
            #[must_use]
            pub fn named(name: &str) -> Option<$kind> {
                [$($kind::$variant),+].into_iter().find(|known| known.name() == name)
            }
        }
    };
}

named!(ClientKind { Machine => "non_interactive", Web => "regular_web", Spa => "spa", Native => "native" });
named!(ClientAuthentication { Post => "client_secret_post", Basic => "client_secret_basic", None => "none" });
named!(KeyAlgorithm { RS256 => "RS256", RS384 => "RS384", PS256 => "PS256" });
named!(OrganizationUsage { Deny => "deny", Allow => "allow", Require => "require" });
named!(GrantSubject { Client => "client", User => "user" });
named!(Rotation { Rotating => "rotating", NonRotating => "non-rotating" });
