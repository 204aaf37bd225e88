//! The typed model of `tenantry.toml`. The JSON Schema is generated from these types, and the same
//! schema drives the check of a file's shape, so the two cannot disagree.
//!
//! Spans are not part of the model: [`crate::Loaded::span`] finds the span of any path of keys.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::words::{Condition, Millis, Name, Rate, Secret, SourceUrl, WebUrl};

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
    /// AI models behind the gateway, by name.
    pub model: BTreeMap<Name, Model>,
    /// Roles, by name.
    pub role: BTreeMap<String, Role>,
    /// Accounts (tenants), by id.
    pub account: BTreeMap<String, Account>,
    /// Platform principals, by user id.
    pub principal: BTreeMap<String, PlatformPrincipal>,
    /// Governed tables, by the name that callers use.
    pub table: BTreeMap<Name, TableDecl>,
}

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

/// A database.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// How the running server reaches it: `env:NAME`, `file:PATH`, `sqlite:PATH`, or `postgres://…` without a password.
    pub url: SourceUrl,
    /// How its owner reaches it, for `tenantry apply`.
    pub admin_url: Option<SourceUrl>,
    /// Database roles as code (PostgreSQL), by name.
    #[serde(default)]
    pub role: BTreeMap<String, DbRole>,
}

/// A PostgreSQL role as code.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DbRole {
    /// Who owns the truth about it.
    pub mode: DbRoleMode,
    /// May it open sessions?
    pub login: bool,
    /// May it create databases?
    pub createdb: bool,
    /// May it create roles?
    pub createrole: bool,
    /// Does it inherit the rights of roles it is a member of?
    pub inherit: Option<bool>,
    /// May it stream the write-ahead log?
    pub replication: bool,
    /// Refused without a waiver.
    pub superuser: bool,
    /// Refused without a waiver.
    pub bypassrls: bool,
    /// Its password: `env:NAME`, `file:PATH` or `generate`.
    pub password: Option<Secret>,
    /// Until when the password holds, RFC 3339.
    pub valid_until: Option<String>,
    /// The most sessions at a time; -1 for no limit.
    #[schemars(range(min = -1, max = 100_000))]
    pub connection_limit: Option<i64>,
    /// A login role for people of one account who connect with psql: the account's id.
    pub tenant: Option<String>,
    /// Settings for its sessions.
    pub settings: BTreeMap<String, String>,
    /// A comment kept in the database.
    pub comment: Option<String>,
    /// Rights by object: `"public.orders" = ["SELECT"]`.
    pub grants: BTreeMap<String, Vec<String>>,
    /// Roles that it is a member of.
    pub member_of: BTreeMap<String, Membership>,
    /// Findings that are accepted, with a reason and an end.
    pub waive: Vec<Waiver>,
}

/// Who owns the truth about a database role.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DbRoleMode {
    /// This file; it is created and removed from here.
    #[default]
    Managed,
    /// This file, from now on; it existed before.
    Adopted,
    /// Somebody else; never altered.
    External,
}

/// How a role is a member of another.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Membership {
    /// May it pass the membership on?
    pub admin: bool,
    /// Does it use the rights without SET ROLE? PostgreSQL 16 and later.
    pub inherit: Option<bool>,
    /// May it SET ROLE? PostgreSQL 16 and later.
    pub set: Option<bool>,
}

/// A finding that is accepted.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Waiver {
    /// The finding's code.
    pub rule: String,
    /// Why it is accepted.
    pub reason: String,
    /// Until when, `YYYY-MM-DD`.
    pub until: String,
}

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

/// An audience that tokens may be for.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Api {
    /// Shown to people.
    pub display_name: Option<String>,
    /// Permissions and what each allows.
    pub permissions: BTreeMap<String, String>,
}

/// An AI model behind the gateway.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// The audience that a token must be for.
    pub api: String,
    /// The permission that a token must hold.
    pub requires: String,
    /// Where calls go.
    pub upstream: Upstream,
    /// For people.
    pub description: Option<String>,
}

/// Where model calls go.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Upstream {
    /// The protocol it speaks.
    pub kind: UpstreamKind,
    /// Its base address.
    pub url: WebUrl,
    /// Its key: `env:NAME` or `file:PATH`.
    pub key: Option<Secret>,
}

/// The protocol of an upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum UpstreamKind {
    /// OpenAI's chat completions and its like.
    Openai,
    /// Anthropic's messages.
    Anthropic,
    /// The built-in one that answers deterministically, for demonstrations.
    Echo,
}

/// A role.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Role {
    /// For people.
    pub description: Option<String>,
    /// Permissions by audience.
    pub permissions: BTreeMap<String, Vec<String>>,
    /// Data tools: `orders.query`, or `orders.*`. None by default.
    pub tools: Vec<String>,
}

/// An account: a tenant.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Account {
    /// Shown to people.
    pub display_name: Option<String>,
    /// The account above it, if any.
    pub parent: Option<String>,
    /// How its login pages look.
    pub branding: Option<Branding>,
    /// Whatever the operator wants to keep here.
    pub metadata: BTreeMap<String, serde_json::Value>,
    /// Where its rows live.
    pub isolation: Isolation,
    /// Limits on all its calls together.
    pub limits: Limits,
    /// Workspaces, by id.
    pub workspace: BTreeMap<String, Workspace>,
    /// Users who belong to no workspace, by id.
    pub user: BTreeMap<String, User>,
}

/// How login pages look.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Branding {
    /// A picture.
    pub logo_url: Option<WebUrl>,
    /// Colours.
    pub colors: Colors,
}

/// Colours, as `#RRGGBB`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Colors {
    /// Buttons and links.
    pub primary: Option<String>,
    /// Behind everything.
    pub page_background: Option<String>,
}

/// Where an account's rows live.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Isolation {
    /// In shared tables.
    #[default]
    Pool,
    /// In a schema of its own.
    Schema,
    /// In a database of its own.
    Database,
}

/// Limits on all calls of an account together.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Calls: `600/min`.
    pub requests: Option<Rate>,
    /// Tokens of AI models: `200000/day`.
    pub tokens: Option<Rate>,
    /// Calls at one time.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub concurrent: Option<u32>,
}

/// A workspace inside an account.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Workspace {
    /// Shown to people.
    pub display_name: Option<String>,
    /// Whatever the operator wants to keep here.
    pub metadata: BTreeMap<String, serde_json::Value>,
    /// Users, by id.
    pub user: BTreeMap<String, User>,
}

/// A user of an account.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct User {
    /// Shown to people.
    pub display_name: Option<String>,
    /// Roles held.
    pub roles: Vec<String>,
    /// What users may change themselves; never read by rules.
    pub user_metadata: BTreeMap<String, serde_json::Value>,
    /// What only the operator may change; `principal.metadata` in rules.
    pub app_metadata: BTreeMap<String, serde_json::Value>,
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

/// A governed table.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TableDecl {
    /// Where it is: `main.public.orders`, or `main.orders` for the default schema.
    pub source: String,
    /// What it holds, for agents.
    pub description: Option<String>,
    /// Whose rows these are: columns (or `relation.column`) that equal attributes of the principal.
    #[serde(default)]
    pub scope: BTreeMap<String, String>,
    /// Rows that every tenant may read; `TRUE` for the whole table.
    pub shared: Option<Condition>,
    /// What callers may see of each column; not named is denied.
    #[serde(default)]
    pub fields: BTreeMap<String, FieldDecl>,
    /// Ways to other tables.
    #[serde(default)]
    pub relations: BTreeMap<Name, RelationDecl>,
    /// Limits on one call.
    #[serde(default)]
    pub budget: BudgetDecl,
    /// What may be written; nothing unless said.
    pub write: Option<WriteDecl>,
    /// Rules that narrow: all of them must hold.
    #[serde(default)]
    pub require: BTreeMap<Name, RuleDecl>,
    /// Rules that widen, within the boundary.
    #[serde(default)]
    pub permit: BTreeMap<Name, RuleDecl>,
    /// Rules that widen past the boundary; named and audited.
    #[serde(default)]
    pub bypass: BTreeMap<Name, RuleDecl>,
    /// What SQLite columns mean where SQLite has no type for it.
    #[serde(default)]
    pub types: BTreeMap<String, String>,
}

/// What callers may see of a column.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum FieldDecl {
    /// `allow`, `deny`, `hash`, `mask`, or `mask:PATTERN`.
    Short(String),
    /// With more to say.
    Long(FieldLong),
}

/// What callers may see of a column, with more to say.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FieldLong {
    /// `allow`, `deny`, `hash` or `mask`.
    pub show: Option<FieldShow>,
    /// How to mask: `all`, `email`, `last1` to `last8`, `first1` to `first8`.
    pub mask: Option<String>,
    /// May a masked or hashed field stand in filters, orders and groups, although each is an oracle?
    pub filterable: Option<bool>,
    /// For agents.
    pub description: Option<String>,
}

/// What callers see of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum FieldShow {
    /// The value.
    Allow,
    /// Nothing; the field answers as if it did not exist.
    Deny,
    /// A keyed hash.
    Hash,
    /// A masked value.
    Mask,
}

/// A way to another table.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RelationDecl {
    /// The other governed table.
    pub table: Name,
    /// To one row: our column or columns that point at its key.
    pub key: Option<Columns>,
    /// To many rows: the other table's column or columns that point at our key.
    pub foreign_key: Option<Columns>,
    /// The columns pointed at, when they are not the primary key.
    pub references: Option<Columns>,
}

/// A column, or several in order.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Columns {
    /// One.
    One(String),
    /// Several.
    Many(Vec<String>),
}

impl Columns {
    /// The names, in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        match self {
            Columns::One(name) => std::slice::from_ref(name),
            Columns::Many(names) => names.as_slice(),
        }
        .iter()
        .map(String::as_str)
    }
}

/// Limits on one call.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BudgetDecl {
    /// The most rows of one answer (per parent, when included). 100 unless said.
    #[schemars(range(min = 1, max = 10_000))]
    pub max_rows: Option<u32>,
    /// How long the statement may run, 1ms to 5m. `5s` unless said.
    pub timeout: Option<Millis>,
    /// The most includes, all levels together. 4 unless said.
    #[schemars(range(min = 0, max = 32))]
    pub max_includes: Option<u32>,
    /// The deepest level of includes. 3 unless said.
    #[schemars(range(min = 0, max = 8))]
    pub max_depth: Option<u32>,
    /// The most filter tests. 50 unless said.
    #[schemars(range(min = 1, max = 500))]
    pub max_filters: Option<u32>,
    /// The longest list of `in`. 200 unless said.
    #[schemars(range(min = 1, max = 10_000))]
    pub max_in: Option<u32>,
    /// The most columns selected. 100 unless said.
    #[schemars(range(min = 1, max = 1_000))]
    pub max_columns: Option<u32>,
    /// The most bytes of rows in one answer. 4 MiB unless said.
    #[schemars(range(min = 1_024, max = 268_435_456))]
    pub max_bytes: Option<u64>,
    /// The most rows that a call may return, all includes multiplied out. 20000 unless said.
    #[schemars(range(min = 1, max = 10_000_000))]
    pub max_cost: Option<u64>,
    /// Fields of which a query must filter at least one by equality.
    pub require_filter: Vec<String>,
}

/// What may be written.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct WriteDecl {
    /// May rows be created, and with which columns? `true` for every visible column that is the caller's to set.
    pub create: Writable,
    /// Which columns may be changed? `true` for every visible column that is the caller's to change.
    pub update: Writable,
    /// May rows be removed? `{ soft = "deleted_at" }` marks them instead.
    pub delete: DeleteDecl,
    /// Never changed after creation. Scope and key columns always are.
    pub immutable: Vec<String>,
    /// Never written by callers.
    pub readonly: Vec<String>,
    /// Must be given on create.
    pub required: Vec<String>,
    /// Set by the server on create: `principal.…`, `now`, or a literal.
    pub auto_set: BTreeMap<String, AutoDecl>,
    /// Set by the server on update.
    pub auto_update: BTreeMap<String, AutoDecl>,
    /// Must the caller say why?
    pub require_reason: bool,
    /// Who must agree first.
    pub approval: Option<ApprovalDecl>,
    /// The most rows that one call may write. 1 unless said.
    #[schemars(range(min = 1, max = 10_000))]
    pub max_rows: Option<u32>,
}

/// Which columns a caller may write.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Writable {
    /// All of them, or none.
    All(bool),
    /// These.
    These(Vec<String>),
}

impl Default for Writable {
    fn default() -> Self {
        Writable::All(false)
    }
}

/// How rows are removed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum DeleteDecl {
    /// They go, or nothing is removed.
    Plain(bool),
    /// They are marked.
    Soft(SoftDelete),
}

impl Default for DeleteDecl {
    fn default() -> Self {
        DeleteDecl::Plain(false)
    }
}

/// How rows are marked as removed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SoftDelete {
    /// A nullable timestamp column, or a bool column.
    pub soft: String,
}

/// A value that the server sets.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum AutoDecl {
    /// A literal.
    Bool(bool),
    /// A literal.
    Int(i64),
    /// `principal.…`, `now`, or a literal.
    Text(String),
}

/// Who must agree to a write first.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApprovalDecl {
    /// Roles of which the approver holds one; never the requester.
    pub roles: Vec<String>,
    /// For which operations; all writes unless said.
    pub on: Option<Vec<WriteOp>>,
}

/// An operation that changes rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum WriteOp {
    /// Add rows.
    Create,
    /// Change rows.
    Update,
    /// Remove rows.
    Delete,
}

/// A rule.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleDecl {
    /// The condition.
    pub when: Condition,
    /// For which operations. Permits and bypasses: reads unless said; requires: all unless said.
    pub on: Option<Vec<RuleOp>>,
    /// For people.
    pub description: Option<String>,
}

/// An operation on rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RuleOp {
    /// See rows.
    Read,
    /// Add rows.
    Create,
    /// Change rows.
    Update,
    /// Remove rows.
    Delete,
}
