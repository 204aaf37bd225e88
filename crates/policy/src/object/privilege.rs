//! Rights on things of a cluster.

use std::fmt;

/// A right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Privilege {
    /// Read rows or a large object; a sequence's present value.
    Select,
    /// Add rows.
    Insert,
    /// Change rows, a large object, a sequence's value.
    Update,
    /// Remove rows.
    Delete,
    /// Empty a table, past row security.
    Truncate,
    /// Point foreign keys at a table, which tells what it holds.
    References,
    /// Put triggers on a table.
    Trigger,
    /// VACUUM, ANALYZE, REINDEX, LOCK and the like, from PostgreSQL 17 on.
    Maintain,
    /// Look into a schema, use a type, language, wrapper, server or sequence.
    Usage,
    /// Make objects in a schema, schemas in a database, files in a tablespace.
    Create,
    /// Connect to a database.
    Connect,
    /// Make temporary tables in a database.
    Temporary,
    /// Call a function.
    Execute,
    /// SET a parameter that only superusers may set otherwise.
    Set,
    /// ALTER SYSTEM SET a parameter.
    AlterSystem,
}

impl Privilege {
    /// Every right.
    pub const ALL: [Privilege; 15] = [
        Privilege::Select,
        Privilege::Insert,
        Privilege::Update,
        Privilege::Delete,
        Privilege::Truncate,
        Privilege::References,
        Privilege::Trigger,
        Privilege::Maintain,
        Privilege::Usage,
        Privilege::Create,
        Privilege::Connect,
        Privilege::Temporary,
        Privilege::Execute,
        Privilege::Set,
        Privilege::AlterSystem,
    ];

    /// The words in SQL, which `aclexplode` uses too.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Privilege::Select => "SELECT",
            Privilege::Insert => "INSERT",
            Privilege::Update => "UPDATE",
            Privilege::Delete => "DELETE",
            Privilege::Truncate => "TRUNCATE",
            Privilege::References => "REFERENCES",
            Privilege::Trigger => "TRIGGER",
            Privilege::Maintain => "MAINTAIN",
            Privilege::Usage => "USAGE",
            Privilege::Create => "CREATE",
            Privilege::Connect => "CONNECT",
            Privilege::Temporary => "TEMPORARY",
            Privilege::Execute => "EXECUTE",
            Privilege::Set => "SET",
            Privilege::AlterSystem => "ALTER SYSTEM",
        }
    }

    /// Reads the words, in any case.
    #[must_use]
    pub fn parse(text: &str) -> Option<Privilege> {
        if text.eq_ignore_ascii_case("TEMP") {
            return Some(Privilege::Temporary);
        }
        Privilege::ALL.into_iter().find(|privilege| privilege.name().eq_ignore_ascii_case(text))
    }

    /// The first major version of PostgreSQL that has it.
    #[must_use]
    pub fn since(self) -> u32 {
        if self == Privilege::Maintain { 17 } else { 15 }
    }
}

impl fmt::Display for Privilege {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A right as a list of the file names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Right {
    /// Which; `None` for `ALL`, every one that the kind of thing has.
    pub privilege: Option<Privilege>,
    /// May the holder give it on?
    pub grantable: bool,
}
