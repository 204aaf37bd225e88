//! The platform as a whole, and who may cross its accounts.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::words::{Rate, SourceUrl, WebUrl};

/// The platform as a whole.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Platform {
    /// Shown on login pages and in mail.
    pub friendly_name: Option<String>,
    /// Where users ask for help.
    pub support_email: Option<String>,
    /// Where users find help.
    pub support_url: Option<WebUrl>,
    /// Where Tenantry keeps its own records: `env:NAME`, `file:PATH`, `sqlite:PATH`, or `postgres://…` without a
    /// password. A SQLite file in the state folder when absent.
    pub store: Option<SourceUrl>,
    /// PostgreSQL stores: the file with this installation's keys, the same on every server.
    pub key_file: Option<String>,
    /// The address that clients reach the server at, and that tokens name as their issuer. `https://localhost:PORT/` when
    /// absent.
    pub issuer: Option<WebUrl>,
    /// How much each caller may ask of this server.
    pub limits: CallerLimits,
    /// The server's own certificate. One of the development authority when absent.
    pub tls: Option<Tls>,
    /// Whatever the operator wants to keep here.
    pub metadata: BTreeMap<String, serde_json::Value>,
}

/// How much each caller may ask of a server.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CallerLimits {
    /// Calls of the Management API and of our own APIs, per client and user; `6000/min` when absent.
    pub calls: Option<Rate>,
    /// Requests at `/oauth/token`, per client and address; `6000/min` when absent.
    pub tokens: Option<Rate>,
    /// Requests without a good token or client, per address; `600/min` when absent.
    pub strangers: Option<Rate>,
}

/// A certificate and its private key. Read again when the files change.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// A PEM file: the server's certificate, then those between it and its authority.
    pub certificate: String,
    /// A PEM file: its private key, without a passphrase.
    pub key: String,
}

/// What holds for all tenants.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Tenancy {
    /// The only lists through which a principal may leave its own tenant.
    pub reach: Reach,
}

/// The only lists through which a principal may leave its own tenant.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Reach {
    /// For reads: list attributes such as `principal.metadata.tenant_hierarchy`.
    pub read: Vec<String>,
    /// For writes.
    pub write: Vec<String>,
}

/// A principal of the platform: may cross accounts; every step is audited.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PlatformPrincipal {
    /// Shown to people.
    pub display_name: Option<String>,
    /// Roles held.
    pub roles: Vec<String>,
    /// Accounts that it may enter; `*` for all.
    pub accounts: Vec<String>,
    /// `principal.metadata` in rules.
    pub metadata: BTreeMap<String, serde_json::Value>,
}
