//! Writes: each in one transaction that holds the write lock, so that nothing changes between a
//! row's image and its change.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::types::ValueRef;
use tenantry_sql::program::{Change, Conflict, Insert, Output, Param, References, Remove};

use super::connection::Role;
use super::failure::Fault;
use super::read::{Ask, Desk, Next};
use super::record::Row;
use crate::answer::{Answer, ChangeRecord};
use crate::emit::write_columns;
use crate::error::RunError;
use crate::include::{Key, key_at, within};

/// A statement that explains a refusal, with its parameters for each row of the call.
#[derive(Clone, Copy)]
pub(super) struct Why<'a> {
    pub(super) ask: Ask<'a>,
    pub(super) rows: &'a [Vec<Param>],
    /// The relations' names, for references.
    pub(super) names: &'a [Arc<str>],
}

impl<'a> From<&'a References> for Why<'a> {
    fn from(references: &'a References) -> Why<'a> {
        Why { ask: Ask::from(&references.statement), rows: &references.rows, names: &references.names }
    }
}

impl<'a> From<&'a Conflict> for Why<'a> {
    fn from(conflict: &'a Conflict) -> Why<'a> {
        Why { ask: Ask::from(&conflict.statement), rows: &conflict.rows, names: &[] }
    }
}

impl<'a> Why<'a> {
    /// The statement for a row of the call; one for all rows has its parameters once.
    fn of(self, row: usize) -> Ask<'a> {
        let params = self.rows.get(row).or_else(|| self.rows.first());
        params.map_or(self.ask, |params| self.ask.with(params))
    }
}

/// What is asked for after a write.
#[derive(Clone, Copy)]
pub(super) struct Shape<'a> {
    pub(super) key: &'a [usize],
    pub(super) returning: &'a [usize],
    pub(super) image: &'a [usize],
    pub(super) references: Option<Why<'a>>,
    pub(super) conflict: Option<Why<'a>>,
    pub(super) dry_run: bool,
}

/// The statements of a change.
#[derive(Clone, Copy)]
pub(super) struct Edit<'a> {
    pub(super) before: Ask<'a>,
    pub(super) update: Ask<'a>,
    pub(super) exactly_one: bool,
    pub(super) max_rows: u32,
}

impl Desk<'_> {
    /// Adds the rows of an insert.
    pub(super) fn insert(&self, insert: &Insert) -> Result<Answer, Fault> {
        let shape = Shape {
            key: &insert.key,
            returning: &insert.returning,
            image: &insert.image,
            references: insert.references.as_ref().map(Why::from),
            conflict: insert.conflict.as_ref().map(Why::from),
            dry_run: insert.dry_run,
        };
        self.create(Ask::from(&insert.statement), &insert.rows, shape)
    }

    /// Changes rows.
    pub(super) fn change(&self, change: &Change) -> Result<Answer, Fault> {
        let shape = Shape {
            key: &change.key,
            returning: &change.returning,
            image: &change.image,
            references: change.references.as_ref().map(Why::from),
            conflict: change.conflict.as_ref().map(Why::from),
            dry_run: change.dry_run,
        };
        let edit = Edit {
            before: Ask::from(&change.before),
            update: Ask::from(&change.update),
            exactly_one: change.exactly_one,
            max_rows: change.max_rows,
        };
        let rows: Vec<(&[Param], &[Param])> =
            change.rows.iter().map(|row| (row.before.as_slice(), row.update.as_slice())).collect();
        self.update(edit, &rows, shape)
    }

    /// Removes a row.
    pub(super) fn remove(&self, remove: &Remove) -> Result<Answer, Fault> {
        let shape = Shape {
            key: &remove.key,
            returning: &[],
            image: &remove.image,
            references: None,
            conflict: None,
            dry_run: remove.dry_run,
        };
        self.delete(Ask::from(&remove.statement), shape)
    }

    /// Adds one row per set of parameters, all or none.
    pub(super) fn create(&self, ask: Ask<'_>, rows: &[Vec<Param>], shape: Shape<'_>) -> Result<Answer, Fault> {
        self.connection.begin(Role::Writer)?;
        let mut answer = Answer { rows: vec![b'['], ..Answer::default() };
        for (at, params) in rows.iter().enumerate() {
            let made = self.each(ask.with(params), None, Written::new, |made, row| {
                self.written(made, ask.outputs, row, shape)?;
                Ok(Next::More)
            });
            let made = made.map_err(|fault| self.conflict(fault, shape.conflict, at))?;
            match made.changes.len() {
                0 => {
                    let unseen = RunError::ReferenceNotVisible { names: Vec::new() };
                    return Err(self.unseen(shape.references, at)?.unwrap_or(unseen).into());
                }
                1 => made.join(&mut answer, self.max_bytes, None)?,
                _ => return Err(internal("one insert made several rows").into()),
            }
        }
        self.end(answer, shape.dry_run)
    }

    /// Changes rows; `rows` are the parameters of the image and of the update.
    pub(super) fn update(
        &self,
        edit: Edit<'_>,
        rows: &[(&[Param], &[Param])],
        shape: Shape<'_>,
    ) -> Result<Answer, Fault> {
        self.connection.begin(Role::Writer)?;
        let limit = usize::try_from(edit.max_rows).unwrap_or(usize::MAX);
        let mut seen: usize = 0;
        let mut images = Vec::with_capacity(rows.len());
        for (at, (before, _)) in rows.iter().enumerate() {
            let ask = edit.before.with(before);
            let old: HashMap<Key, (usize, Vec<u8>)> = self.each(ask, None, HashMap::new, |old, row| {
                let key = key_at(ask.outputs, shape.key, row)?.ok_or_else(|| internal("a key that is NULL"))?;
                old.insert(key, (old.len(), self.object(ask.outputs, shape.image, row)?));
                // One more than allowed is enough to know.
                Ok(if seen.saturating_add(old.len()) > limit { Next::Enough } else { Next::More })
            })?;
            seen = seen.saturating_add(old.len());
            if seen > limit {
                return Err(RunError::MaxRows { limit: edit.max_rows }.into());
            }
            if edit.exactly_one && old.len() > 1 {
                return Err(internal("one id names several rows").into());
            }
            if old.is_empty() {
                // The guard holds the references too, and they are told of first: that answer is the
                // same for a row that is not there and for one that is somebody else's.
                self.unseen(shape.references, at)?.map_or(Ok(()), Err)?;
                if edit.exactly_one {
                    return Err(RunError::NotFound.into());
                }
            }
            images.push(old);
        }
        let mut answer = Answer { rows: vec![b'['], ..Answer::default() };
        for (at, ((_, update), old)) in rows.iter().zip(images).enumerate() {
            let ask = edit.update.with(update);
            let made = self.each(ask, None, Written::new, |made, row| {
                self.written(made, ask.outputs, row, shape)?;
                Ok(Next::More)
            });
            let made = made.map_err(|fault| self.conflict(fault, shape.conflict, at))?;
            if made.changes.len() < old.len() {
                return Err(internal("a row that was there a moment ago did not change").into());
            }
            made.join(&mut answer, self.max_bytes, Some(old))?;
        }
        self.end(answer, shape.dry_run)
    }

    /// Removes one row.
    pub(super) fn delete(&self, ask: Ask<'_>, shape: Shape<'_>) -> Result<Answer, Fault> {
        self.connection.begin(Role::Writer)?;
        let gone = self.each(ask, None, Vec::new, |gone, row| {
            gone.push(ChangeRecord {
                key: self.object(ask.outputs, shape.key, row)?,
                before: Some(self.object(ask.outputs, shape.image, row)?),
                after: None,
            });
            Ok(Next::More)
        })?;
        match gone.len() {
            0 => Err(RunError::NotFound.into()),
            1 => self.end(Answer { rows: vec![b'['], changes: gone, ..Answer::default() }, shape.dry_run),
            _ => Err(internal("one id names several rows").into()),
        }
    }

    /// Takes in one row that the database wrote, unless the rules refuse it.
    fn written(
        &self,
        made: &mut Written,
        outputs: &[Output],
        row: &Row<'_, '_>,
        shape: Shape<'_>,
    ) -> Result<(), Fault> {
        let verdict = outputs.len().checked_sub(1).map(|last| row.0.get_ref(last));
        if !matches!(verdict, Some(Ok(ValueRef::Integer(1)))) {
            return Err(RunError::RuleRefusesRow.into());
        }
        let mut written = Vec::new();
        write_columns(&mut written, outputs, shape.returning, row, self.redactor)?;
        made.rows.push(written);
        made.keys.push(key_at(outputs, shape.key, row)?.unwrap_or_default());
        made.changes.push(ChangeRecord {
            key: self.object(outputs, shape.key, row)?,
            before: None,
            after: Some(self.object(outputs, shape.image, row)?),
        });
        Ok(())
    }

    fn object(&self, outputs: &[Output], positions: &[usize], row: &Row<'_, '_>) -> Result<Vec<u8>, RunError> {
        let mut out = Vec::new();
        write_columns(&mut out, outputs, positions, row, self.redactor)?;
        Ok(out)
    }

    /// Did the guard keep a row out because of what it points at? The names of the relations whose
    /// row is not visible.
    fn unseen(&self, references: Option<Why<'_>>, at: usize) -> Result<Option<RunError>, Fault> {
        let Some(references) = references else { return Ok(None) };
        let ask = references.of(at);
        let names = self.each(ask, None, Vec::new, |names: &mut Vec<String>, row| {
            for (index, name) in references.names.iter().enumerate() {
                if !matches!(row.0.get_ref(index), Ok(ValueRef::Integer(1))) {
                    names.push(name.to_string());
                }
            }
            Ok(Next::Enough)
        })?;
        Ok((!names.is_empty()).then_some(RunError::ReferenceNotVisible { names }))
    }

    /// What a unique conflict is with: the caller's own row, or one that must not be told of.
    fn conflict(&self, fault: Fault, conflict: Option<Why<'_>>, at: usize) -> Fault {
        if !fault.unique() {
            return fault;
        }
        let Some(conflict) = conflict else { return fault };
        let found = self.each(
            conflict.of(at),
            None,
            || false,
            |found, _| {
                *found = true;
                Ok(Next::Enough)
            },
        );
        match found {
            Ok(own) => RunError::UniqueConflict { own }.into(),
            Err(fault) => fault,
        }
    }

    fn end(&self, mut answer: Answer, dry_run: bool) -> Result<Answer, Fault> {
        if !dry_run {
            // A dry run's transaction is rolled back when the connection settles.
            self.connection.start(self.timeout);
            self.connection.commit()?;
        }
        answer.rows.push(b']');
        answer.count = u64::try_from(answer.changes.len()).unwrap_or(u64::MAX);
        Ok(answer)
    }
}

/// The rows that one run of a statement wrote.
struct Written {
    rows: Vec<Vec<u8>>,
    keys: Vec<Key>,
    changes: Vec<ChangeRecord>,
}

impl Written {
    fn new() -> Written {
        Written { rows: Vec::new(), keys: Vec::new(), changes: Vec::new() }
    }

    /// Adds them to the answer; changed ones with their images from before, and in the order of those.
    fn join(
        self,
        answer: &mut Answer,
        max_bytes: u64,
        images: Option<HashMap<Key, (usize, Vec<u8>)>>,
    ) -> Result<(), RunError> {
        let mut all: Vec<(usize, Vec<u8>, ChangeRecord)> = Vec::with_capacity(self.changes.len());
        let mut images = images;
        for ((mut change, row), key) in self.changes.into_iter().zip(self.rows).zip(&self.keys) {
            let mut place = all.len();
            if let Some(images) = &mut images {
                let (at, image) = images.remove(key).ok_or_else(|| internal("a row changed that had no image"))?;
                change.before = Some(image);
                place = at;
            }
            all.push((place, row, change));
        }
        all.sort_by_key(|(place, ..)| *place);
        for (_, mut row, change) in all {
            if answer.rows.len() > 1 {
                answer.rows.push(b',');
            }
            answer.rows.append(&mut row);
            answer.changes.push(change);
        }
        within(&answer.rows, max_bytes)
    }
}

fn internal(what: &str) -> RunError {
    RunError::Internal(what.to_owned())
}
