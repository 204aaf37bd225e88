//! What is to be proved, and what came of it.

use tenantry_policy::{Address, Op};

use crate::witness::Witness;

/// A promise, with its number in the documentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Promise {
    /// 1: what is read is the principal's own, in its reach, shared, or shown by a bypass.
    Read,
    /// 2: what is created is the principal's own or in its write reach.
    Create,
    /// 3: what is changed was.
    UpdateOld,
    /// 4: what it becomes is, and no row moves to another tenant.
    UpdateNew,
    /// 5: what is removed was.
    Delete,
    /// 6: shared rows are written by their owner alone.
    SharedWrite,
    /// 7: an included row is one that the principal may see on its own.
    Include,
    /// 8: a reference written leads to a row of the same tenant, or a shared one.
    Reference,
    /// 9: the boundary hides nothing that the rules show.
    Boundary,
    /// 10: an exception (shared, bypass) has a row that it shows.
    Exception,
    /// 11: a tenant sees its own rows; a reach list is used.
    Own,
    /// 12: each rule changes something.
    Alive,
    /// 14: row security in the database shows what the rules show.
    Security,
    /// 15: a missing attribute never shows more.
    Missing,
    /// 16: keys, views and functions let nothing past.
    Structure,
}

impl Promise {
    /// The number.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Promise::Read => 1,
            Promise::Create => 2,
            Promise::UpdateOld => 3,
            Promise::UpdateNew => 4,
            Promise::Delete => 5,
            Promise::SharedWrite => 6,
            Promise::Include => 7,
            Promise::Reference => 8,
            Promise::Boundary => 9,
            Promise::Exception => 10,
            Promise::Own => 11,
            Promise::Alive => 12,
            Promise::Security => 14,
            Promise::Missing => 15,
            Promise::Structure => 16,
        }
    }

    /// The stable name, in waivers and reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Promise::Read => "read-own",
            Promise::Create => "create-own",
            Promise::UpdateOld => "update-own",
            Promise::UpdateNew => "update-stays",
            Promise::Delete => "delete-own",
            Promise::SharedWrite => "shared-read-only",
            Promise::Include => "include-visible",
            Promise::Reference => "reference-own",
            Promise::Boundary => "boundary-idle",
            Promise::Exception => "exception-used",
            Promise::Own => "own-visible",
            Promise::Alive => "rule-alive",
            Promise::Security => "security-equal",
            Promise::Missing => "missing-narrows",
            Promise::Structure => "structure",
        }
    }

    /// What it says, for people.
    #[must_use]
    pub fn says(self) -> &'static str {
        match self {
            Promise::Read => "only own, reached, shared and bypassed rows are read",
            Promise::Create => "only own rows are created",
            Promise::UpdateOld => "only own rows are changed",
            Promise::UpdateNew => "a changed row stays with its tenant",
            Promise::Delete => "only own rows are removed",
            Promise::SharedWrite => "shared rows are written by their owner alone",
            Promise::Include => "an included row is visible on its own",
            Promise::Reference => "a reference leads to a row of the same tenant or a shared one",
            Promise::Boundary => "the boundary hides nothing that the rules show",
            Promise::Exception => "the exception shows some row",
            Promise::Own => "a tenant sees its own rows",
            Promise::Alive => "the rule changes something",
            Promise::Security => "row security in the database shows what the rules show",
            Promise::Missing => "a missing attribute shows nothing more",
            Promise::Structure => "nothing lets callers past the rules",
        }
    }
}

/// One thing to prove.
#[derive(Debug, Clone, PartialEq)]
pub struct Obligation {
    /// Which promise.
    pub promise: Promise,
    /// The table, by the name that callers use.
    pub table: String,
    /// For which operation, where it differs.
    pub op: Option<Op>,
    /// About which rule, relation or attribute: its address.
    pub about: Option<Address>,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of an obligation.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// No principal and no rows break it.
    Proved,
    /// These do.
    Leaks(Box<Witness>),
    /// What should be possible is; this shows it.
    Shown(Box<Witness>),
    /// What should be possible is not: a dead rule, a stale exception, a tenant that sees nothing.
    Idle(&'static str),
    /// It could not be looked through.
    Undecided(String),
    /// What the solver found does not happen where it was tried: neither a proof nor a leak, and a fault of this
    /// program.
    Fault(String),
}

impl Outcome {
    /// Is isolation broken or open?
    #[must_use]
    pub fn is_leak(&self) -> bool {
        matches!(self, Outcome::Leaks(_))
    }
}

/// A fact of the database on which proofs rest.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Assumption {
    /// The table.
    pub table: String,
    /// For example `tenant_id is NOT NULL`.
    pub fact: String,
}
