//! Does the real database do what the prover found? The rows of a leak are put in, the role and the settings of
//! its session are taken, and the act is tried; all of it in one transaction that is rolled back.
//!
//! Triggers and foreign keys are off meanwhile (`session_replication_role`), so that nothing else happens; only a
//! superuser may do that, so only a superuser's connection replays.

use tenantry_policy::Type;
use tenantry_policy::database::{Database, DbColumn, Relation};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Error};

use super::catalog::quoted;
use super::failure::Failure;

/// A row of a leak.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// Its table's schema.
    pub schema: String,
    /// Its table's name.
    pub table: String,
    /// Columns and their values as text; the others get whatever their types take.
    pub cells: Vec<(String, Option<String>)>,
}

/// What is tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// Read the first row.
    Read,
    /// Read a view, by schema and name, before the rows are there and after.
    View(String, String),
    /// Insert this row.
    Create(Placed),
    /// Change the first row into this one.
    Update(Placed),
    /// Remove the first row.
    Delete,
}

/// A leak, to be tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trial {
    /// The role; `None` for one without rights of its own.
    pub role: Option<String>,
    /// Who logged in, where that was another one.
    pub login: Option<String>,
    /// Give the role the table's privileges first, where nobody has them yet?
    pub grant: bool,
    /// Settings of its session.
    pub settings: Vec<(String, String)>,
    /// Rows that are there, the one in question first (but for [`Act::Create`]).
    pub rows: Vec<Placed>,
    /// What is tried.
    pub act: Act,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tried {
    /// The database did it.
    Done,
    /// The database did not.
    Refused(String),
    /// It could not be tried.
    Unable(String),
}

/// Tables with more rows than this are not changed without saying which row, for as long as a rollback takes.
const FEW: i64 = 1000;

/// Tries it.
pub(super) async fn replay(client: &Client, database: &Database, trial: &Trial) -> Result<Tried, Failure> {
    let begun = client
        .batch_execute(
            "BEGIN; SET LOCAL lock_timeout = '2s'; SET LOCAL statement_timeout = '10s'; \
             SET LOCAL session_replication_role = 'replica'",
        )
        .await;
    let tried = match begun {
        Ok(()) => Scene { client, database, trial }.play().await,
        Err(_) => Ok(Tried::Unable("only a superuser's connection replays".to_owned())),
    };
    client.batch_execute("ROLLBACK").await.map_err(|error| Failure::of(&error))?;
    let is = |of: &&Relation| trial.rows.first().is_some_and(|row| of.schema == row.schema && of.name == row.table);
    let heirs = database.relations.iter().find(is).is_some_and(|of| of.heirs);
    match (tried, &trial.act) {
        // What its own constraints refuse, those of an heir, in which the row may be, need not.
        (Ok(Tried::Refused(why)), Act::Update(_)) if heirs => Ok(Tried::Unable(why)),
        (tried, _) => tried,
    }
}

struct Scene<'a> {
    client: &'a Client,
    database: &'a Database,
    trial: &'a Trial,
}

/// Where a row was put: its table's identifier, and its place.
type Spot = (u32, String);

impl Scene<'_> {
    async fn play(&self) -> Result<Tried, Failure> {
        let role = match self.role().await {
            Ok(role) => role,
            Err(error) => return Ok(unable("its role cannot be taken", &error)),
        };
        let mut before = 0;
        if let Act::View(schema, name) = &self.trial.act {
            match self.count(&role, schema, name).await {
                Ok(count) => before = count,
                Err(error) => return Ok(unable("the view cannot be read", &error)),
            }
        }
        let mut first: Option<Spot> = None;
        for row in &self.trial.rows {
            match self.put(row).await {
                Ok(spot) => first = first.or(Some(spot)),
                Err(Put::Error(error)) => {
                    return Ok(unable(&format!("a row of `{}` cannot be made", row.table), &error));
                }
                Err(Put::Unknown(why)) => return Ok(Tried::Unable(why)),
            }
        }
        if let Act::View(schema, name) = &self.trial.act {
            return Ok(match self.count(&role, schema, name).await {
                Ok(after) if after > before => Tried::Done,
                Ok(_) => Tried::Refused("the view does not show the row".to_owned()),
                Err(error) => refused(&error),
            });
        }
        if let Err(error) = self.become_role(&role).await {
            return Ok(unable("its session cannot be made", &error));
        }
        match (&self.trial.act, first) {
            (Act::Create(row), _) => match self.put_as_caller(row).await {
                Ok(()) => Ok(Tried::Done),
                Err(Put::Error(error)) => Ok(refused(&error)),
                Err(Put::Unknown(why)) => Ok(Tried::Unable(why)),
            },
            (_, None) => Ok(Tried::Unable("it speaks of no row".to_owned())),
            (Act::Read, Some(spot)) => Ok(match self.sees(&spot).await {
                Ok(true) => Tried::Done,
                Ok(false) => Tried::Refused("the database does not show the row".to_owned()),
                Err(error) => refused(&error),
            }),
            (act, Some(spot)) => self.change(act, &spot).await,
        }
    }

    /// The role, made where there is none that stands for everybody.
    async fn role(&self) -> Result<String, Error> {
        let role = match &self.trial.role {
            Some(role) => role.clone(),
            None => {
                let number = self.client.query_one("SELECT pg_catalog.pg_backend_pid()::pg_catalog.text", &[]).await?;
                let name = ["tenantry_replay_", number.try_get::<_, &str>(0)?].concat();
                self.client.batch_execute(&["CREATE ROLE ", &quoted(&name)].concat()).await?;
                name
            }
        };
        if self.trial.grant {
            for row in self.trial.rows.iter().chain(match &self.trial.act {
                Act::Create(row) => Some(row),
                _ => None,
            }) {
                let schema = quoted(&row.schema);
                let sql = ["GRANT USAGE ON SCHEMA ", &schema, " TO ", &quoted(&role)].concat();
                self.client.batch_execute(&sql).await?;
                let table = [&schema, ".", &quoted(&row.table)].concat();
                let sql = ["GRANT SELECT, INSERT, UPDATE, DELETE ON ", &table, " TO ", &quoted(&role)].concat();
                self.client.batch_execute(&sql).await?;
            }
        }
        Ok(role)
    }

    async fn become_role(&self, role: &str) -> Result<(), Error> {
        for (name, value) in &self.trial.settings {
            self.client.execute("SELECT pg_catalog.set_config($1, $2, true)", &[name, value]).await?;
        }
        let login = quoted(self.trial.login.as_deref().unwrap_or(role));
        let role = quoted(role);
        self.client
            .batch_execute(&["SET LOCAL SESSION AUTHORIZATION ", &login, "; SET LOCAL ROLE ", &role].concat())
            .await
    }

    async fn count(&self, role: &str, schema: &str, name: &str) -> Result<i64, Error> {
        self.become_role(role).await?;
        let sql = ["SELECT pg_catalog.count(*) FROM ", &quoted(schema), ".", &quoted(name)].concat();
        let count = self.client.query_one(&sql, &[]).await?.try_get(0)?;
        self.client.batch_execute("RESET SESSION AUTHORIZATION").await?;
        Ok(count)
    }

    fn relation(&self, row: &Placed) -> Result<&Relation, Put> {
        let is = |relation: &&Relation| relation.schema == row.schema && relation.name == row.table;
        self.database.relations.iter().find(is).ok_or_else(|| Put::Unknown("a table went".to_owned()))
    }

    /// `INSERT INTO …` and its parameters.
    fn insert<'r>(&self, row: &'r Placed) -> Result<(String, Vec<&'r Option<String>>), Put> {
        let relation = self.relation(row)?;
        let (mut names, mut values, mut parameters) = (Vec::new(), Vec::new(), Vec::new());
        for column in relation.columns.iter().filter(|column| !column.generated) {
            let known = row.cells.iter().find(|(name, _)| *name == column.name);
            match known {
                Some((_, value)) => {
                    parameters.push(value);
                    values.push(format!("CAST(${}::pg_catalog.text AS {})", parameters.len(), column.native));
                }
                None if column.nullable || column.has_default => continue,
                None => values.push(filler(column).ok_or_else(|| {
                    Put::Unknown(format!("`{}` of `{}` takes a {}", column.name, relation.name, column.native))
                })?),
            }
            names.push(quoted(&column.name));
        }
        let table = [&quoted(&row.schema), ".", &quoted(&row.table)].concat();
        let sql = if names.is_empty() {
            ["INSERT INTO ", &table, " DEFAULT VALUES"].concat()
        } else {
            let (names, values) = (names.join(", "), values.join(", "));
            ["INSERT INTO ", &table, " (", &names, ") OVERRIDING SYSTEM VALUE VALUES (", &values, ")"].concat()
        };
        Ok((sql, parameters))
    }

    async fn put(&self, row: &Placed) -> Result<Spot, Put> {
        let (sql, parameters) = self.insert(row)?;
        let sql = [&sql, " RETURNING tableoid, ctid::pg_catalog.text"].concat();
        let parameters: Vec<&(dyn ToSql + Sync)> =
            parameters.iter().map(|value| *value as &(dyn ToSql + Sync)).collect();
        let row = self.client.query_one(&sql, &parameters).await?;
        Ok((row.try_get(0)?, row.try_get(1)?))
    }

    async fn put_as_caller(&self, row: &Placed) -> Result<(), Put> {
        let (sql, parameters) = self.insert(row)?;
        let parameters: Vec<&(dyn ToSql + Sync)> =
            parameters.iter().map(|value| *value as &(dyn ToSql + Sync)).collect();
        self.client.execute(&sql, &parameters).await?;
        Ok(())
    }

    fn table(&self) -> String {
        let first = self.trial.rows.first();
        first.map(|row| [&quoted(&row.schema), ".", &quoted(&row.table)].concat()).unwrap_or_default()
    }

    async fn sees(&self, (table, place): &Spot) -> Result<bool, Error> {
        let sql =
            ["SELECT FROM ", &self.table(), " WHERE tableoid = $1 AND ctid = $2::pg_catalog.text::pg_catalog.tid"]
                .concat();
        Ok(!self.client.query(&sql, &[table, place]).await?.is_empty())
    }

    /// An update or a delete: of the row by its place, which takes that it may be read; and blindly, of all rows,
    /// where the table has few.
    async fn change(&self, act: &Act, spot: &Spot) -> Result<Tried, Failure> {
        let (head, parameters) = match self.statement(act) {
            Ok(statement) => statement,
            Err(Put::Unknown(why)) => return Ok(Tried::Unable(why)),
            Err(Put::Error(error)) => return Ok(refused(&error)),
        };
        let mut all: Vec<&(dyn ToSql + Sync)> = parameters.iter().map(|value| *value as &(dyn ToSql + Sync)).collect();
        let count = all.len();
        let place = format!(
            " WHERE tableoid = ${} AND ctid = ${}::pg_catalog.text::pg_catalog.tid",
            count.saturating_add(1),
            count.saturating_add(2)
        );
        all.push(&spot.0);
        all.push(&spot.1);
        if self.client.batch_execute("SAVEPOINT aimed").await.is_err() {
            return Ok(Tried::Unable("it cannot be tried twice".to_owned()));
        }
        match self.client.execute(&[head.as_str(), place.as_str()].concat(), &all).await {
            Ok(1..) => return Ok(Tried::Done),
            Ok(0) => {}
            // It may be a column that may not be read.
            Err(_) => {}
        }
        all.truncate(count);
        self.client.batch_execute("ROLLBACK TO aimed").await.map_err(|error| Failure::of(&error))?;
        let few = self.database.relations.iter().find(|relation| {
            self.trial.rows.first().is_some_and(|row| row.schema == relation.schema && row.table == relation.name)
        });
        if few.and_then(|relation| relation.rows).is_some_and(|rows| rows > FEW) {
            return Ok(Tried::Unable("it is done without reading, to every row, and the table has many".to_owned()));
        }
        if let Err(error) = self.client.execute(&head, &all).await {
            return Ok(refused(&error));
        }
        let gone = async {
            self.client.batch_execute("RESET SESSION AUTHORIZATION").await?;
            self.sees(spot).await.map(|seen| !seen)
        };
        Ok(match gone.await {
            Ok(true) => Tried::Done,
            Ok(false) => Tried::Refused("the database leaves the row alone".to_owned()),
            Err(error) => refused(&error),
        })
    }

    /// May the role set a column? Whoever is given the rights of the table first, may.
    fn may_set(&self, relation: &Relation, column: usize) -> bool {
        let role = self.trial.role.as_ref();
        let known = role.and_then(|name| self.database.roles.iter().find(|known| known.name == *name));
        let of = |grantee: &String| grantee == "PUBLIC" || known.is_some_and(|role| role.acts_as.contains(grantee));
        self.trial.grant
            || known.is_some_and(|role| role.superuser || role.acts_as.iter().any(|of| of == "pg_write_all_data"))
            || relation.grants.iter().any(|grant| {
                grant.privilege == "UPDATE" && grant.column.is_none_or(|of| of == column) && of(&grant.grantee)
            })
    }

    fn statement<'r>(&'r self, act: &'r Act) -> Result<(String, Vec<&'r Option<String>>), Put> {
        let table = self.table();
        let Act::Update(row) = act else { return Ok((["DELETE FROM ", &table].concat(), Vec::new())) };
        let relation = self.relation(row)?;
        let before = self.trial.rows.first();
        let same = |name: &String, value: &Option<String>| {
            before.is_some_and(|before| before.cells.iter().any(|(known, was)| known == name && was == value))
        };
        let (mut parts, mut parameters) = (Vec::new(), Vec::new());
        for (name, value) in row.cells.iter().filter(|(name, value)| !same(name, value)) {
            let Some(column) = relation.columns.iter().find(|column| column.name == *name) else { continue };
            parameters.push(value);
            let place = parameters.len();
            parts.push(format!("{} = CAST(${place}::pg_catalog.text AS {})", quoted(name), column.native));
        }
        if parts.is_empty() {
            // Nothing that the rules read changes: a column is set to what it is, or to anything, without being read.
            let may = |name: &str| relation.column(name).is_some_and(|column| self.may_set(relation, column));
            let cells = row.cells.iter().chain(before.into_iter().flat_map(|before| &before.cells));
            let known = cells.clone().find(|(name, _)| may(name)).or_else(|| {
                let any = relation.columns.iter().any(|column| may(&column.name));
                if any { None } else { cells.clone().next() }
            });
            let named = known.and_then(|(name, _)| relation.columns.iter().find(|column| column.name == *name));
            if let (Some((name, value)), Some(column)) = (known, named) {
                parameters.push(value);
                parts.push([&quoted(name), " = CAST($1::pg_catalog.text AS ", &column.native, ")"].concat());
            } else {
                let fits = |column: &&DbColumn| !column.generated && may(&column.name) && filler(column).is_some();
                let any = relation.columns.iter().rev().find(fits);
                let set = any.and_then(|column| Some([&quoted(&column.name), " = ", &filler(column)?].concat()));
                parts.push(set.ok_or_else(|| Put::Unknown("it has no column to change".to_owned()))?);
            }
        }
        Ok((["UPDATE ", &table, " SET ", &parts.join(", ")].concat(), parameters))
    }
}

/// Why a row was not put.
enum Put {
    Error(Error),
    Unknown(String),
}

impl From<Error> for Put {
    fn from(error: Error) -> Put {
        Put::Error(error)
    }
}

/// Whatever a column takes.
fn filler(column: &DbColumn) -> Option<String> {
    if let Some(label) = column.labels.first() {
        return Some(["'", &label.replace('\'', "''"), "'"].concat());
    }
    let value = match column.ty {
        Some(Type::Bool) => "false",
        Some(Type::Int | Type::Decimal | Type::Float) => "1",
        Some(Type::Text) => "'x'",
        Some(Type::Uuid) => "pg_catalog.gen_random_uuid()",
        Some(Type::Timestamp | Type::Date) => "pg_catalog.now()",
        Some(Type::Json) => "'{}'",
        Some(Type::Bytes) => "''",
        None if column.native.ends_with("[]") => "'{}'",
        None => return None,
    };
    Some(value.to_owned())
}

fn code(error: &Error) -> String {
    // The text of an error may hold values of rows.
    error.code().map(|code| ["SQLSTATE ", code.code()].concat()).unwrap_or_else(|| "no answer".to_owned())
}

fn unable(what: &str, error: &Error) -> Tried {
    Tried::Unable([what, ": ", &code(error)].concat())
}

fn refused(error: &Error) -> Tried {
    use tokio_postgres::error::SqlState;
    // One code for two refusals: row security says so in words, which do not depend on a row.
    let is_policy = error.as_db_error().is_some_and(|error| error.message().contains("row-level security"));
    if error.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE) && !is_policy {
        return Tried::Unable("the role lacks a privilege that it takes".to_owned());
    }
    Tried::Refused(["the database refuses it: ", &code(error)].concat())
}
