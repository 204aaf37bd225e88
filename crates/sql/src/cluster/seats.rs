//! What SQL seats rest on: a table that says whose each seat is, and the function that answers for a session.
//!
//! The table is closed twice: nobody holds a right on it, and row security shows nobody but its owner a row of it.
//! The function runs as the owner, looks nothing up where its caller could have put something in the way, and
//! asks for nothing but the name that the session logged in as.

use tenantry_policy::seat::{BODY, FUNCTION, SCHEMA, SEARCH_PATH, TABLE};

use super::{Draft, Statement};

/// The table's shape, as a snapshot of the catalog tells it.
pub const SHAPE: &str = "table, role name not null, tenant text not null; PRIMARY KEY (role); row security";

/// The function, as a snapshot of the catalog tells it.
pub const DEFINITION: &str = "text, sql, stable, security definer, search_path=pg_catalog, pg_temp: \
                              SELECT s.tenant FROM tenantry.seat AS s WHERE s.role = session_user";

/// CREATE TABLE, with the row security that closes it.
#[must_use]
pub fn create_table() -> Vec<Statement> {
    let mut table = Draft::new("CREATE TABLE ");
    table.pair(SCHEMA, TABLE).push(" (role pg_catalog.name PRIMARY KEY, tenant pg_catalog.text NOT NULL)");
    let mut security = Draft::new("ALTER TABLE ");
    security.pair(SCHEMA, TABLE).push(" ENABLE ROW LEVEL SECURITY");
    vec![table.done(), security.done()]
}

/// DROP TABLE, of one that is there and is not as it should be, or is not needed any more.
#[must_use]
pub fn drop_table() -> Statement {
    Draft::new("DROP TABLE ").pair(SCHEMA, TABLE).done()
}

/// CREATE OR REPLACE FUNCTION
#[must_use]
pub fn create_function() -> Statement {
    let mut sql = Draft::new("CREATE OR REPLACE FUNCTION ");
    sql.pair(SCHEMA, FUNCTION).push("() RETURNS pg_catalog.text LANGUAGE sql STABLE SECURITY DEFINER");
    // A list of names: each is one of its own.
    sql.push(" SET search_path TO ");
    for (at, name) in SEARCH_PATH.split(", ").enumerate() {
        sql.push(if at > 0 { ", " } else { "" }).name(name);
    }
    sql.push(" AS ").literal(BODY).done()
}

/// DROP FUNCTION
#[must_use]
pub fn drop_function() -> Statement {
    Draft::new("DROP FUNCTION ").pair(SCHEMA, FUNCTION).push("()").done()
}

/// Takes back what anybody but the owners holds on the table and the function, PostgreSQL's own gifts and those of
/// default privileges included, and the right to make things in the schema.
#[must_use]
pub fn close() -> Statement {
    let mut body = Draft::new("DECLARE r record; BEGIN FOR r IN ");
    body.push("SELECT 'ALL ON TABLE' AS what, pg_catalog.format('%I.%I', ").literal(SCHEMA).push(", ").literal(TABLE);
    body.push(") AS thing, a.grantee FROM pg_catalog.pg_class c, LATERAL (SELECT x.grantee FROM ");
    body.push("pg_catalog.aclexplode(c.relacl) x UNION SELECT x.grantee FROM pg_catalog.pg_attribute k, ");
    body.push("pg_catalog.aclexplode(k.attacl) x WHERE k.attrelid = c.oid) a ");
    body.push("WHERE c.relnamespace = pg_catalog.to_regnamespace(").literal(SCHEMA);
    body.push(") AND c.relname = ").literal(TABLE).push(" AND a.grantee <> c.relowner UNION ");
    body.push("SELECT 'ALL ON FUNCTION', pg_catalog.format('%I.%I()', ").literal(SCHEMA).push(", ").literal(FUNCTION);
    body.push("), a.grantee FROM pg_catalog.pg_proc p, ");
    body.push("pg_catalog.aclexplode(coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))) a ");
    body.push("WHERE p.pronamespace = pg_catalog.to_regnamespace(").literal(SCHEMA);
    body.push(") AND p.proname = ").literal(FUNCTION).push(" AND p.pronargs = 0 AND a.grantee <> p.proowner UNION ");
    body.push("SELECT 'CREATE ON SCHEMA', pg_catalog.quote_ident(").literal(SCHEMA);
    body.push("), a.grantee FROM pg_catalog.pg_namespace n, pg_catalog.aclexplode(n.nspacl) a ");
    body.push("WHERE n.nspname = ")
        .literal(SCHEMA)
        .push(" AND a.grantee <> n.nspowner AND a.privilege_type = 'CREATE' ");
    body.push("LOOP EXECUTE pg_catalog.format('REVOKE %s %s FROM %s CASCADE', r.what, r.thing, CASE r.grantee ");
    body.push("WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(r.grantee)) END); ");
    body.push("END LOOP; END");
    let body = body.done().text;
    Statement { text: ["DO $tenantry$ ", &body, " $tenantry$"].concat(), hidden: None }
}

/// GRANT EXECUTE on the function to the seats' group, whose policies ask it.
#[must_use]
pub fn let_ask(group: &str) -> Statement {
    let mut sql = Draft::new("GRANT EXECUTE ON FUNCTION ");
    sql.pair(SCHEMA, FUNCTION).push("() TO ").name(group).done()
}

/// Says whose a seat is.
#[must_use]
pub fn set_seat(role: &str, tenant: &str) -> Statement {
    let mut sql = Draft::new("INSERT INTO ");
    sql.pair(SCHEMA, TABLE).push(" (role, tenant) VALUES (").literal(role).push(", ").literal(tenant);
    sql.push(") ON CONFLICT (role) DO UPDATE SET tenant = excluded.tenant").done()
}

/// Takes a seat away; a role that has none sees nothing by the policies of seats.
#[must_use]
pub fn end_seat(role: &str) -> Statement {
    Draft::new("DELETE FROM ").pair(SCHEMA, TABLE).push(" WHERE role = ").literal(role).done()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_what_is_looked_for() {
        assert!(DEFINITION.ends_with(BODY) && DEFINITION.contains(&format!("search_path={SEARCH_PATH}:")));
        assert_eq!(
            create_function().sql(),
            "CREATE OR REPLACE FUNCTION \"tenantry\".\"seat_tenant\"() RETURNS pg_catalog.text LANGUAGE sql STABLE \
             SECURITY DEFINER SET search_path TO \"pg_catalog\", \"pg_temp\" AS 'SELECT s.tenant FROM tenantry.seat AS s \
             WHERE s.role = session_user'"
        );
        assert_eq!(
            set_seat("o'r", "a\\b").sql(),
            "INSERT INTO \"tenantry\".\"seat\" (role, tenant) VALUES ('o''r', E'a\\\\b') ON CONFLICT (role) DO UPDATE SET \
             tenant = excluded.tenant"
        );
    }
}
