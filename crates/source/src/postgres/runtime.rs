//! Is the role that we run as one that row security binds?
//!
//! Asked on every new connection and again and again while the server runs, because a role can gain
//! power, and a table can lose its row security, at any time.

use tokio_postgres::{Client, Row};

use super::failure::Failure;

/// A governed table: its schema and its name in the database.
pub(super) type Governed = (String, String);

/// Why the role must not be used, or why that could not be found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Finding {
    /// It must not be used.
    Unsafe(String),
    /// The question failed.
    Failed(Failure),
}

const SESSION: &str = "\
SELECT pg_catalog.current_setting('server_version_num')::pg_catalog.int4,
       pg_catalog.current_setting('standard_conforming_strings') = 'on',
       pg_catalog.current_setting('search_path') = 'pg_catalog,pg_temp',
       pg_catalog.current_setting('row_security') = 'on',
       pg_catalog.current_setting('session_replication_role') = 'origin',
       pg_catalog.current_setting('server_encoding') = 'UTF8',
       pg_catalog.current_setting('TimeZone') IN ('UTC', 'Etc/UTC', 'GMT'),
       session_user = current_user
";

const ROLE: &str = "\
SELECT r.rolname::pg_catalog.text, r.rolsuper, r.rolbypassrls, r.rolcreaterole, r.rolreplication,
       (SELECT pg_catalog.min(p.rolname::pg_catalog.text COLLATE \"C\") FROM pg_catalog.pg_roles p
         WHERE p.oid <> r.oid
           AND (p.rolsuper OR p.rolbypassrls OR p.rolcreaterole OR p.rolreplication
                OR p.rolname IN ('pg_execute_server_program', 'pg_read_server_files', 'pg_write_server_files',
                                 'pg_create_subscription'))
           AND pg_catalog.pg_has_role(r.oid, p.oid, 'MEMBER'))
  FROM pg_catalog.pg_roles r WHERE r.rolname = current_user
";

const TABLES: &str = "\
SELECT wanted.schema, wanted.name, c.oid IS NULL, c.relkind::pg_catalog.text, c.relrowsecurity, c.relforcerowsecurity,
       pg_catalog.pg_has_role(current_user, c.relowner, 'MEMBER')
  FROM ROWS FROM (pg_catalog.unnest($1::pg_catalog.text[]), pg_catalog.unnest($2::pg_catalog.text[])) AS wanted(schema, name)
  LEFT JOIN (pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace)
         ON n.nspname = wanted.schema AND c.relname = wanted.name
";

/// Looks at a new connection's server and settings, which do not change later.
///
/// # Errors
/// [`Finding`].
pub(super) async fn check_session(client: &Client) -> Result<(), Finding> {
    let row = one(client, SESSION).await?;
    let version: i32 = get(&row, 0)?;
    if version < 150_000 {
        return Err(Finding::Unsafe("the server is older than PostgreSQL 15".to_owned()));
    }
    for (at, wanted) in [
        (1, "standard_conforming_strings is not on"),
        (2, "search_path is not as Tenantry set it"),
        (3, "row_security is not on"),
        (4, "session_replication_role is not origin"),
        (5, "the database's encoding is not UTF8"),
        (6, "TimeZone is not UTC"),
        (7, "the role that logs in is not the one that runs"),
    ] {
        if !get::<bool>(&row, at)? {
            return Err(Finding::Unsafe(wanted.to_owned()));
        }
    }
    Ok(())
}

/// Looks at the role and at the tables that it is to be bound by.
///
/// # Errors
/// [`Finding`].
pub(super) async fn check_role(client: &Client, tables: &[Governed]) -> Result<(), Finding> {
    let row = one(client, ROLE).await?;
    let role: String = get(&row, 0)?;
    for (at, power) in [(1, "SUPERUSER"), (2, "BYPASSRLS"), (3, "CREATEROLE"), (4, "REPLICATION")] {
        if get::<bool>(&row, at)? {
            return Err(Finding::Unsafe(["role `", &role, "` has ", power].concat()));
        }
    }
    if let Some(member) = get::<Option<String>>(&row, 5)? {
        let reason = ["role `", &role, "` is a member of `", &member, "`, which has power beyond row security"];
        return Err(Finding::Unsafe(reason.concat()));
    }
    if tables.is_empty() {
        return Ok(());
    }
    let (schemas, names): (Vec<&str>, Vec<&str>) =
        tables.iter().map(|(schema, name)| (schema.as_str(), name.as_str())).unzip();
    let rows = client.query(TABLES, &[&schemas, &names]).await.map_err(|error| Finding::Failed(Failure::of(&error)))?;
    for row in rows {
        if let Some(fault) = table_fault(&row)? {
            let (schema, name) = (get::<String>(&row, 0)?, get::<String>(&row, 1)?);
            return Err(Finding::Unsafe(["table `", &schema, ".", &name, "` ", fault].concat()));
        }
    }
    Ok(())
}

fn table_fault(row: &Row) -> Result<Option<&'static str>, Finding> {
    if get::<bool>(row, 2)? {
        return Ok(Some("is not there, or not to be seen by the runtime role"));
    }
    if !matches!(get::<String>(row, 3)?.as_str(), "r" | "p") {
        return Ok(Some("is not a table, so row security cannot govern it"));
    }
    if get::<bool>(row, 6)? {
        return Ok(Some("belongs to the runtime role, or to a role that it is a member of"));
    }
    if !get::<bool>(row, 4)? {
        return Ok(Some("has no row security enabled; run `tenantry apply`"));
    }
    if !get::<bool>(row, 5)? {
        return Ok(Some("does not force row security on its owner; run `tenantry apply`"));
    }
    Ok(None)
}

async fn one(client: &Client, sql: &str) -> Result<Row, Finding> {
    client.query_one(sql, &[]).await.map_err(|error| Finding::Failed(Failure::of(&error)))
}

fn get<'a, T: tokio_postgres::types::FromSql<'a>>(row: &'a Row, at: usize) -> Result<T, Finding> {
    row.try_get(at).map_err(|_| Finding::Failed(Failure::Internal))
}
