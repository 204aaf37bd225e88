//! SQL seats: login roles of PostgreSQL for people of one account who bring their own SQL.
//!
//! Whose rows a seat sees is kept in a table by the name that its session logged in as, which nothing that a session
//! may do can change: no setting, no `SET ROLE`, no function of its own. To the rules a seat is a principal that has
//! a `tenant_id` and nothing else, so whatever else a rule reads is UNKNOWN and lets nothing through.
//!
//! This file has the names and texts that the rooms agree on: the one that writes them into a database, and the
//! ones that look whether they are there as written.

use crate::table::{DeleteMode, Op, OpSet, Table};

/// The schema of what seats rest on.
pub const SCHEMA: &str = "tenantry";

/// The table that says whose a seat is.
pub const TABLE: &str = "seat";

/// The function that answers for the session that asks.
pub const FUNCTION: &str = "seat_tenant";

/// The function's body. It runs as its owner, with [`SEARCH_PATH`].
pub const BODY: &str = "SELECT s.tenant FROM tenantry.seat AS s WHERE s.role = session_user";

/// What the function looks names up in.
pub const SEARCH_PATH: &str = "pg_catalog, pg_temp";

/// What names of policies for seats begin with.
pub const POLICIES: &str = "tenantry:seat:";

/// What names of roles begin with that are made from here, and that no file may name.
pub const ROLES: &str = "tenantry:";

/// The role that every seat of a database is a member of, and that policies for seats are for. Roles are the whole
/// cluster's, so it is named after the database; within PostgreSQL's 63 bytes, a longer name with a digest.
#[must_use]
pub fn group(database: &str) -> String {
    const MOST: usize = 63;
    let whole = [ROLES, "seats:", database].concat();
    if whole.len() <= MOST {
        return whole;
    }
    // FNV-1a: nobody gains anything from databases of one's own cluster whose names collide.
    let digest = database
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    let end = format!("~{digest:016x}");
    let mut short = String::new();
    for c in whole.chars() {
        if short.len() + c.len_utf8() + end.len() > MOST {
            break;
        }
        short.push(c);
    }
    short + &end
}

impl Table {
    /// What a seat may be let do with rows, where its role holds the privilege: what the file lets callers do by
    /// themselves. What takes a reason or somebody's approval needs the data tools, which ask for it; so does a
    /// soft delete, whose row the seat would not see any more.
    #[must_use]
    pub fn seat_ops(&self) -> OpSet {
        let writes = &self.writes;
        let alone =
            |op: Op| !writes.require_reason && writes.approval.as_ref().is_none_or(|approval| !approval.on.has(op));
        OpSet::of(Op::ALL.into_iter().filter(|op| match op {
            Op::Read => true,
            Op::Create => writes.create.is_some() && alone(*op),
            Op::Update => !writes.update.is_empty() && alone(*op),
            Op::Delete => writes.delete == DeleteMode::Hard && alone(*op),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_group_of_a_database_has_a_name_of_its_own_that_fits() {
        assert_eq!(group("app"), "tenantry:seats:app");
        let (long, other) = (group(&"é".repeat(31)), group(&("é".repeat(30) + "e")));
        assert!(long.len() <= 63 && other.len() <= 63, "{long} {other}");
        assert_ne!(long, other);
    }
}
