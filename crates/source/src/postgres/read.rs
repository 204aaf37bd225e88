//! Reads: one flush for a page of rows or a calculation, one more for each level of includes.

use futures_util::future::{BoxFuture, join_all};
use tenantry_policy::Value;
use tenantry_sql::Program;
use tenantry_sql::program::{Child, Groups, Level};
use tokio_postgres::{Client, Row, Statement};

use super::failure::Failure;
use super::flush::{Settings, Stop, control, each_row, give_back, roll_back, settle};
use super::pool::Lease;
use super::session::Session;
use crate::answer::{Answer, Redactor};
use crate::emit::{values_at, write_average_row, write_row};
use crate::error::RunError;
use crate::include::{Rows, within};

/// Runs a read in one transaction.
pub(super) async fn read(lease: Lease, program: &Program, level: &Level, redactor: &Redactor) -> Result<Answer, Stop> {
    if level.children.is_empty() {
        page(lease, program, level, redactor).await
    } else {
        tree(lease, program, level, redactor).await
    }
}

/// Counts the shown rows and remembers the last one.
struct Shown {
    take: u64,
    count: u64,
    has_more: bool,
    last: Option<Row>,
}

impl Shown {
    fn new(level: &Level) -> Shown {
        Shown { take: level.take.into(), count: 0, has_more: false, last: None }
    }

    /// Is this row to be shown? The one after the last only tells that there are more.
    fn admits(&mut self) -> bool {
        self.has_more = self.count >= self.take;
        !self.has_more
    }

    fn showed(&mut self, row: Row) {
        self.count += 1;
        self.last = Some(row);
    }

    fn answer(self, level: &Level, rows: Vec<u8>) -> Result<Answer, RunError> {
        let last = match self.last {
            Some(row) if self.has_more => Some(values_at(&level.statement.output, &level.order, &row)?),
            _ => None,
        };
        Ok(Answer { rows, count: self.count, has_more: self.has_more, last, changes: Vec::new() })
    }
}

async fn page(mut lease: Lease, program: &Program, level: &Level, redactor: &Redactor) -> Result<Answer, Stop> {
    let settings = Settings::of(program);
    let session = lease.session()?;
    let set = settings.prepare(session).await?;
    let statement = session.prepare(&level.statement.sql).await?;
    let client = &session.client;
    let mut shown = Shown::new(level);
    let mut out = vec![b'['];
    let sink = |row: Row| {
        if shown.admits() {
            if shown.count > 0 {
                out.push(b',');
            }
            write_row(&mut out, &level.statement.output, &row, redactor)?;
            within(&out, program.max_bytes)?;
            shown.showed(row);
        }
        Ok(())
    };
    let (begin, set, rows, commit) = tokio::join!(
        biased;
        control(client, "BEGIN READ ONLY"),
        settings.apply(client, &set),
        each_row(client, &statement, &level.statement.params, &[], sink),
        control(client, "COMMIT"),
    );
    let ended = commit.is_ok();
    let told = settle([begin.map_err(Stop::from), set.map_err(Stop::from), rows, commit.map_err(Stop::from)]);
    give_back(lease, ended, &told);
    told?;
    out.push(b']');
    Ok(shown.answer(level, out)?)
}

/// A calculation.
pub(super) async fn aggregate(
    mut lease: Lease,
    program: &Program,
    groups: &Groups,
    redactor: &Redactor,
) -> Result<Answer, Stop> {
    let settings = Settings::of(program);
    let session = lease.session()?;
    let set = settings.prepare(session).await?;
    let statement = session.prepare(&groups.statement.sql).await?;
    let client = &session.client;
    let mut count: u32 = 0;
    let mut out = vec![b'['];
    let sink = |row: Row| {
        if count >= groups.max_groups {
            return Err(RunError::TooManyGroups);
        }
        if count > 0 {
            out.push(b',');
        }
        count += 1;
        if groups.average {
            write_average_row(&mut out, &groups.statement.output, &row, redactor)?;
        } else {
            write_row(&mut out, &groups.statement.output, &row, redactor)?;
        }
        within(&out, program.max_bytes)
    };
    let (begin, set, rows, commit) = tokio::join!(
        biased;
        control(client, "BEGIN READ ONLY"),
        settings.apply(client, &set),
        each_row(client, &statement, &groups.statement.params, &[], sink),
        control(client, "COMMIT"),
    );
    let ended = commit.is_ok();
    let told = settle([begin.map_err(Stop::from), set.map_err(Stop::from), rows, commit.map_err(Stop::from)]);
    give_back(lease, ended, &told);
    told?;
    out.push(b']');
    Ok(Answer { rows: out, count: count.into(), ..Answer::default() })
}

/// The statements of a level and of those below it.
struct Prepared {
    statement: Statement,
    children: Vec<Prepared>,
}

fn prepare<'a>(session: &'a mut Session, level: &'a Level) -> BoxFuture<'a, Result<Prepared, Failure>> {
    Box::pin(async move {
        let statement = session.prepare(&level.statement.sql).await?;
        let mut children = Vec::with_capacity(level.children.len());
        for child in &level.children {
            children.push(prepare(session, &child.level).await?);
        }
        Ok(Prepared { statement, children })
    })
}

async fn tree(mut lease: Lease, program: &Program, level: &Level, redactor: &Redactor) -> Result<Answer, Stop> {
    let settings = Settings::of(program);
    let session = lease.session()?;
    let set = settings.prepare(session).await?;
    let prepared = prepare(session, level).await?;
    let client = &session.client;
    let mut shown = Shown::new(level);
    let mut rows = Rows::new(level.children.len());
    let sink = |row: Row| {
        if shown.admits() {
            let parents = level.children.iter().map(|child| child.parent.as_slice());
            rows.push(&level.statement.output, &row, redactor, &[], parents)?;
            fits(&rows, program.max_bytes)?;
            shown.showed(row);
        }
        Ok(())
    };
    // One snapshot for all levels: a child that comes between two statements must not be half there.
    let (begin, set, root) = tokio::join!(
        biased;
        control(client, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"),
        settings.apply(client, &set),
        each_row(client, &prepared.statement, &level.statement.params, &[], sink),
    );
    if let Err(stop) = settle([begin.map_err(Stop::from), set.map_err(Stop::from), root]) {
        roll_back(lease, &stop).await;
        return Err(stop);
    }
    let call = Call { client, redactor, max_bytes: program.max_bytes };
    let (below, commit) = if level.children.iter().all(|child| child.level.children.is_empty()) {
        tokio::join!(biased; fill(call, level, &prepared, &mut rows), control(client, "COMMIT"))
    } else {
        let below = fill(call, level, &prepared, &mut rows).await;
        (below, control(client, "COMMIT").await)
    };
    let ended = commit.is_ok();
    let told = settle([below, commit.map_err(Stop::from)]);
    give_back(lease, ended, &told);
    told?;
    let mut out = Vec::with_capacity(rows.bytes());
    rows.write_array(&mut out, program.max_bytes)?;
    Ok(shown.answer(level, out)?)
}

fn fits(rows: &Rows, max_bytes: u64) -> Result<(), RunError> {
    if u64::try_from(rows.bytes()).is_ok_and(|bytes| bytes <= max_bytes) { Ok(()) } else { Err(RunError::TooManyBytes) }
}

/// What every level of a read needs.
#[derive(Clone, Copy)]
struct Call<'a> {
    client: &'a Client,
    redactor: &'a Redactor,
    max_bytes: u64,
}

/// Reads the includes of `rows`, those of one level together, and attaches them.
fn fill<'a>(
    call: Call<'a>,
    level: &'a Level,
    prepared: &'a Prepared,
    rows: &'a mut Rows,
) -> BoxFuture<'a, Result<(), Stop>> {
    Box::pin(async move {
        let wanted = level.children.iter().zip(&prepared.children).enumerate();
        let read = wanted.map(|(at, (child, prepared))| {
            let keys = columns(rows, at, child.parent.len());
            include(call, child, prepared, keys)
        });
        let read = join_all(read.collect::<Vec<_>>()).await;
        let mut stop = Ok(());
        for (child, read) in level.children.iter().zip(read) {
            match read {
                Ok(below) => rows.attach(child.name.clone(), child.to_one, below),
                Err(failed) => stop = settle([stop, Err(failed)]),
            }
        }
        stop
    })
}

async fn include<'a>(
    call: Call<'a>,
    child: &'a Child,
    prepared: &'a Prepared,
    keys: Vec<Vec<Value>>,
) -> Result<Rows, Stop> {
    let level = &child.level;
    let mut rows = Rows::new(level.children.len());
    if keys.first().is_some_and(|values| !values.is_empty()) {
        let sink = |row: Row| {
            let parents = level.children.iter().map(|child| child.parent.as_slice());
            rows.push(&level.statement.output, &row, call.redactor, &child.own, parents)?;
            fits(&rows, call.max_bytes)
        };
        each_row(call.client, &prepared.statement, &level.statement.params, &keys, sink).await?;
    }
    fill(call, level, prepared, &mut rows).await?;
    Ok(rows)
}

/// The parents' keys of an include, one list per pair of its relation.
fn columns(rows: &Rows, include: usize, pairs: usize) -> Vec<Vec<Value>> {
    let keys = rows.keys_of(include);
    (0..pairs).map(|pair| keys.iter().filter_map(|key| key.get(pair)).map(|part| part.value()).collect()).collect()
}
