//! Appending to the audit's chains on PostgreSQL: one task of each server commits what waits, in batches.
//!
//! ```text
//! every chain of the batch is known from the batch before -> one statement, which writes only if they all
//!                                                            still end there: one round trip
//! one is not, or another server was there meanwhile       -> lock the heads, read them, write, commit
//! ```

use std::collections::HashMap;
use std::sync::mpsc;

use deadpool_postgres::{Client, Pool, Transaction};
use futures_util::TryFutureExt;
use futures_util::future::try_join_all;
use tokio::sync::{mpsc as async_mpsc, oneshot};
use tokio_postgres::types::ToSql;

use super::super::{Cell, Param, Row};
use super::{PATIENCE, give_up, pool_error, postgres_error, silent};
use crate::audit::chain::{self, Encoder, Roster, SealKey, Tail};
use crate::audit::sql;
use crate::{Entry, Hash, Phase, Receipt, StoreError};

/// The most entries in one commit.
const MAX_BATCH: usize = 256;

/// How often a batch is tried, as long as nothing of it can have been written unseen.
const TRIES: usize = 3;

/// How many chains' ends are remembered; beyond that all are forgotten and read again.
const MOST_ENDS: usize = 4_096;

/// An entry and whom to tell. The queue needs no bound: each caller waits for its answer.
pub(super) struct Job {
    pub(super) entry: Entry,
    /// The same act's end, for one that is over when it is put on record.
    pub(super) end: Option<(Phase, i64)>,
    pub(super) caller: Caller,
}

pub(super) enum Caller {
    Waiting(oneshot::Sender<Answer>),
    Blocked(mpsc::SyncSender<Answer>),
}

type Answer = Result<Receipt, StoreError>;

impl Caller {
    fn answer(self, answer: Answer) {
        // Nobody may be waiting any more; the entry is kept all the same.
        match self {
            Caller::Waiting(sender) => drop(sender.send(answer)),
            Caller::Blocked(sender) => drop(sender.send(answer)),
        }
    }
}

/// Commits what comes, until the store is closed.
pub(super) async fn append_all(pool: Pool, key: SealKey, mut receiver: async_mpsc::UnboundedReceiver<Job>) {
    let mut writer = Writer { pool, key, encoder: Encoder::new(), ends: HashMap::new() };
    let mut jobs = Vec::with_capacity(MAX_BATCH);
    while receiver.recv_many(&mut jobs, MAX_BATCH).await > 0 {
        let mut client = None;
        let answer = match tokio::time::timeout(PATIENCE, writer.commit_or_try_again(&mut client, &jobs)).await {
            Ok(answer) => answer,
            Err(_) => {
                if let Some(client) = client.take() {
                    give_up(&writer.pool, client);
                }
                Err(Failure::AtCommit(silent()))
            }
        };
        let callers = jobs.drain(..).map(|job| (job.entry.account, job.caller));
        match answer {
            Ok(answers) => callers.zip(answers).for_each(|((_, caller), answer)| caller.answer(answer)),
            Err(Failure::BeforeCommit(error) | Failure::AtCommit(error)) => {
                tracing::warn!(code = error.code(), %error, entries = callers.len(), "an audit commit failed");
                for (account, caller) in callers {
                    writer.ends.remove(&account);
                    caller.answer(Err(error.clone()));
                }
            }
        }
    }
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

/// Where this server left a chain.
struct End {
    tail: Tail,
    seal: [u8; 32],
}

/// A chain that this batch extends; `Err` when somebody changed its head from outside.
struct Open<'a> {
    account: &'a str,
    tail: Result<Tail, StoreError>,
}

/// A batch ready to be written.
struct Ready {
    answers: Vec<Answer>,
    rows: Columns,
}

/// A batch sent in one statement whose answer was lost.
struct Unheard {
    account: String,
    seq: i64,
    hash: Hash,
    answers: Vec<Answer>,
}

struct Writer {
    pool: Pool,
    key: SealKey,
    encoder: Encoder,
    ends: HashMap<String, End>,
}

impl Writer {
    /// A pooled connection may have died since its last use. As long as no commit was sent, nothing was
    /// written and a second try on another connection is safe. The same goes for a transaction that
    /// PostgreSQL gave up in favour of another one, and for a statement whose answer was lost: the next
    /// try looks whether it was carried out.
    ///
    /// The connection is left with the caller, who must not put it back when this is dropped half-way.
    async fn commit_or_try_again(&mut self, held: &mut Option<Client>, jobs: &[Job]) -> Result<Vec<Answer>, Failure> {
        let mut accounts: Vec<&str> = jobs.iter().map(|job| job.entry.account.as_str()).collect();
        accounts.sort_unstable();
        accounts.dedup();
        let (mut tries, mut unheard) = (1..TRIES, None);
        loop {
            let answer = match self.pool.get().await {
                Ok(client) => self.commit(held.insert(client), &accounts, jobs, &mut unheard).await,
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

    async fn commit(
        &mut self,
        client: &mut Client,
        accounts: &[&str],
        jobs: &[Job],
        unheard: &mut Option<Unheard>,
    ) -> Result<Vec<Answer>, Failure> {
        if unheard.is_none()
            && let Some(before) = self.known(accounts)
        {
            let mut chains = before.iter().map(Open::at).collect::<Vec<_>>();
            let ready = self.extend(&mut chains, jobs, None);
            let (ends, seals) = self.sealed(&chains);
            // Until it is known to be done, nothing is known of these chains.
            for account in accounts {
                self.ends.remove(*account);
            }
            match one_statement(client, &before, &ends, &seals, &ready.rows).await {
                Ok(true) => {
                    self.remember(&ends, &seals);
                    return Ok(ready.answers);
                }
                Ok(false) => {}
                Err(error) => {
                    *unheard = ends.first().map(|(account, tail)| Unheard {
                        account: (*account).to_owned(),
                        seq: tail.seq,
                        hash: tail.hash,
                        answers: ready.answers,
                    });
                    return Err(error.into());
                }
            }
        }
        self.commit_under_lock(client, accounts, jobs, unheard.as_ref()).await
    }

    async fn commit_under_lock(
        &mut self,
        client: &mut Client,
        accounts: &[&str],
        jobs: &[Job],
        unheard: Option<&Unheard>,
    ) -> Result<Vec<Answer>, Failure> {
        let mut transaction = client.transaction().await?;
        let mut rows = lock_heads(&transaction, accounts).await?;
        // INVARIANT: asked under the heads' locks. Whoever holds them has waited for the statement to end, and
        // one that begins later no longer finds the ends that it asks for.
        if let Some(unheard) = unheard
            && was_written(&transaction, unheard).await?
        {
            return Ok(unheard.answers.clone());
        }
        let mut refused = None;
        if rows.len() < accounts.len() {
            // A new account: rare. Its chain is begun in a transaction of its own, which locks the roster
            // and no head, so that servers never wait for each other in a circle.
            drop(rows);
            transaction.rollback().await?;
            transaction = client.transaction().await?;
            refused = begin_chains(&transaction, &self.key, accounts).await?;
            transaction.commit().await?;
            transaction = client.transaction().await?;
            rows = lock_heads(&transaction, accounts).await?;
        }
        let mut chains = read_heads(&self.key, accounts, &rows);
        let ready = self.extend(&mut chains, jobs, refused.as_ref());
        if ready.rows.0.is_empty() {
            transaction.rollback().await?;
            return Ok(ready.answers);
        }
        let (ends, seals) = self.sealed(&chains);
        let insert = transaction.prepare_cached(INSERT).await?;
        let update = transaction.prepare_cached(sql::HEAD_UPDATE).await?;
        let heads: Vec<[Param; 4]> = ends
            .iter()
            .zip(&seals)
            .map(|((account, tail), seal)| {
                let (hash, seal) = (Param::Bytes(tail.hash.0.to_vec()), Param::Bytes(seal.to_vec()));
                [Param::int(tail.seq), hash, seal, Param::text(account)]
            })
            .collect();
        // All in flight at once: one round trip for the batch.
        let params = ready.rows.params();
        let inserts = transaction.execute(&insert, &params);
        let updates = try_join_all(heads.iter().map(|head| transaction.execute_raw(&update, head)));
        tokio::try_join!(inserts, updates)?;
        transaction.commit().map_err(|error| Failure::AtCommit(postgres_error(&error))).await?;
        self.remember(&ends, &seals);
        Ok(ready.answers)
    }

    /// Where this server left these chains; `None` unless it knows of each.
    fn known<'a>(&self, accounts: &[&'a str]) -> Option<Vec<Before<'a>>> {
        let end = |account: &&'a str| {
            self.ends.get(*account).map(|end| Before { account, tail: end.tail.clone(), seal: end.seal })
        };
        accounts.iter().map(end).collect()
    }

    /// Puts the entries at the ends of their chains.
    fn extend(&mut self, chains: &mut [Open<'_>], jobs: &[Job], refused: Option<&StoreError>) -> Ready {
        let mut ready = Ready { answers: Vec::with_capacity(jobs.len()), rows: Columns(Vec::new()) };
        for job in jobs {
            let Some(chain) = chains.iter_mut().find(|chain| chain.account == job.entry.account) else {
                ready.answers.push(Err(refused.cloned().unwrap_or(StoreError::Closed)));
                continue;
            };
            ready.answers.push(match &mut chain.tail {
                Ok(tail) => {
                    let receipt = add(&mut self.encoder, tail, &job.entry, &mut ready.rows);
                    if let Some((phase, micros)) = job.end {
                        let end = job.entry.ended(&receipt, phase, micros);
                        add(&mut self.encoder, tail, &end, &mut ready.rows);
                    }
                    Ok(receipt)
                }
                Err(error) => Err(error.clone()),
            });
        }
        ready
    }

    /// The new ends, and their seals.
    fn sealed<'a>(&self, chains: &[Open<'a>]) -> (Vec<(&'a str, Tail)>, Vec<[u8; 32]>) {
        let ends = chains.iter().filter_map(|chain| Some((chain.account, chain.tail.as_ref().ok()?.clone())));
        ends.map(|(account, tail)| {
            let seal = self.key.seal_head(account, &tail);
            ((account, tail), seal)
        })
        .unzip()
    }

    fn remember(&mut self, ends: &[(&str, Tail)], seals: &[[u8; 32]]) {
        if self.ends.len() > MOST_ENDS {
            self.ends.clear();
        }
        for ((account, tail), seal) in ends.iter().zip(seals) {
            self.ends.insert((*account).to_owned(), End { tail: tail.clone(), seal: *seal });
        }
    }
}

/// The end of a chain before a batch.
struct Before<'a> {
    account: &'a str,
    tail: Tail,
    seal: [u8; 32],
}

impl<'a> Open<'a> {
    fn at(before: &Before<'a>) -> Open<'a> {
        Open { account: before.account, tail: Ok(before.tail.clone()) }
    }
}

fn add(encoder: &mut Encoder, tail: &mut Tail, entry: &Entry, rows: &mut Columns) -> Receipt {
    let reasons = chain::reasons_text(&entry.reasons);
    let (receipt, cells) = tail.extend(encoder, entry, reasons.as_deref());
    rows.push(chain::params(&cells, &receipt.hash));
    receipt
}

/// The entries' columns, each an array: one statement adds any number of rows.
struct Columns(Vec<Column>);

enum Column {
    Ints(Vec<Option<i64>>),
    Texts(Vec<Option<String>>),
    Bytes(Vec<Vec<u8>>),
}

impl Columns {
    fn push(&mut self, row: Vec<Param>) {
        if self.0.is_empty() {
            self.0 = row.iter().map(Column::of).collect();
        }
        for (column, value) in self.0.iter_mut().zip(row) {
            match (column, value) {
                (Column::Ints(values), Param::Int(value)) => values.push(value),
                (Column::Texts(values), Param::Text(value)) => values.push(value),
                (Column::Bytes(values), Param::Bytes(value)) => values.push(value),
                // A column that were shorter than others would shift none: unnest fills it with NULLs,
                // which its constraint refuses.
                _ => {}
            }
        }
    }

    fn params(&self) -> Vec<&(dyn ToSql + Sync)> {
        self.0
            .iter()
            .map(|column| match column {
                Column::Ints(values) => values as &(dyn ToSql + Sync),
                Column::Texts(values) => values,
                Column::Bytes(values) => values,
            })
            .collect()
    }
}

impl Column {
    fn of(value: &Param) -> Column {
        match value {
            Param::Int(_) => Column::Ints(Vec::new()),
            Param::Bytes(_) => Column::Bytes(Vec::new()),
            _ => Column::Texts(Vec::new()),
        }
    }
}

/// Adds entries, the columns in the order in which they are hashed, each an array.
const INSERT: &str = "INSERT INTO tenantry_audit (account, seq, id, phase, start_seq, time_micros, \
    workspace, user_id, client, delegate, tool, model, request_digest, inputs, decision, code, reasons, scopes, \
    row_count, row_keys, rows_before, rows_after, duration_micros, error, policy_version, hash) \
    SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::text[], \
    $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], \
    $16::text[], $17::text[], $18::text[], $19::bigint[], $20::text[], $21::text[], $22::text[], $23::bigint[], \
    $24::text[], $25::text[], $26::bytea[])";

/// The same, and the heads moved with it, all or nothing: only if each chain named still ends where it is said
/// to. Answers how many do.
///
/// `held` locks the heads in the order of their names, so that servers never wait for each other in a circle,
/// and looks at a head again when another server has moved it meanwhile.
const MOVE: &str = "WITH wanted AS MATERIALIZED ( \
        SELECT * FROM unnest($27::text[], $28::bigint[], $29::bytea[], $30::bytea[], $31::bigint[], $32::bytea[], \
            $33::bytea[]) AS wanted (account, was_seq, was_hash, was_seal, seq, hash, seal)), \
    held AS MATERIALIZED ( \
        SELECT head.account FROM tenantry_audit_heads head JOIN wanted ON wanted.account = head.account \
            AND wanted.was_seq = head.seq AND wanted.was_hash = head.hash AND wanted.was_seal = head.seal \
        ORDER BY head.account FOR UPDATE OF head), \
    every AS MATERIALIZED (SELECT count(*) AS held FROM held), \
    moved AS ( \
        UPDATE tenantry_audit_heads head SET seq = wanted.seq, hash = wanted.hash, seal = wanted.seal FROM wanted \
        WHERE head.account = wanted.account AND (SELECT held FROM every) = cardinality($27)), \
    added AS ( \
        INSERT INTO tenantry_audit (account, seq, id, phase, start_seq, time_micros, \
            workspace, user_id, client, delegate, tool, model, request_digest, inputs, decision, code, reasons, \
            scopes, row_count, row_keys, rows_before, rows_after, duration_micros, error, policy_version, hash) \
        SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], \
            $7::text[], $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], \
            $15::text[], $16::text[], $17::text[], $18::text[], $19::bigint[], $20::text[], $21::text[], \
            $22::text[], $23::bigint[], $24::text[], $25::text[], $26::bytea[]) \
        WHERE (SELECT held FROM every) = cardinality($27)) \
    SELECT held FROM every";

/// Writes the batch if every chain still ends where this server left it.
async fn one_statement(
    client: &Client,
    before: &[Before<'_>],
    after: &[(&str, Tail)],
    seals: &[[u8; 32]],
    rows: &Columns,
) -> Result<bool, StoreError> {
    let accounts: Vec<&str> = before.iter().map(|before| before.account).collect();
    let was_seq: Vec<i64> = before.iter().map(|before| before.tail.seq).collect();
    let was_hash: Vec<&[u8]> = before.iter().map(|before| before.tail.hash.0.as_slice()).collect();
    let was_seal: Vec<&[u8]> = before.iter().map(|before| before.seal.as_slice()).collect();
    let seq: Vec<i64> = after.iter().map(|(_, tail)| tail.seq).collect();
    let hash: Vec<&[u8]> = after.iter().map(|(_, tail)| tail.hash.0.as_slice()).collect();
    let seal: Vec<&[u8]> = seals.iter().map(<[u8; 32]>::as_slice).collect();
    let mut params = rows.params();
    let heads: [&(dyn ToSql + Sync); 7] = [&accounts, &was_seq, &was_hash, &was_seal, &seq, &hash, &seal];
    params.extend(heads);
    let error = |error: tokio_postgres::Error| postgres_error(&error);
    let statement = client.prepare_cached(MOVE).await.map_err(error)?;
    let held: i64 = client.query_one(&statement, &params).await.map_err(error)?.try_get(0).map_err(error)?;
    Ok(usize::try_from(held).is_ok_and(|held| held == before.len()))
}

/// Was the statement whose answer was lost carried out? It is all or nothing, so one entry tells.
async fn was_written(transaction: &Transaction<'_>, unheard: &Unheard) -> Result<bool, tokio_postgres::Error> {
    const WRITTEN: &str = "SELECT 1 FROM tenantry_audit WHERE account = $1 AND seq = $2 AND hash = $3";
    let statement = transaction.prepare_cached(WRITTEN).await?;
    let params: [&(dyn ToSql + Sync); 3] = [&unheard.account, &unheard.seq, &unheard.hash.0.as_slice()];
    Ok(transaction.query_opt(&statement, &params).await?.is_some())
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
