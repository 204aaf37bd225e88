//! What the file wants, and what is there: the same shape, so that they can be compared.

use std::collections::BTreeMap;

use serde_json::Value;
use tenantry_policy::Address;

/// Where a thing lives. Each target is changed by itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// Tenantry's own store: accounts, users, roles, APIs, clients.
    Identity,
    /// A PostgreSQL source, by its name in the file: roles, grants, row security.
    Source(String),
    /// The rules of governed tables, roles' tools and models: what servers read from the file. Applying notes
    /// them in the store, so that the next plan tells what a change of them does to access.
    Law,
}

impl Target {
    /// The name in plans.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Target::Identity => "identity",
            Target::Source(source) => source,
            Target::Law => "law",
        }
    }
}

/// A kind of thing. The order is the one in which things are made; they are removed the other way round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// The platform's settings.
    Platform,
    /// An API and its permissions.
    Api,
    /// A role and its permissions.
    Role,
    /// A client.
    Client,
    /// A connection.
    Connection,
    /// An account.
    Account,
    /// A workspace.
    Workspace,
    /// A user.
    User,
    /// A connection that people of an account may log in by.
    AccountConnection,
    /// What a client may ask of an API.
    ClientGrant,
    /// A user's place in an account or workspace, with the roles held there.
    Member,
    /// A platform principal.
    Principal,
    /// A database.
    Database,
    /// An extension.
    Extension,
    /// A schema.
    Schema,
    /// A database role.
    DbRole,
    /// A database role's membership in another.
    DbMembership,
    /// What SQL seats rest on.
    Seats,
    /// Whose an SQL seat is.
    DbSeat,
    /// Who owns an object.
    DbOwner,
    /// A role's rights on one object.
    DbGrant,
    /// Rights on objects that will be made.
    DbDefault,
    /// A table's row security: enabled, forced.
    RowSecurity,
    /// A policy of row security.
    DbPolicy,
    /// The lists through which principals leave their tenant.
    Tenancy,
    /// A governed table: scope, rules, fields, writes.
    Table,
    /// The data tools that a role may call.
    Tools,
    /// An AI model.
    Model,
}

impl Kind {
    /// The word in plans.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Kind::Platform => "platform",
            Kind::Api => "api",
            Kind::Role => "role",
            Kind::Account => "account",
            Kind::Workspace => "workspace",
            Kind::User => "user",
            Kind::Member => "member",
            Kind::Principal => "principal",
            Kind::Client => "client",
            Kind::Connection => "connection",
            Kind::AccountConnection => "account connection",
            Kind::ClientGrant => "client grant",
            Kind::Database => "database",
            Kind::Extension => "extension",
            Kind::Schema => "schema",
            Kind::DbRole => "database role",
            Kind::DbMembership => "database membership",
            Kind::Seats => "seats",
            Kind::DbSeat => "seat",
            Kind::DbOwner => "ownership",
            Kind::DbGrant => "grant",
            Kind::DbDefault => "default privileges",
            Kind::RowSecurity => "row security",
            Kind::DbPolicy => "row policy",
            Kind::Tenancy => "tenancy",
            Kind::Table => "table",
            Kind::Tools => "tools",
            Kind::Model => "model",
        }
    }
}

/// A thing, as the file wants it or as it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Resource {
    /// Its address in the file: `role.model-consumer`, `source.main.role.app_reader`.
    pub address: Address,
    /// Its kind.
    pub kind: Kind,
    /// Where it lives.
    pub target: Target,
    /// What it is called there, once it is there: an id, a name.
    pub id: Option<String>,
    /// Its fields. A field that is not here is nobody's business: it is neither compared nor changed.
    pub fields: BTreeMap<String, Value>,
    /// Fields whose values are secrets: how each is given (`env:NAME`, `generate`), never what it is. A secret
    /// is set when the thing is made, and when its fingerprint differs.
    pub secrets: BTreeMap<String, String>,
    /// Keyed fingerprints of the secrets, by field. The engine fills them in, on both sides: from what the
    /// references lead to, and from what it noted when it last set them.
    pub prints: BTreeMap<String, String>,
    /// Things of a kind are made in the order of their ranks, and removed the other way round: an account after the
    /// one above it.
    pub rank: u32,
    /// Fields that cannot be changed: another value makes another thing.
    pub fixed: &'static [&'static str],
    /// Where it stands in the file: `tenantry.toml:12`.
    pub place: Option<String>,
}

impl Resource {
    /// A thing without fields.
    #[must_use]
    pub fn new(kind: Kind, target: Target, address: impl AsRef<str>) -> Resource {
        Resource {
            address: Address::new(address.as_ref()),
            kind,
            target,
            id: None,
            fields: BTreeMap::new(),
            secrets: BTreeMap::new(),
            prints: BTreeMap::new(),
            rank: 0,
            fixed: &[],
            place: None,
        }
    }

    /// With a field.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Resource {
        self.fields.insert(name.to_owned(), value.into());
        self
    }

    /// With an id.
    #[must_use]
    pub fn called(mut self, id: impl Into<String>) -> Resource {
        self.id = Some(id.into());
        self
    }

    /// With the place in the file.
    #[must_use]
    pub fn at(mut self, place: Option<String>) -> Resource {
        self.place = place;
        self
    }

    /// With a secret field, and how it is given.
    #[must_use]
    pub fn secret(mut self, name: &str, given: &str) -> Resource {
        self.secrets.insert(name.to_owned(), given.to_owned());
        self
    }

    /// SHA-256 over the fields, hexadecimal: what the state keeps of what was applied.
    #[must_use]
    pub fn hash(&self) -> String {
        let fields = serde_json::to_string(&self.fields).unwrap_or_default();
        crate::hex(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, fields.as_bytes()).as_ref())
    }

    /// With a field where there is a value.
    #[must_use]
    pub fn maybe(self, name: &str, value: Option<impl Into<Value>>) -> Resource {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }
}
