//! The codes, and what each means.

/// A code of the lint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// The stable code, as waivers name it.
    pub code: &'static str,
    /// What it means, why it matters and what to do.
    pub explanation: &'static str,
}

const fn rule(code: &'static str, explanation: &'static str) -> Rule {
    Rule { code, explanation }
}

/// Every code.
pub const RULES: &[Rule] = &[
    rule(
        "superuser",
        "A superuser is asked nothing: no grant, no row security. A role that people or programs log in as should not \
         be one; CREATEROLE, CREATEDB or ownership do what is mostly meant.",
    ),
    rule(
        "bypassrls",
        "Row security does not exist for a role with BYPASSRLS, so it sees every tenant's rows in every table that it \
         may read.",
    ),
    rule(
        "replication",
        "A role with REPLICATION may stream every change of every table, whatever rights it holds on them.",
    ),
    rule(
        "createrole",
        "Before PostgreSQL 16 a role with CREATEROLE may put itself into any role that is no superuser, the server's \
         own among them. From 16 on it may do so only with roles that it made or administers.",
    ),
    rule(
        "powerful-membership",
        "Some of PostgreSQL's own roles reach past every grant: pg_execute_server_program, pg_read_server_files and \
         pg_write_server_files act as the server's own user; pg_read_all_data and pg_write_all_data hold rights on \
         every table.",
    ),
    rule(
        "runtime-owns",
        "Whoever owns a table may take its row security away. The role that the server connects as must own nothing.",
    ),
    rule("runtime-attributes", "The role that the server connects as needs LOGIN and nothing else."),
    rule(
        "runtime-in-role",
        "What the role that the server connects as may do is exactly what its rules need. Membership in another role \
         adds to that what no rule knows of.",
    ),
    rule(
        "runtime-member",
        "Row security believes the settings of sessions of the role that the server connects as. Whoever is in that \
         role, or may become it, sets them and sees every tenant's rows.",
    ),
    rule("row-security-off", "A governed table whose row security is off has one fence only."),
    rule(
        "force-missing",
        "Without FORCE ROW LEVEL SECURITY the owner of a table, and whoever is in its role, sees every row.",
    ),
    rule(
        "hand-made-policy",
        "A permissive policy that did not come from the file shows rows to a role by rules that nobody proved. For the \
         server's own role the boundary still narrows it; for others nothing does.",
    ),
    rule(
        "partition-unguarded",
        "A partition, or a table that inherits, is a table of its own: read directly, it is asked for its own row \
         security, not for that of the table above it.",
    ),
    rule("truncate", "TRUNCATE empties a table of all tenants at once; row security is not asked."),
    rule(
        "trigger",
        "Whoever may put triggers on a table has code of theirs run with the rights of whoever writes to it.",
    ),
    rule(
        "references",
        "Whoever may point foreign keys at a table can find out which keys it holds, whoever's they are.",
    ),
    rule(
        "many-grantees",
        "PostgreSQL keeps a table's rights in one row, which takes about 2,443 grantees. Give the right to a group and \
         membership to the roles.",
    ),
    rule(
        "slow-under-row-security",
        "Operators that may tell something of their arguments (numeric comparison, LIKE, jsonb, arrays) are not used \
         in an index before row security has spoken, so such a condition reads the whole table.",
    ),
    rule(
        "view-as-owner",
        "A view without security_invoker reads with its owner's rights and its owner's row security. Set \
         security_invoker = true (PostgreSQL 15), or take SELECT on it away.",
    ),
    rule(
        "materialized-copy",
        "A materialized view is a copy of what its owner saw when it was refreshed, without row security.",
    ),
    rule(
        "definer-search-path",
        "A SECURITY DEFINER function without a search_path of its own finds tables and functions where its caller \
         wants it to. Pin it: ALTER FUNCTION ... SET search_path = pg_catalog, pg_temp.",
    ),
    rule(
        "definer-temporary-first",
        "A SECURITY DEFINER function whose search_path does not name pg_temp looks for tables among its caller's \
         temporary ones first: ALTER FUNCTION ... SET search_path = public, pg_temp.",
    ),
    rule(
        "definer-past-row-security",
        "A SECURITY DEFINER function that belongs to a superuser or a role with BYPASSRLS reads every tenant's rows, \
         whoever calls it.",
    ),
    rule(
        "leakproof",
        "A function marked LEAKPROOF runs before row security does, on every tenant's rows. That is right only if it \
         tells nothing of its arguments, not even by an error.",
    ),
    rule("public-grant", "What PUBLIC may do everybody may, every role that will be made included."),
    rule(
        "public-create",
        "Where everybody may make objects, anybody can put a function or table in the way of a name that others look \
         up there.",
    ),
    rule("public-default", "Default privileges for PUBLIC open every table that will be made."),
    rule(
        "seat",
        "An SQL seat (a role with `tenant`) is for people of one account who bring statements of their own. Row security \
         keeps it to its account's rows; this keeps it from whatever row security does not hold: roles that are believed \
         more, owning or making objects that others use, triggers and references on governed tables, columns that \
         `fields` hides or masks, columns that `write` lets nobody set. It warns where a seat lacks a right that the \
         rules of a table which it reads need, so that every query of that table fails.",
    ),
    rule(
        "seat-estimates",
        "People with an SQL seat may EXPLAIN, and the planner's estimates rest on statistics of every account's rows: by \
         asking for many values one learns which are frequent, and where ranges begin. Values that only few may know \
         should have no statistics (SET STATISTICS 0), or no seat that reads their column.",
    ),
];

/// What a code means.
#[must_use]
pub fn explain(code: &str) -> Option<&'static str> {
    RULES.iter().find(|rule| rule.code == code).map(|rule| rule.explanation)
}
