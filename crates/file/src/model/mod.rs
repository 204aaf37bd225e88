//! The typed model of `tenantry.toml`. The JSON Schema is generated from these types, and the same
//! schema drives the check of a file's shape, so the two cannot disagree.
//!
//! Spans are not part of the model: [`crate::Loaded::span`] finds the span of any path of keys.

mod account;
mod api;
mod client;
mod connection;
mod database;
mod endpoint;
mod issuer;
mod limits;
mod platform;
mod table;
mod user;
mod waive;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::words::Name;

pub use account::{Account, AccountConnection, Branding, Colors, Isolation, Member, Status, Workspace};
pub use api::{Api, ApiAlgorithm, Level, Role, TokenDialect};
pub use client::{
    Client, ClientAuthentication, ClientGrant, ClientKey, ClientKind, GrantSubject, KeyAlgorithm, OrganizationUsage,
    RefreshTokens, Rotation,
};
pub use connection::Connection;
pub use database::{
    DbCommand, DbDatabase, DbExtension, DbPolicy, DbPublic, DbRole, DbRoleMode, DbRowSecurity, DbSchema, Membership,
    Source,
};
pub use endpoint::{CapField, Model, PartitionField, Price, Upstream, UpstreamKind};
pub use issuer::{Issuer, IssuerClaims, SigningAlgorithm};
pub use limits::{Budget, Limits, Period};
pub use platform::{
    CallerLimits, Charset, DeviceFlow, ErrorPage, Metrics, Otlp, OwnPage, Platform, PlatformPrincipal, Reach,
    SessionCookie, Tenancy, Tls,
};
pub use table::{
    ApprovalDecl, AutoDecl, BudgetDecl, Columns, DeleteDecl, FieldDecl, FieldLong, FieldShow, RelationDecl, RuleDecl,
    RuleOp, SoftDelete, TableDecl, Writable, WriteDecl, WriteOp,
};
pub use user::User;
pub use waive::WaiveDecl;

/// The connection for passwords that every platform begins with.
pub const DEFAULT_CONNECTION: &str = "Username-Password-Authentication";

/// Tenantry's own APIs, as clients' grants name them.
pub const OWN_APIS: [&str; 4] = ["management", "app", "dashboard", "portal"];

/// Roles that every platform begins with, which people may hold without the file saying what they permit, and
/// where they are held.
pub const OWN_ROLES: [(&str, Level); 7] = [
    ("platform-owner", Level::Platform),
    ("platform-operator", Level::Platform),
    ("platform-auditor", Level::Platform),
    ("account-owner", Level::Account),
    ("account-admin", Level::Account),
    ("account-auditor", Level::Account),
    ("workspace-admin", Level::Workspace),
];

/// Everything that a `tenantry.toml` (or a folder of them) says.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Document {
    /// The platform as a whole.
    pub platform: Option<Platform>,
    /// What holds for all tenants.
    pub tenancy: Option<Tenancy>,
    /// Databases, by name.
    pub source: BTreeMap<Name, Source>,
    /// Other issuers of tokens (Auth0, Keycloak, Cognito, …) that the data tools trust, by name.
    pub issuer: BTreeMap<Name, Issuer>,
    /// Audiences that tokens may be for, by identifier.
    pub api: BTreeMap<String, Api>,
    /// AI models behind the gateway, by the name that callers use.
    pub model: BTreeMap<String, Model>,
    /// Roles, by name.
    pub role: BTreeMap<String, Role>,
    /// Clients, by name.
    pub client: BTreeMap<Name, Client>,
    /// Connections, by name.
    pub connection: BTreeMap<String, Connection>,
    /// Users, by id. A member of an account or workspace who needs no more than a name has none.
    pub user: BTreeMap<String, User>,
    /// Accounts (tenants), by id.
    pub account: BTreeMap<String, Account>,
    /// Platform principals, by user id.
    pub principal: BTreeMap<String, PlatformPrincipal>,
    /// Governed tables, by the name that callers use.
    pub table: BTreeMap<Name, TableDecl>,
    /// Dangers and broken promises that are accepted, by the address that they are about and their code.
    pub waive: BTreeMap<String, BTreeMap<String, WaiveDecl>>,
}
