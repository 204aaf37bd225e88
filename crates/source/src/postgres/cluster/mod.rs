//! What a PostgreSQL cluster and one of its databases say about who may do what.
//!
//! [`Snapshot`] is one moment: a handful of statements over `pg_catalog`, sent in one flush inside one
//! repeatable-read transaction. It holds no password and no row.
//!
//! Of the catalog's own schemas only what somebody changed the rights of is there, so that a snapshot speaks of
//! what people made.

mod read;
mod statements;

use std::collections::BTreeMap;
use std::sync::Arc;

use tenantry_policy::object::{Object, ObjectKind, Privilege};

pub(super) use read::read;

/// One moment of a cluster and of one of its databases.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Snapshot {
    /// The server, and how it is spoken to.
    pub server: Server,
    /// The cluster's roles by name, PostgreSQL's own (`pg_…`) too.
    pub roles: BTreeMap<Arc<str>, Role>,
    /// Who is a member of what; on PostgreSQL 16 and later there may be one row for each grantor.
    pub members: Vec<Member>,
    /// Everything that rights can be held on. Columns stand here only where they have rights of their own.
    pub things: BTreeMap<Object, Thing>,
    /// Rights that objects will be made with.
    pub defaults: Vec<DefaultRights>,
    /// Policies of row security, by table and name.
    pub policies: BTreeMap<(Object, Arc<str>), RowPolicy>,
    /// Extensions by name.
    pub extensions: BTreeMap<Arc<str>, Extension>,
    /// Settings of every role's sessions in every database.
    pub settings: BTreeMap<String, String>,
    /// What ties roles to other databases of the cluster.
    pub elsewhere: Vec<Elsewhere>,
    /// What SQL seats rest on, and whose each is.
    pub seats: Seats,
}

/// SQL seats: what they rest on, and whose each is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Seats {
    /// The table's shape in words, as `tenantry_sql::cluster::seats::SHAPE` has it.
    pub table: Option<String>,
    /// The function's definition in words, as `tenantry_sql::cluster::seats::DEFINITION` has it.
    pub function: Option<String>,
    /// Tenants by the login role; none are read from a table of another shape.
    pub rows: BTreeMap<Arc<str>, String>,
}

/// The server.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Server {
    /// `server_version_num`: 150018 is 15.18.
    pub version: u32,
    /// The database that the rest speaks of.
    pub database: Arc<str>,
    /// Who read it.
    pub user: Arc<str>,
    /// Is that a superuser?
    pub superuser: bool,
    /// Is it a standby, which takes reads only?
    pub in_recovery: bool,
    /// Are transactions here read-only unless they say otherwise?
    pub read_only: bool,
}

impl Server {
    /// The major version: 15.
    #[must_use]
    pub fn major(&self) -> u32 {
        self.version / 10_000
    }
}

/// A role, without its password.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[allow(clippy::struct_excessive_bools, reason = "the catalog's own columns")]
pub struct Role {
    /// SUPERUSER
    pub superuser: bool,
    /// INHERIT
    pub inherit: bool,
    /// CREATEROLE
    pub createrole: bool,
    /// CREATEDB
    pub createdb: bool,
    /// LOGIN
    pub login: bool,
    /// REPLICATION
    pub replication: bool,
    /// BYPASSRLS
    pub bypassrls: bool,
    /// CONNECTION LIMIT; -1 for none.
    pub connection_limit: i32,
    /// VALID UNTIL in microseconds since 1970 UTC; `None` for ever.
    pub valid_until: Option<i64>,
    /// Its comment.
    pub comment: Option<String>,
    /// Settings of its sessions in every database.
    pub settings: BTreeMap<String, String>,
    /// Settings of its sessions in one database, by database.
    pub settings_in: BTreeMap<Arc<str>, BTreeMap<String, String>>,
}

/// A membership, as one grantor gave it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Member {
    /// The role that the other is in.
    pub role: Arc<str>,
    /// The role that is in it.
    pub member: Arc<str>,
    /// Who gave it.
    pub grantor: Arc<str>,
    /// ADMIN OPTION
    pub admin: bool,
    /// INHERIT OPTION. Before PostgreSQL 16 the member's own INHERIT.
    pub inherit: bool,
    /// SET OPTION. Before PostgreSQL 16 always.
    pub set: bool,
}

/// Something that rights can be held on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Thing {
    /// Its owner; empty for parameters, which have none. For a column, its table's.
    pub owner: Arc<str>,
    /// The rights on it, those of its owner and those that PostgreSQL gives everybody included.
    pub rights: Vec<Grant>,
    /// Were its rights ever set? If not, `rights` are PostgreSQL's defaults.
    pub changed: bool,
    /// The extension that it belongs to.
    pub extension: Option<Arc<str>>,
    /// What only its kind has.
    pub detail: Detail,
}

/// A right that somebody holds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Grant {
    /// Who holds it.
    pub grantee: Grantee,
    /// Which.
    pub privilege: Privilege,
    /// Who gave it.
    pub grantor: Arc<str>,
    /// WITH GRANT OPTION
    pub grantable: bool,
}

/// Who holds a right.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grantee {
    /// Everybody.
    Public,
    /// A role, and whoever inherits from it.
    Role(Arc<str>),
}

impl Grantee {
    /// The role's name.
    #[must_use]
    pub fn role(&self) -> Option<&str> {
        match self {
            Grantee::Public => None,
            Grantee::Role(name) => Some(name),
        }
    }
}

/// What only one kind of thing has.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Detail {
    /// Nothing.
    #[default]
    Nothing,
    /// Of a table or what reads like one.
    Relation(Relation),
    /// Of a function, procedure or aggregate.
    Routine(Routine),
    /// Of a database.
    Database(Database),
    /// Of a sequence that belongs to a table's column: the table.
    Sequence(Object),
}

/// What a table, view, materialized view, partitioned or foreign table has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relation {
    /// Which of them.
    pub kind: RelationKind,
    /// Is row security enabled?
    pub row_security: bool,
    /// Is it forced on the owner too?
    pub forced: bool,
    /// The partitioned table, or the one inherited from, that it is a part of.
    pub parent: Option<Object>,
    /// A view's `security_invoker`.
    pub security_invoker: bool,
    /// A view's `security_barrier`.
    pub security_barrier: bool,
    /// The columns in order.
    pub columns: Vec<Arc<str>>,
    /// Of them, those that ANALYZE takes no statistics of.
    pub unsampled: Vec<Arc<str>>,
    /// What a view or materialized view reads directly.
    pub reads: Vec<Object>,
}

/// What reads like a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RelationKind {
    /// A table.
    Table,
    /// A partitioned table.
    Partitioned,
    /// A view.
    View,
    /// A materialized view.
    Materialized,
    /// A foreign table.
    Foreign,
}

impl RelationKind {
    /// The words in SQL.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            RelationKind::Table | RelationKind::Partitioned => "TABLE",
            RelationKind::View => "VIEW",
            RelationKind::Materialized => "MATERIALIZED VIEW",
            RelationKind::Foreign => "FOREIGN TABLE",
        }
    }

    /// Can it have row security?
    #[must_use]
    pub fn has_row_security(self) -> bool {
        matches!(self, RelationKind::Table | RelationKind::Partitioned)
    }
}

/// What a function, procedure or aggregate has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Routine {
    /// `f` a function, `p` a procedure, `a` an aggregate, `w` a window function.
    pub kind: char,
    /// Does it run as its owner?
    pub security_definer: bool,
    /// Is it marked as telling nothing of its arguments?
    pub leakproof: bool,
    /// The settings that it runs with: `search_path`, and others.
    pub settings: BTreeMap<String, String>,
    /// Its language.
    pub language: Arc<str>,
    /// Is it a trigger function, which nobody calls?
    pub trigger: bool,
}

/// What a database has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Database {
    /// CONNECTION LIMIT; -1 for none.
    pub connection_limit: i32,
    /// May anybody connect?
    pub allows_connections: bool,
    /// Is it a template?
    pub template: bool,
    /// Settings of its sessions, for every role.
    pub settings: BTreeMap<String, String>,
}

/// Rights that objects of a kind will be made with, when one role makes them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct DefaultRights {
    /// Who makes them.
    pub owner: Arc<str>,
    /// In which schema; `None` for all.
    pub schema: Option<Arc<str>>,
    /// Tables, sequences, routines, types, schemas, or (18 and later) large objects.
    pub kind: ObjectKind,
    /// The rights. In a schema they come on top of the others; without one they replace PostgreSQL's own.
    pub rights: Vec<Grant>,
}

/// A policy of row security.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowPolicy {
    /// PERMISSIVE, rather than RESTRICTIVE?
    pub permissive: bool,
    /// `ALL`, `SELECT`, `INSERT`, `UPDATE` or `DELETE`.
    pub command: &'static str,
    /// For whom.
    pub roles: Vec<Grantee>,
    /// USING, as the server writes it back.
    pub using: Option<String>,
    /// WITH CHECK, as the server writes it back.
    pub check: Option<String>,
    /// Its comment.
    pub comment: Option<String>,
}

/// An extension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extension {
    /// Its version.
    pub version: Arc<str>,
    /// Its schema.
    pub schema: Arc<str>,
    /// Its owner.
    pub owner: Arc<str>,
}

/// What ties a role to another database.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Elsewhere {
    /// The role.
    pub role: Arc<str>,
    /// The database.
    pub database: Arc<str>,
    /// How many objects it owns there.
    pub owns: i64,
    /// On how many objects it has rights there, policies counted.
    pub rights: i64,
}

impl Snapshot {
    /// The rights that a role holds directly, by thing.
    pub fn rights_of<'a>(&'a self, role: &'a str) -> impl Iterator<Item = (&'a Object, &'a Grant)> {
        self.things.iter().flat_map(move |(object, thing)| {
            thing
                .rights
                .iter()
                .filter(move |grant| grant.grantee.role() == Some(role))
                .map(move |grant| (object, grant))
        })
    }

    /// The relation's own part of a thing.
    #[must_use]
    pub fn relation(&self, object: &Object) -> Option<&Relation> {
        match &self.things.get(object)?.detail {
            Detail::Relation(relation) => Some(relation),
            _ => None,
        }
    }

    /// Is a role in another, directly or through others? A role is in itself.
    #[must_use]
    pub fn is_member(&self, member: &str, role: &str) -> bool {
        let mut seen = vec![member];
        let mut at = 0;
        while let Some(here) = seen.get(at).copied() {
            if here == role {
                return true;
            }
            for next in self.members.iter().filter(|next| next.member.as_ref() == here) {
                if !seen.contains(&next.role.as_ref()) {
                    seen.push(&next.role);
                }
            }
            at += 1;
        }
        false
    }
}
