//! PostgreSQL in a database that is given for it: a schema and a role of the rehearsal's own, row security from the
//! rules, and a statement as that role; schema and role go when it ends.

use std::fmt;
use std::sync::Arc;

use tenantry_policy::catalog::{CatalogColumn, Dialect};
use tenantry_policy::redact::HashKey;
use tenantry_policy::value::{format_date, format_timestamp};
use tenantry_policy::{Clock, Policy, Value};
use tenantry_sql::{Program, row_security};
use tenantry_tls::Address;
use tokio_postgres::types::ToSql;

use super::Postgres;
use super::admin::{AdminError, create_role, refused};
use super::catalog::quoted;
use super::session::Session;
use crate::Options;
use crate::answer::{Answer, Redactor};
use crate::error::SourceError;
use crate::rehearsal::{RehearsalError, SOURCE, StagedRow, cells, create_table, staged};
use crate::url::{SourceUrl, Target};

/// A database for rehearsals, open. [`Scratch::close`] takes away what they made.
pub struct Scratch {
    session: Session,
    address: Address,
    /// The name of the schema and of the role.
    name: String,
    clock: Arc<dyn Clock>,
}

impl fmt::Debug for Scratch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scratch").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Scratch {
    /// Makes a schema and a role for rehearsals. Whoever the URL names must be allowed to.
    ///
    /// # Errors
    /// [`RehearsalError::Source`] when it cannot be reached, [`RehearsalError::Admin`] when it refuses.
    pub async fn open(url: &SourceUrl, clock: Arc<dyn Clock>) -> Result<Scratch, RehearsalError> {
        let Target::Postgres(address) = url.target() else {
            return Err(SourceError::Url("a database for rehearsals is one of PostgreSQL".to_owned()).into());
        };
        let session = Session::open(address, 4).await.map_err(SourceError::from)?;
        // Both from the server's own strong randomness: the name is for no other rehearsal, the password for nobody.
        let drawn =
            "SELECT pg_catalog.gen_random_uuid()::pg_catalog.text, pg_catalog.gen_random_uuid()::pg_catalog.text";
        let row = session.client.query_one(drawn, &[]).await.map_err(|error| refused(0, &error))?;
        let read = |at: usize| row.try_get::<_, String>(at).map_err(|error| refused(0, &error));
        let (name, password) = (["tenantry_rehearsal_", &read(0)?.replace('-', "")].concat(), read(1)?);
        let address = address.as_role(&name, &password);
        let made = [
            "BEGIN",
            &create_role(&name, Some(&password)),
            &["CREATE SCHEMA ", &quoted(&name)].concat(),
            &["GRANT USAGE ON SCHEMA ", &quoted(&name), " TO ", &quoted(&name)].concat(),
            "COMMIT",
        ]
        .join("; ");
        session.client.batch_execute(&made).await.map_err(|error| refused(0, &error))?;
        Ok(Scratch { session, address, name, clock })
    }

    /// Makes the policy's tables, puts the rows in, row security on, and runs the program that `decide` makes for the
    /// policy as it is there, as a role that row security holds. Rows are known by their
    /// places. The tables go again.
    ///
    /// # Errors
    /// [`RehearsalError`]; or what `decide` says.
    pub async fn play<E>(
        &self,
        policy: &Policy,
        rows: &[StagedRow],
        decide: impl FnOnce(Policy) -> Result<Program, E>,
    ) -> Result<Result<Answer, E>, RehearsalError> {
        let staged = staged(policy, Dialect::Postgres, &self.name);
        let played = match self.set(&staged, rows).await {
            Ok(()) => self.run(staged.clone(), decide).await,
            Err(error) => {
                let _ = self.session.client.batch_execute("ROLLBACK").await;
                Err(error)
            }
        };
        let titles: Vec<String> = staged.tables.iter().map(|table| self.title(&table.db_name)).collect();
        // Policies of one read others.
        self.execute(&["DROP TABLE IF EXISTS ", &titles.join(", "), " CASCADE"].concat()).await?;
        played
    }

    /// Takes schema and role away.
    ///
    /// # Errors
    /// [`RehearsalError::Admin`]; both are named `tenantry_rehearsal_…` and hold nothing.
    pub async fn close(self) -> Result<(), RehearsalError> {
        let name = quoted(&self.name);
        let gone = ["BEGIN; DROP SCHEMA ", &name, " CASCADE; DROP ROLE ", &name, "; COMMIT"].concat();
        self.execute(&gone).await
    }

    fn title(&self, table: &str) -> String {
        [&quoted(&self.name), ".", &quoted(table)].concat()
    }

    async fn execute(&self, sql: &str) -> Result<(), RehearsalError> {
        Ok(self.session.client.batch_execute(sql).await.map_err(|error| refused(0, &error))?)
    }

    async fn set(&self, staged: &Policy, rows: &[StagedRow]) -> Result<(), RehearsalError> {
        self.execute("BEGIN").await?;
        for table in &staged.tables {
            self.execute(&create_table(table, &self.title(&table.db_name), quoted)).await?;
        }
        for row in rows {
            let Some(table) = staged.table(row.table) else { continue };
            self.put(&self.title(&table.db_name), &cells(table, row)).await?;
        }
        // After the rows: whoever makes the tables need not be beyond row security.
        let script = row_security(staged, SOURCE, &self.name)
            .map_err(|error| RehearsalError::Unable(format!("row security does not render: {error}")))?;
        for ddl in script {
            self.execute(&ddl.sql).await?;
        }
        self.execute("COMMIT").await
    }

    async fn put(&self, table: &str, cells: &[(&CatalogColumn, Option<Value>)]) -> Result<(), RehearsalError> {
        let names: Vec<String> = cells.iter().map(|(facts, _)| quoted(&facts.name)).collect();
        let mut places = Vec::new();
        let mut texts: Vec<Option<String>> = Vec::new();
        for (facts, value) in cells {
            texts.push(value.as_ref().map(text).transpose()?);
            places.push(format!("CAST(${}::pg_catalog.text AS pg_catalog.{})", texts.len(), facts.native));
        }
        let sql = ["INSERT INTO ", table, " (", &names.join(", "), ") VALUES (", &places.join(", "), ")"].concat();
        let parameters: Vec<&(dyn ToSql + Sync)> = texts.iter().map(|text| text as &(dyn ToSql + Sync)).collect();
        let put = self.session.client.execute(&sql, &parameters).await;
        put.map(drop).map_err(|error| match refused(0, &error) {
            AdminError::Refused { code, meaning, .. } => {
                RehearsalError::Unable(format!("PostgreSQL does not take a row: {code} ({meaning})"))
            }
            other => other.into(),
        })
    }

    async fn run<E>(
        &self,
        staged: Policy,
        decide: impl FnOnce(Policy) -> Result<Program, E>,
    ) -> Result<Result<Answer, E>, RehearsalError> {
        let program = match decide(staged) {
            Ok(program) => program,
            Err(error) => return Ok(Err(error)),
        };
        let options = Options { connections: 1, ..Options::default() };
        let name = Arc::from(SOURCE);
        let runtime = Postgres::open(name, &self.address, &options, Arc::clone(&self.clock)).await?;
        let redactor = Redactor { hash: HashKey::derive(b"", "") };
        Ok(Ok(runtime.run(program, redactor).await?))
    }
}

/// A value as the server reads it.
fn text(value: &Value) -> Result<String, RehearsalError> {
    let unable = || RehearsalError::Unable("a moment that no text can say".to_owned());
    Ok(match value {
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Decimal(value) => value.to_string(),
        Value::Text(text) | Value::Json(text) => text.to_string(),
        Value::Uuid(value) => value.hyphenated().to_string(),
        Value::Timestamp(micros) => format_timestamp(*micros).ok_or_else(unable)?,
        Value::Date(days) => format_date(*days).ok_or_else(unable)?,
        Value::Float(value) => value.to_string(),
        Value::Bytes(bytes) => bytes.iter().fold(String::from("\\x"), |text, byte| text + &format!("{byte:02x}")),
    })
}
