//! Writes: one flush up to the verdict, one more to commit or roll back. A delete needs no verdict
//! and is one flush.

use std::collections::HashMap;

use futures_util::future::join_all;
use tenantry_sql::Program;
use tenantry_sql::program::{Change, ChangeParams, Conflict, Insert, Output, Param, References, Remove};
use tokio_postgres::{Client, Row, Statement};

use super::failure::Failure;
use super::flush::{Settings, Stop, all_rows, control, give_back, roll_back, settle};
use super::pool::{Lease, Pool};
use super::record::{identity, verdict};
use crate::answer::{Answer, ChangeRecord, Redactor};
use crate::emit::write_columns;
use crate::error::RunError;

/// A refusal, and which of the call's rows it is about.
struct Refusal {
    stop: Stop,
    row: usize,
    /// Has the transaction failed, so that it answers nothing any more?
    aborted: bool,
}

impl Refusal {
    fn of(row: usize, error: impl Into<Stop>) -> Refusal {
        Refusal { stop: error.into(), row, aborted: false }
    }
}

/// Adds rows.
pub(super) async fn create(
    pool: &Pool,
    mut lease: Lease,
    program: &Program,
    insert: &Insert,
    redactor: &Redactor,
) -> Result<Answer, Stop> {
    let settings = Settings::of(program);
    let session = lease.session()?;
    let set = settings.prepare(session).await?;
    let statement = session.prepare(&insert.statement.sql).await?;
    let client = &session.client;
    let inserts = join_all(insert.rows.iter().map(|params| all_rows(client, &statement, params)));
    let (begin, set, told, check) = tokio::join!(
        biased;
        control(client, "BEGIN"),
        settings.apply(client, &set),
        inserts,
        deferred(client, insert.dry_run),
    );
    let judged = match first_refusal(begin, set, told, check) {
        Ok(told) => judge_insert(insert, redactor, told),
        // What is wrong with an earlier row is told first, as where rows are written one by one.
        Err((told, refusal)) => judge_insert(insert, redactor, told)
            .and(Err(refusal))
            .map_err(|refusal| Refusal { aborted: true, ..refusal }),
    };
    let replay = Replay { sql: &insert.statement.sql, rows: insert.rows.iter().map(Vec::as_slice).collect() };
    let conflict = insert.conflict.as_ref().map(|conflict| (conflict, replay));
    end(pool, lease, program, insert.dry_run, judged, insert.references.as_ref(), conflict).await
}

/// A dry run asks deferred constraints too: it never comes to the commit that would.
async fn deferred(client: &Client, dry_run: bool) -> Result<(), Failure> {
    if dry_run { control(client, "SET CONSTRAINTS ALL IMMEDIATE").await } else { Ok(()) }
}

/// The rows of each statement, or the first of them that failed by itself and the rows of those before.
fn first_refusal<T>(
    begin: Result<(), Failure>,
    set: Result<(), Failure>,
    told: Vec<Result<T, Stop>>,
    check: Result<(), Failure>,
) -> Result<Vec<T>, (Vec<T>, Refusal)> {
    if let Err(stop) = settle([begin.map_err(Stop::from), set.map_err(Stop::from)]) {
        return Err((Vec::new(), Refusal::of(0, stop)));
    }
    let mut rows = Vec::with_capacity(told.len());
    for (at, told) in told.into_iter().enumerate() {
        match told {
            Ok(told) => rows.push(told),
            // The first to fail is the one that failed by itself: those after it were not looked at.
            Err(stop) => return Err((rows, Refusal::of(at, stop))),
        }
    }
    match check {
        Ok(()) => Ok(rows),
        Err(failure) => Err((rows, Refusal::of(0, failure))),
    }
}

fn judge_insert(insert: &Insert, redactor: &Redactor, told: Vec<Vec<Row>>) -> Result<Answer, Refusal> {
    let outputs = &insert.statement.output;
    let mut written = Written::new();
    for (at, rows) in told.iter().enumerate() {
        let refuse = |error: RunError| Refusal::of(at, error);
        let row = match rows.as_slice() {
            [row] => row,
            [] => return Err(refuse(RunError::ReferenceNotVisible { names: Vec::new() })),
            _ => return Err(refuse(RunError::Internal("one insert made several rows".to_owned()))),
        };
        if !verdict(row) {
            return Err(refuse(RunError::RuleRefusesRow));
        }
        written.row(outputs, &insert.returning, row, redactor).map_err(refuse)?;
        let after = object(outputs, &insert.image, row, redactor).map_err(refuse)?;
        let key = object(outputs, &insert.key, row, redactor).map_err(refuse)?;
        written.changes.push(ChangeRecord { key, before: None, after: Some(after) });
    }
    Ok(written.answer())
}

/// Changes rows.
pub(super) async fn update(
    pool: &Pool,
    mut lease: Lease,
    program: &Program,
    change: &Change,
    redactor: &Redactor,
) -> Result<Answer, Stop> {
    let settings = Settings::of(program);
    let session = lease.session()?;
    let set = settings.prepare(session).await?;
    let before = session.prepare(&change.before.sql).await?;
    let update = session.prepare(&change.update.sql).await?;
    let client = &session.client;
    // All rows are looked at, and locked, before the first is changed.
    let images = join_all(change.rows.iter().map(|params| all_rows(client, &before, &params.before)));
    let updates = join_all(change.rows.iter().map(|params: &ChangeParams| all_rows(client, &update, &params.update)));
    let (begin, set, images, updates, check) = tokio::join!(
        biased;
        control(client, "BEGIN"),
        settings.apply(client, &set),
        images,
        updates,
        deferred(client, change.dry_run),
    );
    let alone = |(_, refusal)| refusal;
    let judged = first_refusal(begin, set, images, Ok(())).map_err(alone).and_then(|images| {
        let updates = first_refusal(Ok(()), Ok(()), updates, check).map_err(alone)?;
        judge_change(change, redactor, &images, &updates)
    });
    let replay =
        Replay { sql: &change.update.sql, rows: change.rows.iter().map(|row| row.update.as_slice()).collect() };
    let conflict = change.conflict.as_ref().map(|conflict| (conflict, replay));
    end(pool, lease, program, change.dry_run, judged, change.references.as_ref(), conflict).await
}

fn judge_change(
    change: &Change,
    redactor: &Redactor,
    images: &[Vec<Row>],
    updates: &[Vec<Row>],
) -> Result<Answer, Refusal> {
    let outputs = &change.update.output;
    let mut written = Written::new();
    let limit = usize::try_from(change.max_rows).unwrap_or(usize::MAX);
    let total: usize = updates.iter().map(Vec::len).sum();
    let seen: usize = images.iter().map(Vec::len).sum();
    if total.max(seen) > limit {
        return Err(Refusal::of(0, RunError::MaxRows { limit: change.max_rows }));
    }
    for (at, (before, after)) in images.iter().zip(updates).enumerate() {
        let refuse = |error: RunError| Refusal::of(at, error);
        if change.exactly_one && before.is_empty() {
            return Err(refuse(RunError::NotFound));
        }
        if after.len() < before.len() {
            // The rows are locked, so something that the first statement does not ask left one out.
            return Err(refuse(RunError::Busy));
        }
        // Without a key only a lone row can be told from the others.
        let before: &[Row] = if change.key.is_empty() && before.len() > 1 { &[] } else { before };
        let mut old: HashMap<Vec<Vec<u8>>, (usize, &Row)> = HashMap::with_capacity(before.len());
        for (place, row) in before.iter().enumerate() {
            old.insert(identity(row, &change.key).map_err(refuse)?, (place, row));
        }
        let mut pairs = Vec::with_capacity(after.len());
        for row in after {
            if !verdict(row) {
                return Err(refuse(RunError::RuleRefusesRow));
            }
            let was = old.remove(&identity(row, &change.key).map_err(refuse)?);
            if was.is_none() && !change.key.is_empty() {
                // It came to fit between the two statements, unlocked: the call must be tried again.
                return Err(refuse(RunError::Busy));
            }
            pairs.push((was, row));
        }
        // An UPDATE answers in any order; the first statement has the key's.
        pairs.sort_by_key(|(was, _)| was.map(|(place, _)| place));
        for (was, row) in pairs {
            let was = was.map(|(_, was)| object(&change.before.output, &change.image, was, redactor));
            written.row(outputs, &change.returning, row, redactor).map_err(refuse)?;
            written.changes.push(ChangeRecord {
                key: object(outputs, &change.key, row, redactor).map_err(refuse)?,
                before: was.transpose().map_err(refuse)?,
                after: Some(object(outputs, &change.image, row, redactor).map_err(refuse)?),
            });
        }
    }
    Ok(written.answer())
}

/// Removes a row, in one flush: a delete that finds nothing has nothing to undo.
pub(super) async fn delete(
    mut lease: Lease,
    program: &Program,
    remove: &Remove,
    redactor: &Redactor,
) -> Result<Answer, Stop> {
    let settings = Settings::of(program);
    let session = lease.session()?;
    let set = settings.prepare(session).await?;
    let statement = session.prepare(&remove.statement.sql).await?;
    let last = if remove.dry_run { "ROLLBACK" } else { "COMMIT" };
    if !remove.dry_run {
        lease.commits();
    }
    let client = &lease.session()?.client;
    let (begin, set, rows, check, commit) = tokio::join!(
        biased;
        control(client, "BEGIN"),
        settings.apply(client, &set),
        all_rows(client, &statement, &remove.statement.params),
        deferred(client, remove.dry_run),
        control(client, last),
    );
    let ended = commit.is_ok();
    let mut kept = Vec::new();
    let rows = rows.map(|rows| kept = rows);
    let commit = commit.map_err(Stop::from);
    let told = settle([begin.map_err(Stop::from), set.map_err(Stop::from), rows, check.map_err(Stop::from), commit]);
    give_back(lease, ended, &told);
    told.map_err(|stop| if ended || remove.dry_run { stop } else { uncertain(stop) })?;
    let [row] = kept.as_slice() else { return Err(Stop::Run(RunError::NotFound)) };
    let outputs = &remove.statement.output;
    let key = object(outputs, &remove.key, row, redactor)?;
    let before = Some(object(outputs, &remove.image, row, redactor)?);
    let changes = vec![ChangeRecord { key, before, after: None }];
    Ok(Answer { rows: b"[]".to_vec(), count: 1, changes, ..Answer::default() })
}

/// A connection lost after COMMIT was sent tells nothing; any other failure rolled back.
fn uncertain(stop: Stop) -> Stop {
    match stop {
        Stop::Failed(Failure::Unavailable | Failure::Internal) => Stop::Uncertain,
        other => other,
    }
}

/// Commits what was judged well; otherwise rolls back and finds out what to tell.
async fn end(
    pool: &Pool,
    mut lease: Lease,
    program: &Program,
    dry_run: bool,
    judged: Result<Answer, Refusal>,
    references: Option<&References>,
    conflict: Option<(&Conflict, Replay<'_>)>,
) -> Result<Answer, Stop> {
    let mut refusal = match judged {
        // Nothing fits: that may be because a row pointed at is not to be seen.
        Ok(answer) if answer.count > 0 || references.is_none() => {
            if !dry_run {
                lease.commits();
            }
            let client = &lease.session()?.client;
            control(client, if dry_run { "ROLLBACK" } else { "COMMIT" })
                .await
                .map_err(|failure| if dry_run { Stop::Failed(failure) } else { uncertain(Stop::Failed(failure)) })?;
            lease.finish();
            return Ok(answer);
        }
        Ok(answer) => {
            let Some(references) = references else { return Ok(answer) };
            let names = hidden(&mut lease, references, 0).await?;
            if names.is_empty() {
                roll_back(lease, &Stop::Run(RunError::NotFound)).await;
                return Ok(answer);
            }
            Refusal::of(0, RunError::ReferenceNotVisible { names })
        }
        Err(refusal) => refusal,
    };
    let unclear = matches!(refusal.stop, Stop::Run(RunError::ReferenceNotVisible { ref names }) if names.is_empty());
    if let (true, Some(references)) = (unclear || refusal.stop == Stop::Run(RunError::NotFound), references) {
        if refusal.aborted {
            begin_again(&mut lease, program).await?;
        }
        let names = hidden(&mut lease, references, refusal.row).await?;
        if !names.is_empty() {
            refusal.stop = Stop::Run(RunError::ReferenceNotVisible { names });
        } else if unclear {
            // It came into sight meanwhile: the call may be tried again.
            refusal.stop = Stop::Run(RunError::Busy);
        }
    }
    roll_back(lease, &refusal.stop).await;
    if let (Stop::Failed(Failure::Unique), Some((conflict, replay))) = (&refusal.stop, conflict) {
        let own = conflicts(pool, program, conflict, &replay, refusal.row).await?;
        return Err(Stop::Run(RunError::UniqueConflict { own }));
    }
    Err(refusal.stop)
}

/// Leaves a failed transaction for one that can be asked.
async fn begin_again(lease: &mut Lease, program: &Program) -> Result<(), Stop> {
    let settings = Settings::of(program);
    let session = lease.session()?;
    let set = settings.prepare(session).await?;
    let client = &session.client;
    let (rollback, begin, set) = tokio::join!(
        biased;
        control(client, "ROLLBACK"),
        control(client, "BEGIN READ ONLY"),
        settings.apply(client, &set),
    );
    settle([rollback.map_err(Stop::from), begin.map_err(Stop::from), set.map_err(Stop::from)])
}

/// The names of the relations whose target is not visible, asked in the same transaction.
async fn hidden(lease: &mut Lease, references: &References, row: usize) -> Result<Vec<String>, Stop> {
    let session = lease.session()?;
    let statement = session.prepare(&references.statement.sql).await?;
    let rows = all_rows(&session.client, &statement, params(&references.rows, row)).await?;
    let seen = |at: usize| {
        let row = rows.first()?;
        row.try_get::<_, Option<bool>>(at).ok().flatten()
    };
    let names = references.names.iter().enumerate();
    Ok(names.filter(|(at, _)| seen(*at) != Some(true)).map(|(_, name)| name.to_string()).collect())
}

/// The statement that writes a row, and its parameters for each row of the call.
struct Replay<'a> {
    sql: &'a str,
    rows: Vec<&'a [Param]>,
}

/// Is a row that the caller may see in the way? Asked in a transaction of its own, since the failed
/// one answers nothing any more. The rows that the call wrote before are written again, for it may be
/// one of them, and rolled back.
async fn conflicts(
    pool: &Pool,
    program: &Program,
    conflict: &Conflict,
    replay: &Replay<'_>,
    row: usize,
) -> Result<bool, Stop> {
    let mut lease = pool.lease().await.map_err(RunError::from)?;
    let settings = Settings::of(program);
    let session = lease.session()?;
    let set = settings.prepare(session).await?;
    let statement: Statement = session.prepare(&conflict.statement.sql).await?;
    let write: Statement = session.prepare(replay.sql).await?;
    let client = &session.client;
    let (begin, set, again, rows, rollback) = tokio::join!(
        biased;
        control(client, if row == 0 { "BEGIN READ ONLY" } else { "BEGIN" }),
        settings.apply(client, &set),
        join_all(replay.rows.iter().take(row).map(|params| all_rows(client, &write, params))),
        all_rows(client, &statement, params(&conflict.rows, row)),
        control(client, "ROLLBACK"),
    );
    let ended = rollback.is_ok();
    let mut own = false;
    let rows = rows.map(|rows| own = !rows.is_empty());
    let again = again.into_iter().find_map(Result::err).map_or(Ok(()), Err);
    let told = settle([begin.map_err(Stop::from), set.map_err(Stop::from), again, rows, rollback.map_err(Stop::from)]);
    give_back(lease, ended, &told);
    told.map(|()| own)
}

/// The parameters for a row; a statement for all rows has them once.
fn params(rows: &[Vec<Param>], row: usize) -> &[Param] {
    rows.get(row).or_else(|| rows.first()).map(Vec::as_slice).unwrap_or_default()
}

/// The answer of a write, as it grows.
struct Written {
    rows: Vec<u8>,
    changes: Vec<ChangeRecord>,
}

impl Written {
    fn new() -> Written {
        Written { rows: vec![b'['], changes: Vec::new() }
    }

    fn row(&mut self, outputs: &[Output], returning: &[usize], row: &Row, redactor: &Redactor) -> Result<(), RunError> {
        if self.rows.len() > 1 {
            self.rows.push(b',');
        }
        write_columns(&mut self.rows, outputs, returning, row, redactor)
    }

    fn answer(mut self) -> Answer {
        self.rows.push(b']');
        let count = u64::try_from(self.changes.len()).unwrap_or(u64::MAX);
        Answer { rows: self.rows, count, changes: self.changes, ..Answer::default() }
    }
}

fn object(outputs: &[Output], positions: &[usize], row: &Row, redactor: &Redactor) -> Result<Vec<u8>, RunError> {
    let mut out = Vec::new();
    write_columns(&mut out, outputs, positions, row, redactor)?;
    Ok(out)
}
