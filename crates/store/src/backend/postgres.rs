//! The store on PostgreSQL, which several servers may share.

mod change;

use std::ops::ControlFlow;
use std::pin::pin;
use std::sync::mpsc;
use std::time::Duration;

use deadpool_postgres::{Client, Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime, Transaction};
use futures_util::future::try_join_all;
use futures_util::{TryFutureExt, TryStreamExt};
use parking_lot::Mutex;
use tenantry_tls::{Address, Refusal};
use tokio::sync::{mpsc as async_mpsc, oneshot};
use tokio_postgres::IsolationLevel;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, private::BytesMut, to_sql_checked};

use super::{Cell, Param, Reading, Row};
use crate::audit::chain::{self, Encoder, Roster, SealKey, Tail};
use crate::audit::sql;
use crate::{Entry, Hash, Receipt, StoreError};

/// The most entries in one commit.
const MAX_BATCH: usize = 256;

/// The most connections of one server.
const MAX_CONNECTIONS: usize = 8;

/// How often a batch is tried, as long as nothing of it can have been written.
const TRIES: usize = 3;

/// The longest that a connection, a batch with all its tries, or a write may take. A server that has
/// fallen silent must not keep callers waiting: without a record they do not act.
const PATIENCE: Duration = Duration::from_secs(5);

/// The longest that a read may wait for its next row. A whole read may take much longer.
const NEXT_ROW: Duration = Duration::from_secs(10);

/// How long the network may leave what we sent unanswered before the connection counts as lost.
const SILENCE: Duration = Duration::from_secs(15);

/// Between two statements of a transaction lie milliseconds. One that is idle for longer belongs to a
/// connection whose end the server has not seen; it would keep the chains' heads locked for everybody.
const OPTIONS: &str = "-c idle_in_transaction_session_timeout=4000";

/// Held while the tables are brought up to date, so that servers that start together take turns.
const MIGRATION_LOCK: i64 = 0x7465_6e61_6e74_7279;

/// The store on PostgreSQL. Appending goes through one task that commits in batches; the lock on
/// the heads' rows keeps servers that share the store in line.
pub(crate) struct Postgres {
    pool: Pool,
    /// Set by [`Postgres::unlock`].
    sender: Mutex<Option<async_mpsc::UnboundedSender<Job>>>,
}

/// An entry and whom to tell. The queue needs no bound: each caller waits for its answer.
struct Job {
    entry: Entry,
    caller: Caller,
}

enum Caller {
    Waiting(oneshot::Sender<Result<Receipt, StoreError>>),
    Blocked(mpsc::SyncSender<Result<Receipt, StoreError>>),
}

impl Caller {
    fn answer(self, answer: Result<Receipt, StoreError>) {
        // Nobody may be waiting any more; the entry is kept all the same.
        match self {
            Caller::Waiting(sender) => drop(sender.send(answer)),
            Caller::Blocked(sender) => drop(sender.send(answer)),
        }
    }
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

    pub(crate) async fn append(&self, entry: Entry) -> Result<Receipt, StoreError> {
        let (sender, receiver) = oneshot::channel();
        self.send(Job { entry, caller: Caller::Waiting(sender) })?;
        receiver.await.map_err(|_| StoreError::Closed)?
    }

    pub(crate) fn append_blocking(&self, entry: Entry) -> Result<Receipt, StoreError> {
        let (sender, receiver) = mpsc::sync_channel(1);
        self.send(Job { entry, caller: Caller::Blocked(sender) })?;
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

async fn append_all(pool: Pool, key: SealKey, mut receiver: async_mpsc::UnboundedReceiver<Job>) {
    let mut encoder = Encoder::new();
    let mut jobs = Vec::with_capacity(MAX_BATCH);
    loop {
        jobs.clear();
        if receiver.recv_many(&mut jobs, MAX_BATCH).await == 0 {
            return;
        }
        let (entries, callers): (Vec<Entry>, Vec<Caller>) = jobs.drain(..).map(|job| (job.entry, job.caller)).unzip();
        let mut client = None;
        let tried = commit_or_try_again(&pool, &mut client, &key, &mut encoder, &entries);
        let answer = match tokio::time::timeout(PATIENCE, tried).await {
            Ok(answer) => answer,
            Err(_) => {
                if let Some(client) = client.take() {
                    give_up(&pool, client);
                }
                Err(Failure::AtCommit(silent()))
            }
        };
        match answer {
            Ok(answers) => callers.into_iter().zip(answers).for_each(|(caller, answer)| caller.answer(answer)),
            Err(Failure::BeforeCommit(error) | Failure::AtCommit(error)) => {
                tracing::warn!(code = error.code(), %error, entries = callers.len(), "an audit commit failed");
                callers.into_iter().for_each(|caller| caller.answer(Err(error.clone())));
            }
        }
    }
}

/// A pooled connection may have died since its last use. As long as no commit was sent, nothing was
/// written and a second try on another connection is safe. The same goes for a transaction that
/// PostgreSQL gave up in favour of another one.
///
/// The connection is left with the caller, who must not put it back when this is dropped half-way.
async fn commit_or_try_again(
    pool: &Pool,
    held: &mut Option<Client>,
    key: &SealKey,
    encoder: &mut Encoder,
    entries: &[Entry],
) -> Result<Vec<Result<Receipt, StoreError>>, Failure> {
    let mut tries = 1..TRIES;
    loop {
        let answer = match pool.get().await {
            Ok(client) => commit(held.insert(client), key, encoder, entries).await,
            Err(error) => Err(Failure::BeforeCommit(pool_error(&error))),
        };
        match (answer, tries.next()) {
            (Err(Failure::BeforeCommit(StoreError::Unavailable { .. } | StoreError::Busy)), Some(_)) => {}
            (answer, _) => {
                // Back to the pool, which looks whether it has been closed.
                *held = None;
                return answer;
            }
        }
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

/// A failed commit: was anything possibly written?
enum Failure {
    BeforeCommit(StoreError),
    AtCommit(StoreError),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Failure {
        Failure::BeforeCommit(error)
    }
}

impl From<tokio_postgres::Error> for Failure {
    fn from(error: tokio_postgres::Error) -> Failure {
        Failure::BeforeCommit(postgres_error(&error))
    }
}

/// A chain that this batch extends; `Err` when somebody changed its head from outside.
struct Open<'a> {
    account: &'a str,
    tail: Result<Tail, StoreError>,
}

async fn commit(
    client: &mut Client,
    key: &SealKey,
    encoder: &mut Encoder,
    entries: &[Entry],
) -> Result<Vec<Result<Receipt, StoreError>>, Failure> {
    let mut accounts: Vec<&str> = entries.iter().map(|entry| entry.account.as_str()).collect();
    accounts.sort_unstable();
    accounts.dedup();

    let mut transaction = client.transaction().await?;
    let mut rows = lock_heads(&transaction, &accounts).await?;
    let mut refused = None;
    if rows.len() < accounts.len() {
        // A new account: rare. Its chain is begun in a transaction of its own, which locks the roster
        // and no head, so that servers never wait for each other in a circle.
        drop(rows);
        transaction.rollback().await?;
        transaction = client.transaction().await?;
        refused = begin_chains(&transaction, key, &accounts).await?;
        transaction.commit().await?;
        transaction = client.transaction().await?;
        rows = lock_heads(&transaction, &accounts).await?;
    }
    let mut chains = read_heads(key, &accounts, &rows);

    let mut answers = Vec::with_capacity(entries.len());
    let mut rows = Vec::with_capacity(entries.len());
    for entry in entries {
        let Some(chain) = chains.iter_mut().find(|chain| chain.account == entry.account) else {
            answers.push(Err(refused.clone().unwrap_or(StoreError::Closed)));
            continue;
        };
        match &mut chain.tail {
            Ok(tail) => {
                let reasons = chain::reasons_text(&entry.reasons);
                let (receipt, cells) = tail.extend(encoder, entry, reasons.as_deref());
                rows.push(chain::params(&cells, &receipt.hash));
                answers.push(Ok(receipt));
            }
            Err(error) => answers.push(Err(error.clone())),
        }
    }
    let insert = transaction.prepare_cached(sql::ENTRY_INSERT).await?;
    let update = transaction.prepare_cached(sql::HEAD_UPDATE).await?;
    let heads: Vec<Vec<Param>> = chains
        .iter()
        .filter_map(|chain| {
            let tail = chain.tail.as_ref().ok()?;
            Some(vec![
                Param::int(tail.seq),
                Param::Bytes(tail.hash.0.to_vec()),
                Param::Bytes(key.seal_head(chain.account, tail).to_vec()),
                Param::text(chain.account),
            ])
        })
        .collect();
    // All in flight at once: one round trip for the batch.
    let inserts = try_join_all(rows.iter().map(|row| transaction.execute_raw(&insert, row)));
    let updates = try_join_all(heads.iter().map(|head| transaction.execute_raw(&update, head)));
    tokio::try_join!(inserts, updates)?;
    transaction.commit().map_err(|error| Failure::AtCommit(postgres_error(&error))).await?;
    Ok(answers)
}

/// Locks and reads the heads of these accounts, always in the same order.
async fn lock_heads(
    transaction: &Transaction<'_>,
    accounts: &[&str],
) -> Result<Vec<tokio_postgres::Row>, tokio_postgres::Error> {
    const LOCKED: &str = "SELECT account, seq, hash, ordinal, seal FROM tenantry_audit_heads \
        WHERE account = ANY($1) ORDER BY account FOR UPDATE";
    let statement = transaction.prepare_cached(LOCKED).await?;
    transaction.query(&statement, &[&accounts]).await
}

/// Puts the accounts that have no chain yet into the roster; answers why not, when the roster was
/// changed from outside.
async fn begin_chains(
    transaction: &Transaction<'_>,
    key: &SealKey,
    accounts: &[&str],
) -> Result<Option<StoreError>, Failure> {
    const PRESENT: &str = "SELECT account FROM tenantry_audit_heads WHERE account = ANY($1)";
    // A lock of its own, because the roster may still be empty and so have no row to lock.
    transaction.batch_execute("LOCK TABLE tenantry_audit_roster IN EXCLUSIVE MODE").await?;
    let statement = transaction.prepare_cached(sql::ROSTER).await?;
    let mut roster = match transaction.query_opt(&statement, &[]).await? {
        None => Roster::EMPTY,
        Some(row) => {
            let row = Row::Postgres(&row);
            let found = match (row.int(0), row.array(1), row.bytes(2)) {
                (Some(accounts), Some(hash), Some(seal)) => {
                    let roster = Roster { accounts, hash: Hash(hash) };
                    key.roster_fits(&roster, &seal).then_some(roster)
                }
                _ => None,
            };
            match found {
                Some(roster) => roster,
                None => {
                    let (what, why) = ("the audit's roster", "its seal does not fit");
                    return Ok(Some(StoreError::Tampered { what, why }));
                }
            }
        }
    };
    // Read under the roster's lock, since another server may have just begun the same chain.
    let present = transaction.prepare_cached(PRESENT).await?;
    let present = transaction.query(&present, &[&accounts]).await?;
    let insert = transaction.prepare_cached(sql::HEAD_INSERT).await?;
    for account in accounts {
        if present.iter().any(|row| Row::Postgres(row).cell(0) == Cell::Text(account)) {
            continue;
        }
        let tail = Tail::empty(roster.add(account));
        let seal = key.seal_head(account, &tail);
        let params: [&(dyn ToSql + Sync); 5] =
            [account, &tail.ordinal, &tail.seq, &tail.hash.0.as_slice(), &seal.as_slice()];
        transaction.execute(&insert, &params).await?;
    }
    let put = transaction.prepare_cached(sql::ROSTER_PUT).await?;
    let seal = key.seal_roster(&roster);
    let params: [&(dyn ToSql + Sync); 3] = [&roster.accounts, &roster.hash.0.as_slice(), &seal.as_slice()];
    transaction.execute(&put, &params).await?;
    Ok(None)
}

fn read_heads<'a>(key: &SealKey, accounts: &[&'a str], rows: &[tokio_postgres::Row]) -> Vec<Open<'a>> {
    let what = "an audit chain's head";
    let mut chains = Vec::with_capacity(accounts.len());
    for row in rows.iter().map(Row::Postgres) {
        let Some(account) = accounts.iter().copied().find(|account| row.cell(0) == Cell::Text(account)) else {
            continue;
        };
        // INVARIANT: a head is extended only when its seal fits. Otherwise the next commit would seal
        // what somebody else had put there.
        let tail = match (row.int(1), row.array(2), row.int(3), row.bytes(4)) {
            (Some(seq), Some(hash), Some(ordinal), Some(seal)) => {
                let tail = Tail { ordinal, seq, hash: Hash(hash) };
                if key.head_fits(account, &tail, &seal) {
                    Ok(tail)
                } else {
                    Err(StoreError::Tampered { what, why: "its seal does not fit" })
                }
            }
            _ => Err(StoreError::Tampered { what, why: "it is not of the right shape" }),
        };
        chains.push(Open { account, tail });
    }
    chains
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
