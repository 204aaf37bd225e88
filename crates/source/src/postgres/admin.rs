//! The owner's side of a PostgreSQL source: what `tenantry apply` reads and changes. The server that
//! answers calls never opens one of these.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};

use tenantry_policy::catalog::Catalog;
use tenantry_policy::database::Database;
use tokio_postgres::types::FromSql;
use tokio_postgres::{Client, Row};

use super::CATALOG;
use super::catalog::{self, quoted};
use super::cluster::{self, Snapshot};
use super::database;
use super::failure::Failure;
use super::flush::control;
use super::replay;
use super::session::Session;
use crate::error::SourceError;
use crate::url::{SourceUrl, Target};

pub use super::replay::{Act, Placed, Trial, Tried};

/// The advisory lock that every apply to one database takes: the letters `tenantry`.
const LOCK: i64 = 0x7465_6e61_6e74_7279;

/// The administrator's step did not happen. Nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AdminError {
    /// The database cannot be used.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// A statement was refused.
    #[error("statement {} was refused with SQLSTATE {code}: {meaning}", .statement.saturating_add(1))]
    Refused {
        /// Which one, counted from 0.
        statement: usize,
        /// The SQLSTATE.
        code: String,
        /// What that means.
        meaning: &'static str,
    },
    /// The server takes reads only.
    #[error("the database is read-only: {}", if *.standby { "the server is a standby" } else { "its settings say so" })]
    ReadOnly {
        /// Is it a standby?
        standby: bool,
    },
    /// Something else changed the same rows of the catalog at the same time. Trying again is safe.
    #[error("something else changed the same roles or rights at the same time")]
    Contended,
    /// The connection was lost while the transaction was committed.
    #[error("the connection was lost while the changes were committed: all of them have happened, or none")]
    Uncertain,
    /// Another apply, or a long transaction, holds what this one needs.
    #[error("another transaction holds the database's lock for applying, or one of its tables")]
    Locked,
}

impl AdminError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            AdminError::Source(error) => error.code(),
            AdminError::Refused { .. } => "apply-refused",
            AdminError::Locked => "apply-locked",
            AdminError::ReadOnly { .. } => "apply-read-only",
            AdminError::Contended => "apply-contended",
            AdminError::Uncertain => "apply-uncertain",
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            AdminError::Source(error) => error.hint(),
            AdminError::ReadOnly { standby: true } => "let `admin_url` name the primary",
            AdminError::ReadOnly { standby: false } => {
                "ALTER DATABASE … RESET default_transaction_read_only, when it is meant to change"
            }
            AdminError::Contended => "apply again",
            AdminError::Uncertain => "plan again: the next plan says what is left to do",
            AdminError::Refused { code, .. } if code == "42501" => {
                "let `admin_url` connect as a superuser, or as the owner of what is changed; roles need CREATEROLE"
            }
            AdminError::Refused { code, .. } if code == "54000" => "grant to a group, and make the roles members of it",
            AdminError::Refused { .. } => {
                "connect as the owner of the tables (`admin_url`), and print the statements with `--dry-run`"
            }
            AdminError::Locked => "wait for the other to end, then apply again",
        }
    }
}

/// A login role as the database has it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RoleState {
    /// Its name.
    pub name: String,
    /// May it log in?
    pub login: bool,
    /// Is it beyond row security: SUPERUSER or BYPASSRLS?
    pub unbound: bool,
    /// May it make roles, databases or replicas?
    pub creates: bool,
    /// The roles that it is a direct member of.
    pub member_of: Vec<String>,
}

/// A table's fence as the database has it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TableState {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// Its owner.
    pub owner: String,
    /// Is row security enabled?
    pub enabled: bool,
    /// Is it forced on the owner too?
    pub forced: bool,
    /// The policies, by name.
    pub policies: Vec<PolicyState>,
    /// Who may do what with the whole table: grantee (`PUBLIC` for everybody) and privilege.
    pub grants: Vec<(String, String)>,
}

/// A policy of row security as the database has it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PolicyState {
    /// Its name.
    pub name: String,
    /// Permissive, or restrictive?
    pub permissive: bool,
    /// `ALL`, `SELECT`, `INSERT`, `UPDATE` or `DELETE`.
    pub command: String,
    /// The roles that it is for; `PUBLIC` for everybody.
    pub roles: Vec<String>,
    /// USING, as the server writes it back.
    pub using: Option<String>,
    /// WITH CHECK, as the server writes it back.
    pub check: Option<String>,
}

const ROLE: &str = "\
SELECT r.rolname, r.rolcanlogin, r.rolsuper OR r.rolbypassrls, r.rolcreaterole OR r.rolcreatedb OR r.rolreplication,
       ARRAY(SELECT g.rolname::pg_catalog.text FROM pg_catalog.pg_auth_members m
               JOIN pg_catalog.pg_roles g ON g.oid = m.roleid WHERE m.member = r.oid
              ORDER BY g.rolname::pg_catalog.text COLLATE \"C\")
  FROM pg_catalog.pg_roles r WHERE r.rolname = $1::pg_catalog.text
";

const TABLE: &str = "\
SELECT n.nspname, c.relname, pg_catalog.pg_get_userbyid(c.relowner), c.relrowsecurity, c.relforcerowsecurity,
       c.oid
  FROM ROWS FROM (pg_catalog.unnest($1::pg_catalog.text[]), pg_catalog.unnest($2::pg_catalog.text[]))
         WITH ORDINALITY AS wanted(schema, name, place)
  JOIN pg_catalog.pg_namespace n ON n.nspname = wanted.schema
  JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = wanted.name AND c.relkind IN ('r', 'p')
 ORDER BY wanted.place
";

const POLICIES: &str = "\
SELECT p.polrelid, p.polname, p.polpermissive,
       CASE p.polcmd WHEN '*' THEN 'ALL' WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE'
            ELSE 'DELETE' END,
       ARRAY(SELECT CASE WHEN r.id = 0 THEN 'PUBLIC' ELSE pg_catalog.pg_get_userbyid(r.id)::pg_catalog.text END
               FROM pg_catalog.unnest(p.polroles) AS r(id)),
       pg_catalog.pg_get_expr(p.polqual, p.polrelid), pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid)
  FROM pg_catalog.pg_policy p WHERE p.polrelid = ANY ($1::pg_catalog.oid[])
 ORDER BY p.polname::pg_catalog.text COLLATE \"C\"
";

const GRANTS: &str = "\
SELECT c.oid, CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE pg_catalog.pg_get_userbyid(a.grantee)::pg_catalog.text END,
       a.privilege_type
  FROM pg_catalog.pg_class c
 CROSS JOIN LATERAL pg_catalog.aclexplode(coalesce(c.relacl, pg_catalog.acldefault('r', c.relowner))) AS a
 WHERE c.oid = ANY ($1::pg_catalog.oid[])
 ORDER BY 2, 3
";

/// A connection of the owner.
pub struct Admin {
    session: Session,
}

impl fmt::Debug for Admin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Admin(…)")
    }
}

impl Admin {
    /// Connects as whoever the URL names.
    ///
    /// # Errors
    /// [`SourceError::Url`] for a SQLite file, [`SourceError::Tls`] when the server is not to be spoken to,
    /// [`SourceError::Unavailable`] otherwise.
    pub async fn connect(url: &SourceUrl) -> Result<Admin, SourceError> {
        let Target::Postgres(address) = url.target() else {
            return Err(SourceError::Url("row security needs PostgreSQL".to_owned()));
        };
        let session = Session::open(address, 16).await?;
        Ok(Admin { session })
    }

    /// The tables as the owner sees them.
    ///
    /// # Errors
    /// [`SourceError`] when they cannot be read.
    pub async fn catalog(&self) -> Result<Catalog, SourceError> {
        Ok(catalog::read(&self.session.client).await?)
    }

    /// The cluster's roles, and the database's rights, owners and row security, at one moment.
    ///
    /// # Errors
    /// [`SourceError`] when they cannot be read.
    pub async fn snapshot(&self) -> Result<Snapshot, SourceError> {
        match tokio::time::timeout(CATALOG, cluster::read(&self.session.client, true)).await {
            Ok(Ok(snapshot)) => Ok(snapshot),
            Ok(Err(failure)) => {
                // The transaction may be open still; a lost connection ends it as well.
                let _ = control(&self.session.client, "ROLLBACK").await;
                Err(failure.into())
            }
            Err(_) => Err(Failure::Timeout.into()),
        }
    }

    /// Who may see which rows: roles, tables and views, policies of row security, functions.
    ///
    /// # Errors
    /// [`SourceError`] when it cannot be read.
    pub async fn database(&self) -> Result<Database, SourceError> {
        Ok(database::read(&self.session.client).await?)
    }

    /// Tries a leak on the real database, in a transaction that is rolled back. `database` is what
    /// [`Admin::database`] read.
    ///
    /// # Errors
    /// [`SourceError`] when the connection is lost.
    pub async fn replay(&self, database: &Database, trial: &Trial) -> Result<Tried, SourceError> {
        Ok(replay::replay(&self.session.client, database, trial).await?)
    }

    /// A role; `None` when there is none of that name.
    ///
    /// # Errors
    /// [`SourceError`] when it cannot be read.
    pub async fn role(&self, name: &str) -> Result<Option<RoleState>, SourceError> {
        let found = self.session.client.query_opt(ROLE, &[&name]).await.map_err(|error| Failure::of(&error))?;
        let Some(row) = found else { return Ok(None) };
        Ok(Some(RoleState {
            name: get(&row, 0)?,
            login: get(&row, 1)?,
            unbound: get(&row, 2)?,
            creates: get(&row, 3)?,
            member_of: get(&row, 4)?,
        }))
    }

    /// The fences of these tables, given by schema and name, in their order; absent ones are left out.
    ///
    /// # Errors
    /// [`SourceError`] when they cannot be read.
    pub async fn fences(&self, tables: &[(String, String)]) -> Result<Vec<TableState>, SourceError> {
        let (schemas, names): (Vec<&str>, Vec<&str>) =
            tables.iter().map(|(schema, name)| (schema.as_str(), name.as_str())).unzip();
        let client = &self.session.client;
        let found = client.query(TABLE, &[&schemas, &names]).await.map_err(|error| Failure::of(&error))?;
        let oids = found.iter().map(|row| get::<u32>(row, 5)).collect::<Result<Vec<_>, _>>()?;
        let policies = client.query(POLICIES, &[&oids]).await.map_err(|error| Failure::of(&error))?;
        let grants = client.query(GRANTS, &[&oids]).await.map_err(|error| Failure::of(&error))?;
        let mut states = Vec::with_capacity(found.len());
        for (row, oid) in found.iter().zip(oids) {
            let mut state = TableState {
                schema: get(row, 0)?,
                name: get(row, 1)?,
                owner: get(row, 2)?,
                enabled: get(row, 3)?,
                forced: get(row, 4)?,
                policies: Vec::new(),
                grants: Vec::new(),
            };
            for row in of(&policies, oid)? {
                state.policies.push(PolicyState {
                    name: get(row, 1)?,
                    permissive: get(row, 2)?,
                    command: get(row, 3)?,
                    roles: get(row, 4)?,
                    using: get(row, 5)?,
                    check: get(row, 6)?,
                });
            }
            for row in of(&grants, oid)? {
                state.grants.push((get(row, 1)?, get(row, 2)?));
            }
            states.push(state);
        }
        Ok(states)
    }

    /// Runs the statements, which the sql room made, in one transaction under the database's lock for
    /// applying: all of them or none.
    ///
    /// # Errors
    /// [`AdminError`]; nothing has changed then.
    pub async fn apply(&mut self, statements: &[String]) -> Result<(), AdminError> {
        let client = &self.session.client;
        let done = apply_all(client, statements).await;
        if done.is_err() {
            // The transaction may be open still; a lost connection ends it as well.
            let _ = control(client, "ROLLBACK").await;
        }
        done
    }

    /// Takes the database's lock for applying, for as long as this connection lives, or a minute at the most.
    ///
    /// # Errors
    /// [`AdminError::Locked`] when another apply holds it for too long.
    pub async fn lock(&mut self) -> Result<(), AdminError> {
        let client = &self.session.client;
        let settings = "SET lock_timeout = '10s'; SET statement_timeout = '10min'; \
                        SET idle_in_transaction_session_timeout = '60s'";
        client.batch_execute(settings).await.map_err(|error| refused(0, &error))?;
        // Not a transaction's lock: what a transaction of repeatable reads sees begins with its first statement, and
        // must begin after the wait.
        let lock = "SELECT pg_catalog.pg_advisory_lock($1::pg_catalog.int8)";
        client.execute(lock, &[&LOCK]).await.map_err(|error| refused(0, &error))?;
        Ok(())
    }

    /// Begins a transaction that sees one moment of the catalog.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn begin(&self) -> Result<Change<'_>, AdminError> {
        let client = &self.session.client;
        client
            .batch_execute("BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            .await
            .map_err(|error| refused(0, &error))?;
        Ok(Change { client, done: AtomicUsize::new(0) })
    }

    /// Runs a statement that no transaction can hold.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn run_alone(&self, statement: &str) -> Result<(), AdminError> {
        self.session.client.batch_execute(statement).await.map_err(|error| refused(0, &error))
    }

    /// Makes the runtime role unless there is one of that name. Says whether it made it.
    ///
    /// The password is turned into a SCRAM verifier here, so that neither the server nor its log ever
    /// gets it (RFC 5802).
    ///
    /// # Errors
    /// [`AdminError`]; nothing has changed then.
    pub async fn ensure_role(&mut self, name: &str, password: Option<&str>) -> Result<bool, AdminError> {
        if self.role(name).await?.is_some() {
            return Ok(false);
        }
        match self.apply(&[create_role(name, password)]).await {
            Ok(()) => Ok(true),
            // Somebody else made it between the two.
            Err(AdminError::Refused { code, .. }) if code == "42710" || code == "23505" => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// A transaction of the owner's. What is not committed has not happened.
pub struct Change<'a> {
    client: &'a Client,
    /// Statements so far.
    done: AtomicUsize,
}

impl fmt::Debug for Change<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Change(…)")
    }
}

impl Change<'_> {
    /// What the catalog says now, the transaction's own changes included.
    ///
    /// # Errors
    /// [`AdminError::Source`].
    pub async fn snapshot(&self) -> Result<Snapshot, AdminError> {
        match tokio::time::timeout(CATALOG, cluster::read(self.client, false)).await {
            Ok(snapshot) => Ok(snapshot.map_err(SourceError::from)?),
            Err(_) => Err(SourceError::from(Failure::Timeout).into()),
        }
    }

    /// Runs a statement, which the sql room made.
    ///
    /// # Errors
    /// [`AdminError`]; the transaction can only be rolled back then.
    pub async fn run(&self, statement: &str) -> Result<(), AdminError> {
        let number = self.done.fetch_add(1, Ordering::Relaxed);
        self.client.batch_execute(statement).await.map_err(|error| refused(number, &error))
    }

    /// Makes it so.
    ///
    /// # Errors
    /// [`AdminError::Uncertain`] when the connection was lost on the way; otherwise nothing has changed.
    pub async fn commit(self) -> Result<(), AdminError> {
        self.client.batch_execute("COMMIT").await.map_err(|error| {
            match refused(self.done.load(Ordering::Relaxed), &error) {
                AdminError::Source(SourceError::Unavailable(_)) => AdminError::Uncertain,
                other => other,
            }
        })
    }

    /// Undoes it. A lost connection does the same.
    pub async fn rollback(self) {
        let _ = control(self.client, "ROLLBACK").await;
    }
}

/// The statement that makes a runtime role. Holds a SCRAM verifier: for the database, not for people.
pub(super) fn create_role(name: &str, password: Option<&str>) -> String {
    let mut sql = ["CREATE ROLE ", &quoted(name)].concat();
    sql.push_str(" LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOREPLICATION");
    if let Some(password) = password {
        // Base64, digits, `$` and `:` only: nothing in it ends a literal.
        let verifier = postgres_protocol::password::scram_sha_256(password.as_bytes());
        sql.push_str(" PASSWORD '");
        sql.push_str(&verifier);
        sql.push('\'');
    }
    sql
}

async fn apply_all(client: &Client, statements: &[String]) -> Result<(), AdminError> {
    let begun = async {
        client.batch_execute("BEGIN; SET LOCAL lock_timeout = '10s'; SET LOCAL statement_timeout = '10min'").await?;
        client.execute("SELECT pg_catalog.pg_advisory_xact_lock($1::pg_catalog.int8)", &[&LOCK]).await
    };
    begun.await.map_err(|error| refused(0, &error))?;
    for (at, statement) in statements.iter().enumerate() {
        client.batch_execute(statement).await.map_err(|error| refused(at, &error))?;
    }
    client.batch_execute("COMMIT").await.map_err(|error| refused(statements.len().saturating_sub(1), &error))
}

pub(super) fn refused(statement: usize, error: &tokio_postgres::Error) -> AdminError {
    let code = error.code().map(|code| code.code().to_owned()).unwrap_or_default();
    let meaning = match Failure::of(error) {
        // Two transactions that grant on the same thing: the server names it by no code of its own.
        _ if code == "XX000" && told(error, "tuple concurrently updated") => return AdminError::Contended,
        _ if matches!(code.as_str(), "40001" | "40P01") => return AdminError::Contended,
        Failure::Busy => return AdminError::Locked,
        Failure::ReadOnly => return AdminError::ReadOnly { standby: false },
        failure @ (Failure::Unavailable | Failure::Login | Failure::Tls(_)) => {
            return AdminError::Source(failure.into());
        }
        Failure::Missing => "a table, column, type, function or role that it names is not there",
        Failure::RowSecurity | Failure::Grant => "this role may not do that",
        Failure::Timeout => "it took too long",
        // The rights on a thing are one row of the catalog, which is kept whole.
        _ if code == "54000" => {
            "a row of the catalog would be too long: too many roles hold rights on one thing directly"
        }
        _ if code.starts_with("42") => "the database does not accept it as it stands",
        _ if code.starts_with("2BP") => "other objects depend on what it removes",
        _ => "the database refuses it",
    };
    AdminError::Refused { statement, code, meaning }
}

fn told(error: &tokio_postgres::Error, words: &str) -> bool {
    error.as_db_error().is_some_and(|told| told.message() == words)
}

fn of(rows: &[Row], oid: u32) -> Result<Vec<&Row>, Failure> {
    let mut own = Vec::new();
    for row in rows {
        if get::<u32>(row, 0)? == oid {
            own.push(row);
        }
    }
    Ok(own)
}

fn get<'a, T: FromSql<'a>>(row: &'a Row, at: usize) -> Result<T, Failure> {
    row.try_get(at).map_err(|_| Failure::Internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_role_is_quoted_and_its_password_does_not_travel() {
        let sql = create_role("ap\"p", Some("sesame'\\"));
        assert!(
            sql.starts_with("CREATE ROLE \"ap\"\"p\" LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE"),
            "{sql}"
        );
        assert!(sql.contains(" PASSWORD 'SCRAM-SHA-256$4096:") && !sql.contains("sesame"), "{sql}");
        assert_eq!(sql.matches('\'').count(), 2);
    }
}
