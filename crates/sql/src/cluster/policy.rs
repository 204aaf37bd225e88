//! Row security: enabled, forced, and policies that carry a mark.
//!
//! The server does not keep a policy's expression as it was written, but writes back its own. So a policy gets a
//! comment with two digests: of what was written, and of what the server made of it, which the server itself
//! computes when the policy is made. As long as both fit, the policy is the one that was wanted, and nothing drifts.

use aws_lc_rs::digest::{SHA256, digest};
use tenantry_policy::object::Object;

use super::{Draft, Holder, Statement};

/// A policy as it is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyText<'a> {
    /// The table.
    pub table: &'a Object,
    /// Its name.
    pub name: &'a str,
    /// PERMISSIVE, rather than RESTRICTIVE?
    pub permissive: bool,
    /// `ALL`, `SELECT`, `INSERT`, `UPDATE`, `DELETE`.
    pub command: &'static str,
    /// For whom; everybody when there is nobody.
    pub roles: Vec<Holder<'a>>,
    /// USING
    pub using: Option<&'a str>,
    /// WITH CHECK
    pub check: Option<&'a str>,
}

const PREFIX: &str = "tenantry:v1:";

fn short(text: &str) -> String {
    digest(&SHA256, text.as_bytes()).as_ref().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

fn joined(using: Option<&str>, check: Option<&str>) -> String {
    [using.unwrap_or_default(), "\n--\n", check.unwrap_or_default()].concat()
}

/// The first half of a mark: the digest of what was written.
#[must_use]
pub fn source_mark(using: Option<&str>, check: Option<&str>) -> String {
    [PREFIX, &short(&joined(using, check)), ":"].concat()
}

/// The whole mark of a policy that the server writes back like this.
#[must_use]
pub fn mark_of(source: &str, using: Option<&str>, check: Option<&str>) -> String {
    [source, &short(&joined(using, check))].concat()
}

fn on_table(sql: &mut Draft, table: &Object) {
    if let Object::Table { schema, name } = table {
        sql.pair(schema, name);
    }
}

fn rest(sql: &mut Draft, policy: &PolicyText<'_>) {
    sql.push(" TO ");
    if policy.roles.is_empty() {
        sql.push("PUBLIC");
    }
    for (at, role) in policy.roles.iter().enumerate() {
        if at > 0 {
            sql.push(", ");
        }
        sql.holder(*role);
    }
    if let Some(using) = policy.using {
        sql.push(" USING ").expression(using);
    }
    if let Some(check) = policy.check {
        sql.push(" WITH CHECK ").expression(check);
    }
}

/// CREATE POLICY
#[must_use]
pub fn create_policy(policy: &PolicyText<'_>) -> Statement {
    let mut sql = Draft::new("CREATE POLICY ");
    sql.name(policy.name).push(" ON ");
    on_table(&mut sql, policy.table);
    sql.push(if policy.permissive { " AS PERMISSIVE FOR " } else { " AS RESTRICTIVE FOR " }).push(policy.command);
    rest(&mut sql, policy);
    sql.done()
}

/// ALTER POLICY: roles and expressions. What it is for, and how it combines, only a new one can change; and an
/// expression can be replaced, but not taken away.
#[must_use]
pub fn alter_policy(policy: &PolicyText<'_>) -> Statement {
    let mut sql = Draft::new("ALTER POLICY ");
    sql.name(policy.name).push(" ON ");
    on_table(&mut sql, policy.table);
    rest(&mut sql, policy);
    sql.done()
}

/// DROP POLICY
#[must_use]
pub fn drop_policy(table: &Object, name: &str) -> Statement {
    let mut sql = Draft::new("DROP POLICY ");
    sql.name(name).push(" ON ");
    on_table(&mut sql, table);
    sql.done()
}

/// Puts the mark on a policy that was just made; the server computes its own half.
#[must_use]
pub fn mark_policy(table: &Object, name: &str, source: &str) -> Statement {
    let Object::Table { schema, name: table } = table else { return Draft::new("SELECT").done() };
    let mut body = Draft::new("BEGIN EXECUTE pg_catalog.format('COMMENT ON POLICY %I ON %I.%I IS %L', ");
    body.literal(name).push(", ").literal(schema).push(", ").literal(table).push(", ").literal(source);
    body.push(" || (SELECT pg_catalog.left(pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(");
    body.push("coalesce(pg_catalog.pg_get_expr(p.polqual, p.polrelid), '') || E'\\n--\\n' || ");
    body.push("coalesce(pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid), ''), 'UTF8')), 'hex'), 32) ");
    body.push("FROM pg_catalog.pg_policy p JOIN pg_catalog.pg_class c ON c.oid = p.polrelid ");
    body.push("JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = ").literal(schema);
    body.push(" AND c.relname = ").literal(table).push(" AND p.polname = ").literal(name).push(")); END");
    let body = body.done().text;
    // A tag that the body does not hold, whatever its names are.
    let mut tag = String::from("$tenantry$");
    while body.contains(&tag) {
        tag.insert(1, '_');
    }
    Statement { text: ["DO ", &tag, " ", &body, " ", &tag].concat(), hidden: None }
}

/// ALTER TABLE … ROW LEVEL SECURITY, with only what changes.
#[must_use]
pub fn set_row_security(table: &Object, enabled: Option<bool>, forced: Option<bool>) -> Statement {
    let mut sql = Draft::new("ALTER TABLE ");
    on_table(&mut sql, table);
    if let Some(on) = enabled {
        sql.push(if on { " ENABLE ROW LEVEL SECURITY" } else { " DISABLE ROW LEVEL SECURITY" });
    }
    if let Some(on) = forced {
        sql.push(if enabled.is_some() { "," } else { "" });
        sql.push(if on { " FORCE ROW LEVEL SECURITY" } else { " NO FORCE ROW LEVEL SECURITY" });
    }
    sql.done()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_written_whole() {
        let table = Object::parse("public.\"no tes\"").unwrap();
        let policy = PolicyText {
            table: &table,
            name: "o\"wn",
            permissive: false,
            command: "UPDATE",
            roles: vec![Holder::Role("a"), Holder::Role("b")],
            using: Some("x = 'a'"),
            check: Some("true"),
        };
        assert_eq!(
            create_policy(&policy).sql(),
            "CREATE POLICY \"o\"\"wn\" ON \"public\".\"no tes\" AS RESTRICTIVE FOR UPDATE TO \"a\", \"b\" USING (x = 'a') WITH CHECK (true)"
        );
        assert_eq!(
            set_row_security(&table, Some(true), Some(true)).sql(),
            "ALTER TABLE \"public\".\"no tes\" ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY"
        );
        assert!(mark_policy(&table, "$tenantry$", "x").sql().starts_with("DO $_tenantry$ "));
        assert_ne!(source_mark(Some("a"), None), source_mark(None, Some("a")));
    }
}
