//! Databases, and what stands in PostgreSQL's catalogs as code: roles, rights, owners, row security.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::words::{Secret, SourceUrl};

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
    /// What everybody may do in the database: PostgreSQL's PUBLIC.
    #[serde(default)]
    pub public: DbPublic,
    /// Databases of the same cluster, by name.
    #[serde(default)]
    pub database: BTreeMap<String, DbDatabase>,
    /// Schemas, by name.
    #[serde(default)]
    pub schema: BTreeMap<String, DbSchema>,
    /// Extensions, by name.
    #[serde(default)]
    pub extension: BTreeMap<String, DbExtension>,
    /// Who owns what: `"public.orders" = "owner_role"`, with the spellings of `grants`.
    #[serde(default)]
    pub owner: BTreeMap<String, String>,
    /// Row security of tables that no `[table.…]` governs, by `schema.table`.
    #[serde(default)]
    pub row_security: BTreeMap<String, DbRowSecurity>,
}

/// A PostgreSQL role as code.
///
/// Of a `managed` role, what is not said is PostgreSQL's default. Of an `adopted` one, it is left as it is.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DbRole {
    /// Who owns the truth about it.
    pub mode: DbRoleMode,
    /// May it open sessions?
    pub login: Option<bool>,
    /// May it create databases?
    pub createdb: Option<bool>,
    /// May it create roles?
    pub createrole: Option<bool>,
    /// Does it inherit the rights of roles it is a member of? True unless said.
    pub inherit: Option<bool>,
    /// May it stream the write-ahead log?
    pub replication: Option<bool>,
    /// Refused without a waiver.
    pub superuser: Option<bool>,
    /// Refused without a waiver.
    pub bypassrls: Option<bool>,
    /// Its password: `env:NAME`, `file:PATH` or `generate`.
    pub password: Option<Secret>,
    /// Until when the password holds: RFC 3339, or `infinity`.
    pub valid_until: Option<String>,
    /// The most sessions at a time; -1 for no limit.
    #[schemars(range(min = -1, max = 100_000))]
    pub connection_limit: Option<i64>,
    /// The account that its sessions are of, for people who connect with psql. Row security shows such an SQL seat
    /// the rows that the rules show to a principal of which only this `tenant_id` is known, whatever its statements
    /// set; what it may do with them is what `grants` says.
    pub tenant: Option<String>,
    /// Settings for its sessions.
    pub settings: BTreeMap<String, String>,
    /// Settings for its sessions in one database, by database.
    pub settings_in: BTreeMap<String, BTreeMap<String, String>>,
    /// A comment kept in the database.
    pub comment: Option<String>,
    /// Rights by object: `"public.orders" = ["SELECT", "INSERT WITH GRANT OPTION"]`. Of each object named here the
    /// list is all that the role holds on it; an empty one takes everything back. Spellings: `public.orders`,
    /// `public.orders(id, status)`, `sequence public.s`, `function public.f(integer)`, `schema public`,
    /// `database app`, `type public.t`, `language l`, `server s`, `fdw w`, `large object 123`,
    /// `parameter work_mem`, `tablespace t`, `all tables in schema public` (or `sequences`, `functions`).
    pub grants: BTreeMap<String, Vec<String>>,
    /// Rights on what will be made: `"tables in schema public by migrator" = ["SELECT"]`. The schema may be left out;
    /// kinds are `tables`, `sequences`, `functions`, `types`, `schemas` and, from PostgreSQL 18 on, `large objects`.
    pub default_privileges: BTreeMap<String, Vec<String>>,
    /// Roles that it is a member of.
    pub member_of: BTreeMap<String, Membership>,
}

/// Who owns the truth about a database role.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DbRoleMode {
    /// This file; it is created and removed from here.
    #[default]
    Managed,
    /// This file, for what it says, from now on; the role existed before and is not removed.
    Adopted,
    /// Somebody else; never altered. Rights on objects may be given to it, and membership in it.
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

/// What everybody may do in a database.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DbPublic {
    /// Rights by object, as of a role.
    pub grants: BTreeMap<String, Vec<String>>,
    /// Rights on what will be made, as of a role.
    pub default_privileges: BTreeMap<String, Vec<String>>,
}

/// A database of the cluster. It is made before the rest, and never dropped from here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DbDatabase {
    /// Its owner.
    pub owner: Option<String>,
    /// The most sessions at a time; -1 for no limit.
    #[schemars(range(min = -1, max = 100_000))]
    pub connection_limit: Option<i64>,
    /// Settings for its sessions.
    pub settings: BTreeMap<String, String>,
}

/// A schema.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DbSchema {
    /// Its owner.
    pub owner: Option<String>,
}

/// An extension.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DbExtension {
    /// The schema of its objects.
    pub schema: Option<String>,
    /// Its version; the server's default for a new one unless said.
    pub version: Option<String>,
}

/// Row security of a table that no `[table.…]` governs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DbRowSecurity {
    /// Is it enabled? True unless said.
    pub enabled: Option<bool>,
    /// Is it forced on the table's owner too? True unless said.
    pub forced: Option<bool>,
    /// Policies, by name. Others that the table has are left alone and listed.
    pub policy: BTreeMap<String, DbPolicy>,
}

/// A policy of row security written by hand.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DbPolicy {
    /// For which command; `all` unless said.
    #[serde(rename = "for")]
    pub command: DbCommand,
    /// For which roles; everybody unless said.
    pub to: Vec<String>,
    /// Must it hold beside the others (AS RESTRICTIVE), rather than widen?
    pub restrictive: bool,
    /// Which rows of the table it concerns: an expression in PostgreSQL's SQL.
    pub using: Option<String>,
    /// Which new rows it concerns; the same as `using` unless said.
    pub check: Option<String>,
}

/// The command of a policy.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DbCommand {
    /// All of them.
    #[default]
    All,
    /// SELECT
    Select,
    /// INSERT
    Insert,
    /// UPDATE
    Update,
    /// DELETE
    Delete,
}

impl DbCommand {
    /// The word in SQL.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            DbCommand::All => "ALL",
            DbCommand::Select => "SELECT",
            DbCommand::Insert => "INSERT",
            DbCommand::Update => "UPDATE",
            DbCommand::Delete => "DELETE",
        }
    }
}
