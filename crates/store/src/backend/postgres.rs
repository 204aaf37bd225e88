//! The store on PostgreSQL, which several servers may share.

mod append;
mod change;

use std::ops::ControlFlow;
use std::pin::pin;
use std::sync::mpsc;
use std::time::Duration;

use deadpool_postgres::{Client, Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime};
use futures_util::TryStreamExt;
use parking_lot::Mutex;
use tenantry_tls::{Address, Refusal};
use tokio::sync::{mpsc as async_mpsc, oneshot};
use tokio_postgres::IsolationLevel;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, private::BytesMut, to_sql_checked};

use self::append::{Caller, Job, append_all};
use super::{Cell, Param, Reading, Row};
use crate::audit::chain::SealKey;
use crate::{Entry, Phase, Receipt, StoreError};

/// The most connections of one server.
const MAX_CONNECTIONS: usize = 8;

/// The longest that a connection, a batch with all its tries, or a write may take. A server that has
/// fallen silent must not keep callers waiting: without a record they do not act.
const PATIENCE: Duration = Duration::from_secs(5);

/// The longest that a read may wait for its next row. A whole read may take much longer.
const NEXT_ROW: Duration = Duration::from_secs(10);

/// How long the network may leave what we sent unanswered before the connection counts as lost.
const SILENCE: Duration = Duration::from_secs(15);

/// What every connection is told.
///
/// Between two statements of a transaction lie milliseconds. One that is idle for longer belongs to a
/// connection whose end the server has not seen; it would keep the chains' heads locked for everybody.
///
/// Every statement here has its index. But a plan that was made while a table was small reads all of it, and
/// is kept until the server next looks at the table's size, a minute or more after a large import; so plans
/// are not to read whole tables where there is another way. Where there is none, the price at which the planner then
/// puts the statement would set off its compiler, which takes longer than the statement.
const OPTIONS: &str = "-c idle_in_transaction_session_timeout=4000 -c enable_seqscan=off -c jit=off";

/// Held while the tables are brought up to date, so that servers that start together take turns.
const MIGRATION_LOCK: i64 = 0x7465_6e61_6e74_7279;

/// The store on PostgreSQL. Appending goes through one task that commits in batches; the lock on
/// the heads' rows keeps servers that share the store in line.
pub(crate) struct Postgres {
    pool: Pool,
    /// Set by [`Postgres::unlock`].
    sender: Mutex<Option<async_mpsc::UnboundedSender<Job>>>,
}

impl Postgres {
    pub(crate) async fn open(url: &str) -> Result<Postgres, StoreError> {
        let address = Address::parse(url).map_err(StoreError::Postgres)?;
        let connector = address.connector().map_err(StoreError::Tls)?;
        let mut config = address.config().clone();
        let options = match config.get_options() {
            Some(own) => [own, " ", OPTIONS].concat(),
            None => OPTIONS.to_owned(),
        };
        config.options(options).application_name("tenantry-store");
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(PATIENCE);
        }
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(SILENCE);
        }
        let manager =
            Manager::from_config(config, connector, ManagerConfig { recycling_method: RecyclingMethod::Fast });
        let pool = Pool::builder(manager)
            .max_size(MAX_CONNECTIONS)
            .wait_timeout(Some(PATIENCE))
            .create_timeout(Some(PATIENCE))
            .recycle_timeout(Some(PATIENCE))
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|_| StoreError::Unavailable { why: "no connection pool".to_owned() })?;
        let mut client = pool.get().await.map_err(|error| pool_error(&error))?;
        client
            .execute("SELECT pg_advisory_lock($1)", &[&MIGRATION_LOCK])
            .await
            .map_err(|error| postgres_error(&error))?;
        let migrated = super::postgres_runner()?.run_async(&mut **client.as_mut()).await;
        let released = client.execute("SELECT pg_advisory_unlock($1)", &[&MIGRATION_LOCK]).await;
        migrated.map_err(|error| super::migration_error(&error))?;
        released.map_err(|error| postgres_error(&error))?;
        drop(client);
        Ok(Postgres { pool, sender: Mutex::new(None) })
    }

    /// Starts the task that appends. It ends with the store.
    pub(crate) fn unlock(&self, key: SealKey) {
        let (sender, receiver) = async_mpsc::unbounded_channel();
        *self.sender.lock() = Some(sender);
        tokio::spawn(append_all(self.pool.clone(), key, receiver));
    }

    /// `end`: the phase and time of the act's end, for one that is over.
    pub(crate) async fn append(&self, entry: Entry, end: Option<(Phase, i64)>) -> Result<Receipt, StoreError> {
        let (sender, receiver) = oneshot::channel();
        self.send(Job { entry, end, caller: Caller::Waiting(sender) })?;
        receiver.await.map_err(|_| StoreError::Closed)?
    }

    pub(crate) fn append_blocking(&self, entry: Entry) -> Result<Receipt, StoreError> {
        let (sender, receiver) = mpsc::sync_channel(1);
        self.send(Job { entry, end: None, caller: Caller::Blocked(sender) })?;
        receiver.recv().map_err(|_| StoreError::Closed)?
    }

    fn send(&self, job: Job) -> Result<(), StoreError> {
        let sender = self.sender.lock().clone().ok_or(StoreError::Closed)?;
        sender.send(job).map_err(|_| StoreError::Closed)
    }

    pub(crate) async fn read<S>(&self, readings: Vec<Reading<S>>, mut state: S) -> Result<S, StoreError> {
        let mut client = self.client().await?;
        match read_all(&mut client, readings, &mut state).await {
            Ok(()) => Ok(state),
            Err(error) => {
                give_up_if_lost(&self.pool, client, &error);
                Err(error)
            }
        }
    }

    pub(crate) async fn write(&self, sql: &'static str, params: &[Param]) -> Result<u64, StoreError> {
        let client = self.client().await?;
        let written = soon(PATIENCE, async {
            let statement = client.prepare_cached(sql).await?;
            client.execute_raw(&statement, params).await
        });
        match written.await {
            Ok(count) => Ok(count),
            Err(error) => {
                give_up_if_lost(&self.pool, client, &error);
                Err(error)
            }
        }
    }

    async fn client(&self) -> Result<Client, StoreError> {
        self.pool.get().await.map_err(|error| pool_error(&error))
    }
}

/// Waits for the server's answer, but not for ever.
async fn soon<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Result<T, StoreError> {
    match tokio::time::timeout(limit, work).await {
        Ok(answer) => answer.map_err(|error| postgres_error(&error)),
        Err(_) => Err(silent()),
    }
}

fn silent() -> StoreError {
    StoreError::Unavailable { why: "no answer in time".to_owned() }
}

fn give_up_if_lost(pool: &Pool, client: Client, error: &StoreError) {
    if matches!(error, StoreError::Unavailable { .. }) {
        give_up(pool, client);
    }
}

/// Closes a connection that no longer answers, and those that lie idle: they lead the same way.
///
/// INVARIANT: it never goes back to the pool, which would lend it out again, since it is not closed.
fn give_up(pool: &Pool, client: Client) {
    drop(Object::take(client));
    pool.retain(|_, _| false);
}

async fn read_all<S>(client: &mut Client, readings: Vec<Reading<S>>, state: &mut S) -> Result<(), StoreError> {
    let builder = client.build_transaction().isolation_level(IsolationLevel::RepeatableRead).read_only(true);
    let transaction = soon(NEXT_ROW, builder.start()).await?;
    for reading in readings {
        let statement = soon(NEXT_ROW, transaction.prepare_cached(reading.sql)).await?;
        let rows = soon(NEXT_ROW, transaction.query_raw(&statement, &reading.params)).await?;
        let mut rows = pin!(rows);
        while let Some(row) = soon(NEXT_ROW, rows.try_next()).await? {
            if (reading.step)(state, &Row::Postgres(&row)) == ControlFlow::Break(()) {
                break;
            }
        }
    }
    soon(NEXT_ROW, transaction.commit()).await
}

/// Borrows a column's bytes as they came.
struct Raw<'a>(&'a Type, &'a [u8]);

impl<'a> FromSql<'a> for Raw<'a> {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        // The column's type is a constant of the driver or lives as long as the row; only its three
        // kinds below matter.
        let ty: &'static Type = match *ty {
            Type::INT8 => &Type::INT8,
            Type::TEXT => &Type::TEXT,
            Type::BYTEA => &Type::BYTEA,
            _ => &Type::UNKNOWN,
        };
        Ok(Raw(ty, raw))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

pub(super) fn cell(row: &tokio_postgres::Row, place: usize) -> Cell<'_> {
    match row.try_get::<_, Option<Raw<'_>>>(place) {
        Ok(None) => Cell::Null,
        Ok(Some(Raw(ty, raw))) => match *ty {
            Type::INT8 => raw.try_into().map_or(Cell::Foreign, |bytes| Cell::Int(i64::from_be_bytes(bytes))),
            Type::TEXT => std::str::from_utf8(raw).map_or(Cell::Foreign, Cell::Text),
            Type::BYTEA => Cell::Bytes(raw),
            _ => Cell::Foreign,
        },
        Err(_) => Cell::Foreign,
    }
}

impl ToSql for Param {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Param::Int(value) => value.to_sql(ty, out),
            Param::Text(text) => text.to_sql(ty, out),
            Param::Bytes(bytes) => bytes.to_sql(ty, out),
            Param::MaybeBytes(bytes) => bytes.to_sql(ty, out),
            Param::Texts(texts) => texts.to_sql(ty, out),
        }
    }

    fn accepts(ty: &Type) -> bool {
        matches!(*ty, Type::INT8 | Type::TEXT | Type::BYTEA | Type::TEXT_ARRAY)
    }

    to_sql_checked!();
}

fn pool_error(error: &deadpool_postgres::PoolError) -> StoreError {
    match error {
        deadpool_postgres::PoolError::Backend(error) => postgres_error(error),
        _ => StoreError::Unavailable { why: "no connection in time".to_owned() },
    }
}

/// PostgreSQL's code, without the message, which may hold values.
fn postgres_error(error: &tokio_postgres::Error) -> StoreError {
    match error.code() {
        Some(code) => match code.code() {
            "53100" => StoreError::Full,
            // Deadlock and serialization: PostgreSQL undid the transaction in favour of another one.
            "40P01" | "40001" | "55P03" => StoreError::Busy,
            // Connection, resources, operator intervention, and authentication.
            code if ["08", "53", "57", "28"].iter().any(|class| code.starts_with(class)) => {
                StoreError::Unavailable { why: ["PostgreSQL ", code].concat() }
            }
            code => StoreError::Database { why: ["PostgreSQL ", code].concat() },
        },
        None if error.is_closed() => StoreError::Unavailable { why: "connection closed".to_owned() },
        None if let Some(refusal) = Refusal::of(error) => StoreError::Tls(refusal),
        // The driver's own words here name what it did, never a value.
        None => StoreError::Unavailable { why: error.to_string() },
    }
}
