//! Databases, and their roles as code.

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
