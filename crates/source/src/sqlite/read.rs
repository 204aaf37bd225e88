//! Reads: rows with their includes, and calculations.

use std::time::Duration;

use tenantry_policy::catalog::Storage;
use tenantry_sql::program::{Groups, Level, Output, Param, Statement, Touch};

use super::bind::{bind, keys_json};
use super::connection::{Connection, Role};
use super::failure::Fault;
use super::record::Row;
use crate::answer::{Answer, Redactor};
use crate::emit::{values_at, write_average_row, write_row};
use crate::error::RunError;
use crate::include::{Rows, within};

/// A connection and the limits of the program that runs on it.
#[derive(Clone, Copy)]
pub(super) struct Desk<'a> {
    pub(super) connection: &'a Connection,
    pub(super) redactor: &'a Redactor,
    /// How long each statement may run.
    pub(super) timeout: Duration,
    /// The most bytes of rows.
    pub(super) max_bytes: u64,
}

/// A statement in parts. INVARIANT: made from a [`Statement`] outside of tests.
#[derive(Clone, Copy)]
pub(super) struct Ask<'a> {
    pub(super) sql: &'a str,
    pub(super) touches: &'a [Touch],
    pub(super) params: &'a [Param],
    pub(super) outputs: &'a [Output],
}

impl<'a> From<&'a Statement> for Ask<'a> {
    fn from(statement: &'a Statement) -> Ask<'a> {
        Ask { sql: &statement.sql, touches: &statement.touches, params: &statement.params, outputs: &statement.output }
    }
}

impl<'a> Ask<'a> {
    /// The same statement with other parameters.
    pub(super) fn with(self, params: &'a [Param]) -> Ask<'a> {
        Ask { params, ..self }
    }
}

/// What to do after a row.
pub(super) enum Next {
    More,
    Enough,
}

impl Desk<'_> {
    /// Runs the statement and hands each row to `each`; `start` begins anew what `each` gathers.
    pub(super) fn each<S>(
        &self,
        ask: Ask<'_>,
        keys: Option<&str>,
        start: impl Fn() -> S,
        mut each: impl FnMut(&mut S, &Row<'_, '_>) -> Result<Next, Fault>,
    ) -> Result<S, Fault> {
        self.connection.start(self.timeout);
        self.connection.with(ask.sql, ask.touches, |statement| {
            bind(statement, ask.params, keys)?;
            let mut state = start();
            let mut rows = statement.raw_query();
            while let Some(row) = rows.next()? {
                if let Next::Enough = each(&mut state, &Row(row))? {
                    break;
                }
            }
            Ok(state)
        })
    }

    /// Runs a read.
    pub(super) fn read(&self, level: &Level) -> Result<Answer, Fault> {
        let statement = Ask::from(&level.statement);
        if level.children.is_empty() {
            return self.page(statement, level.take, &level.order);
        }
        // One view of the database for all levels.
        self.connection.begin(Role::Reader)?;
        let mut page = self.root(level)?;
        let mut bytes = page.rows.bytes();
        self.includes(level, &mut page.rows, &mut bytes)?;
        let mut out = Vec::with_capacity(bytes.saturating_add(bytes / 4));
        page.rows.write_array(&mut out, self.max_bytes)?;
        let count = u64::try_from(page.rows.len()).unwrap_or(u64::MAX);
        Ok(Answer { rows: out, count, has_more: page.has_more, last: page.last, changes: Vec::new() })
    }

    /// Rows without includes, written straight into the answer.
    pub(super) fn page(&self, ask: Ask<'_>, take: u32, order: &[usize]) -> Result<Answer, Fault> {
        let take = u64::from(take);
        let start = || Answer { rows: opened(), ..Answer::default() };
        let mut answer = self.each(ask, None, start, |answer, row| {
            if answer.count >= take {
                answer.has_more = true;
                return Ok(Next::Enough);
            }
            if answer.count > 0 {
                answer.rows.push(b',');
            }
            write_row(&mut answer.rows, ask.outputs, row, self.redactor)?;
            within(&answer.rows, self.max_bytes)?;
            answer.count += 1;
            if answer.count == take {
                answer.last = Some(values_at(ask.outputs, order, row)?);
            }
            Ok(Next::More)
        })?;
        if !answer.has_more {
            answer.last = None;
        }
        answer.rows.push(b']');
        Ok(answer)
    }

    fn root(&self, level: &Level) -> Result<Page, Fault> {
        let outputs = &level.statement.output;
        let take = usize::try_from(level.take).unwrap_or(usize::MAX);
        let start = || Page { rows: Rows::new(level.children.len()), has_more: false, last: None };
        let mut page = self.each(Ask::from(&level.statement), None, start, |page, row| {
            if page.rows.len() >= take {
                page.has_more = true;
                return Ok(Next::Enough);
            }
            let parents = level.children.iter().map(|child| child.parent.as_slice());
            page.rows.push(outputs, row, self.redactor, &[], parents)?;
            self.within(page.rows.bytes())?;
            if page.rows.len() == take {
                page.last = Some(values_at(outputs, &level.order, row)?);
            }
            Ok(Next::More)
        })?;
        if !page.has_more {
            page.last = None;
        }
        Ok(page)
    }

    /// Loads and attaches the includes of a level, each with one statement. `bytes` counts all
    /// levels' rows.
    fn includes(&self, level: &Level, rows: &mut Rows, bytes: &mut usize) -> Result<(), Fault> {
        for (index, child) in level.children.iter().enumerate() {
            let statement = Ask::from(&child.level.statement);
            let keys = rows.keys_of(index);
            let mut loaded = if keys.is_empty() {
                Rows::new(child.level.children.len())
            } else {
                let storages: Vec<Storage> = child
                    .own
                    .iter()
                    .map(|position| statement.outputs.get(*position).map_or(Storage::Native, |output| output.storage))
                    .collect();
                let keys = keys_json(&keys, &storages)?;
                let parents: Vec<&[usize]> = child.level.children.iter().map(|child| child.parent.as_slice()).collect();
                self.include(statement, &keys, &child.own, &parents, *bytes)?
            };
            *bytes = bytes.saturating_add(loaded.bytes());
            self.includes(&child.level, &mut loaded, bytes)?;
            rows.attach(child.name.clone(), child.to_one, loaded);
        }
        Ok(())
    }

    /// The rows of an include.
    pub(super) fn include(
        &self,
        ask: Ask<'_>,
        keys: &str,
        own: &[usize],
        parents: &[&[usize]],
        bytes: usize,
    ) -> Result<Rows, Fault> {
        self.each(
            ask,
            Some(keys),
            || Rows::new(parents.len()),
            |rows, row| {
                rows.push(ask.outputs, row, self.redactor, own, parents.iter().copied())?;
                self.within(bytes.saturating_add(rows.bytes()))?;
                Ok(Next::More)
            },
        )
    }

    fn within(&self, bytes: usize) -> Result<(), RunError> {
        if u64::try_from(bytes).is_ok_and(|bytes| bytes <= self.max_bytes) {
            Ok(())
        } else {
            Err(RunError::TooManyBytes)
        }
    }

    /// Runs a calculation.
    pub(super) fn aggregate(&self, groups: &Groups) -> Result<Answer, Fault> {
        self.groups(Ask::from(&groups.statement), groups.average, groups.max_groups)
    }

    /// The groups of a calculation, at most `most`.
    pub(super) fn groups(&self, ask: Ask<'_>, average: bool, most: u32) -> Result<Answer, Fault> {
        let start = || Answer { rows: opened(), ..Answer::default() };
        let mut answer = self.each(ask, None, start, |answer, row| {
            if answer.count >= u64::from(most) {
                return Err(RunError::TooManyGroups.into());
            }
            if answer.count > 0 {
                answer.rows.push(b',');
            }
            if average {
                write_average_row(&mut answer.rows, ask.outputs, row, self.redactor)?;
            } else {
                write_row(&mut answer.rows, ask.outputs, row, self.redactor)?;
            }
            within(&answer.rows, self.max_bytes)?;
            answer.count += 1;
            Ok(Next::More)
        })?;
        answer.rows.push(b']');
        Ok(answer)
    }
}

/// The beginning of an answer, with room for a small one.
fn opened() -> Vec<u8> {
    let mut out = Vec::with_capacity(512);
    out.push(b'[');
    out
}

/// The root's rows while their includes are loaded.
struct Page {
    rows: Rows,
    has_more: bool,
    last: Option<Vec<Option<tenantry_policy::Value>>>,
}
