//! The pieces of a flush. Polled together, the driver sends them in one go and the server answers
//! them in order; a piece that fails makes the server refuse the rest of its transaction.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::pin::pin;

use futures_util::TryStreamExt as _;
use tenantry_policy::Value;
use tenantry_sql::Program;
use tenantry_sql::program::Param;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Row, Statement};

use super::bind::Argument;
use super::failure::Failure;
use super::pool::Lease;
use super::session::Session;
use crate::error::RunError;

/// Why a call stops.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stop {
    /// The database failed, and nothing is committed.
    Failed(Failure),
    /// The database failed after it was asked to commit a write: that may have happened or not.
    Uncertain,
    /// The answer is no.
    Run(RunError),
}

impl Stop {
    fn leaves_connection(&self) -> bool {
        match self {
            Stop::Failed(failure) => failure.leaves_connection(),
            Stop::Uncertain => false,
            Stop::Run(_) => true,
        }
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Stop::Failed(failure)
    }
}

impl From<RunError> for Stop {
    fn from(error: RunError) -> Self {
        Stop::Run(error)
    }
}

/// The settings of one transaction, as one statement.
pub(super) struct Settings<'a> {
    sql: String,
    values: Vec<Cow<'a, str>>,
}

impl<'a> Settings<'a> {
    /// Those of the program, and its timeout.
    pub(super) fn of(program: &'a Program) -> Settings<'a> {
        // Zero would mean no limit.
        let millis = program.timeout.as_millis().clamp(1, 2_147_483_647);
        let pairs = program.settings.iter().map(|(name, value)| (name.as_str(), Cow::Borrowed(value.as_str())));
        Settings::new(pairs.chain([("statement_timeout", Cow::Owned(millis.to_string()))]))
    }

    /// Names and values, all parameters of one statement whose text is the same for a policy.
    pub(super) fn new(pairs: impl Iterator<Item = (&'a str, Cow<'a, str>)>) -> Settings<'a> {
        let mut sql = "SELECT ".to_owned();
        let mut values = Vec::new();
        for (name, value) in pairs {
            let comma = if values.is_empty() { "" } else { ", " };
            let first = values.len() + 1;
            // Writing into a String cannot fail. `true`: until the end of the transaction.
            let _ = write!(sql, "{comma}pg_catalog.set_config(${first}, ${}, true)", first + 1);
            values.extend([Cow::Borrowed(name), value]);
        }
        Settings { sql, values }
    }

    /// The statement, prepared.
    pub(super) async fn prepare(&self, session: &mut Session) -> Result<Statement, Failure> {
        session.prepare(&self.sql).await
    }

    /// Sets them.
    pub(super) async fn apply(&self, client: &Client, statement: &Statement) -> Result<(), Failure> {
        let values: Vec<&(dyn ToSql + Sync)> = self.values.iter().map(|value| value as &(dyn ToSql + Sync)).collect();
        client.query(statement, &values).await.map(drop).map_err(|error| Failure::of(&error))
    }
}

/// BEGIN, COMMIT and their like.
pub(super) async fn control(client: &Client, text: &'static str) -> Result<(), Failure> {
    client.batch_execute(text).await.map_err(|error| Failure::of(&error))
}

/// Runs a statement and hands each row to `sink` as it comes. When `sink` refuses one, the others
/// are read and left, so that the connection stays usable.
pub(super) async fn each_row(
    client: &Client,
    statement: &Statement,
    params: &[Param],
    keys: &[Vec<Value>],
    mut sink: impl FnMut(Row) -> Result<(), RunError> + Send,
) -> Result<(), Stop> {
    let arguments = Argument::list(params, keys);
    let rows = client.query_raw(statement, arguments).await.map_err(|error| Failure::of(&error))?;
    let mut rows = pin!(rows);
    let mut told = Ok(());
    while let Some(row) = rows.try_next().await.map_err(|error| Failure::of(&error))? {
        if told.is_ok() {
            told = sink(row);
        }
    }
    told.map_err(Stop::Run)
}

/// Runs a statement and keeps its rows.
pub(super) async fn all_rows(client: &Client, statement: &Statement, params: &[Param]) -> Result<Vec<Row>, Stop> {
    let mut rows = Vec::new();
    each_row(client, statement, params, &[], |row| {
        rows.push(row);
        Ok(())
    })
    .await?;
    Ok(rows)
}

/// What stopped a flush: the first piece that failed by itself.
pub(super) fn settle<const N: usize>(pieces: [Result<(), Stop>; N]) -> Result<(), Stop> {
    let mut stops = pieces.into_iter().filter_map(Result::err);
    let Some(mut first) = stops.next() else { return Ok(()) };
    for stop in stops {
        if first == Stop::Failed(Failure::Aborted) {
            first = stop;
        }
    }
    Err(first)
}

/// Gives the connection back when its transaction has ended and it is still good.
pub(super) fn give_back(lease: Lease, ended: bool, told: &Result<(), Stop>) {
    if ended && told.as_ref().err().is_none_or(Stop::leaves_connection) {
        lease.finish();
    }
}

/// Ends the transaction with nothing changed, and gives the connection back if it is still good.
pub(super) async fn roll_back(mut lease: Lease, stop: &Stop) {
    let Ok(session) = lease.session() else { return };
    if stop.leaves_connection() && control(&session.client, "ROLLBACK").await.is_ok() {
        lease.finish();
    }
}
