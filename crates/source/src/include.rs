//! Includes: the rows of each level are written once, and joined to their parents' objects at the end.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use rust_decimal::Decimal;
use tenantry_policy::Value;
use tenantry_sql::program::Output;
use uuid::Uuid;

use crate::answer::Redactor;
use crate::emit::{Record, output_at, value_of, write_row, write_text};
use crate::error::RunError;

/// The values that tie a row to its parent; two are equal when the database calls them equal.
pub(crate) type Key = Vec<KeyPart>;

/// One value of a [`Key`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum KeyPart {
    Bool(bool),
    Int(i64),
    Decimal(Decimal),
    Text(Arc<str>),
    Uuid(Uuid),
    Timestamp(i64),
    Date(i32),
    Bytes(Arc<[u8]>),
}

impl KeyPart {
    fn of(value: Value) -> Result<KeyPart, RunError> {
        Ok(match value {
            Value::Bool(value) => KeyPart::Bool(value),
            Value::Int(value) => KeyPart::Int(value),
            Value::Decimal(value) => KeyPart::Decimal(value),
            Value::Text(value) => KeyPart::Text(value),
            Value::Uuid(value) => KeyPart::Uuid(value),
            Value::Timestamp(value) => KeyPart::Timestamp(value),
            Value::Date(value) => KeyPart::Date(value),
            Value::Bytes(value) => KeyPart::Bytes(value),
            Value::Float(_) | Value::Json(_) => {
                return Err(RunError::Internal("a relation over a float or a document".to_owned()));
            }
        })
    }

    /// The value, as it is bound to a statement.
    pub(crate) fn value(&self) -> Value {
        match self {
            KeyPart::Bool(value) => Value::Bool(*value),
            KeyPart::Int(value) => Value::Int(*value),
            KeyPart::Decimal(value) => Value::Decimal(*value),
            KeyPart::Text(value) => Value::Text(Arc::clone(value)),
            KeyPart::Uuid(value) => Value::Uuid(*value),
            KeyPart::Timestamp(value) => Value::Timestamp(*value),
            KeyPart::Date(value) => Value::Date(*value),
            KeyPart::Bytes(value) => Value::Bytes(Arc::clone(value)),
        }
    }
}

/// The rows of one level as JSON objects, and how they are tied to the levels above and below.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    /// The objects, back to back.
    bytes: Vec<u8>,
    /// Where each ends.
    ends: Vec<usize>,
    /// The rows by what ties them to the parent, in the statement's order.
    by_own_key: HashMap<Key, Vec<usize>>,
    /// For each include, what ties each row to it; `None` where a part is NULL.
    parent_keys: Vec<Vec<Option<Key>>>,
    /// The includes' rows.
    includes: Vec<Included>,
}

/// The rows of one include.
#[derive(Debug)]
struct Included {
    name: Arc<str>,
    to_one: bool,
    rows: Rows,
}

impl Rows {
    /// No rows yet, of a level with so many includes.
    pub(crate) fn new(includes: usize) -> Rows {
        Rows { parent_keys: vec![Vec::new(); includes], ..Rows::default() }
    }

    /// Adds a row. `own` are the positions that tie it to its parent (none at the root); `parents`
    /// are, for each include in order, the positions that tie the include's rows to this one.
    ///
    /// # Errors
    /// [`RunError::Internal`] when a value does not fit its column's description.
    pub(crate) fn push<'p>(
        &mut self,
        outputs: &[Output],
        record: &impl Record,
        redactor: &Redactor,
        own: &[usize],
        parents: impl Iterator<Item = &'p [usize]>,
    ) -> Result<(), RunError> {
        write_row(&mut self.bytes, outputs, record, redactor)?;
        if !own.is_empty()
            && let Some(key) = key_at(outputs, own, record)?
        {
            self.by_own_key.entry(key).or_default().push(self.ends.len());
        }
        for (keys, positions) in self.parent_keys.iter_mut().zip(parents) {
            keys.push(key_at(outputs, positions, record)?);
        }
        self.ends.push(self.bytes.len());
        Ok(())
    }

    /// How many rows.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// How many bytes, includes not counted.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// The different keys of the include at `include`, in order of appearance: what its statement
    /// is bound to. Empty means that the statement need not run.
    pub(crate) fn keys_of(&self, include: usize) -> Vec<&Key> {
        let mut seen = HashSet::new();
        let keys = self.parent_keys.get(include).map(Vec::as_slice).unwrap_or_default();
        keys.iter().flatten().filter(|key| seen.insert(*key)).collect()
    }

    /// Attaches the rows of the next include, in the order of the level's children.
    pub(crate) fn attach(&mut self, name: Arc<str>, to_one: bool, rows: Rows) {
        self.includes.push(Included { name, to_one, rows });
    }

    /// Writes all rows as one JSON array, each with its includes inside.
    ///
    /// # Errors
    /// [`RunError::TooManyBytes`] once `out` is longer than `max_bytes`: a row that many parents
    /// share is written into each.
    pub(crate) fn write_array(&self, out: &mut Vec<u8>, max_bytes: u64) -> Result<(), RunError> {
        write_list(out, 0..self.ends.len(), |out, row| self.write_one(out, row, max_bytes))
    }

    fn write_one(&self, out: &mut Vec<u8>, row: usize, max_bytes: u64) -> Result<(), RunError> {
        let start = match row.checked_sub(1) {
            Some(before) => self.ends.get(before).copied().unwrap_or(0),
            None => 0,
        };
        let end = self.ends.get(row).copied().unwrap_or(start);
        let object = self.bytes.get(start..end).unwrap_or(b"{}");
        if self.includes.is_empty() {
            out.extend_from_slice(object);
            return within(out, max_bytes);
        }
        let open = object.strip_suffix(b"}").unwrap_or(object);
        out.extend_from_slice(open);
        let mut first = open.len() <= 1;
        for (include, keys) in self.includes.iter().zip(&self.parent_keys) {
            if !first {
                out.push(b',');
            }
            first = false;
            write_text(out, &include.name);
            out.push(b':');
            let rows: &[usize] = keys
                .get(row)
                .and_then(Option::as_ref)
                .and_then(|key| include.rows.by_own_key.get(key))
                .map(Vec::as_slice)
                .unwrap_or_default();
            if !include.to_one {
                write_list(out, rows.iter().copied(), |out, row| include.rows.write_one(out, row, max_bytes))?;
            } else if let Some(row) = rows.first() {
                include.rows.write_one(out, *row, max_bytes)?;
            } else {
                out.extend_from_slice(b"null");
            }
        }
        out.push(b'}');
        within(out, max_bytes)
    }
}

fn write_list(
    out: &mut Vec<u8>,
    rows: impl Iterator<Item = usize>,
    mut write: impl FnMut(&mut Vec<u8>, usize) -> Result<(), RunError>,
) -> Result<(), RunError> {
    out.push(b'[');
    for (index, row) in rows.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write(out, row)?;
    }
    out.push(b']');
    Ok(())
}

/// Is the answer still small enough?
pub(crate) fn within(out: &[u8], max_bytes: u64) -> Result<(), RunError> {
    if u64::try_from(out.len()).is_ok_and(|len| len <= max_bytes) { Ok(()) } else { Err(RunError::TooManyBytes) }
}

/// The key at `positions`; `None` where a part is NULL, which ties to nothing.
pub(crate) fn key_at(outputs: &[Output], positions: &[usize], record: &impl Record) -> Result<Option<Key>, RunError> {
    let mut key = Vec::with_capacity(positions.len());
    for index in positions {
        let output = output_at(outputs, *index)?;
        match value_of(output.ty, &record.cell(*index, output)?)? {
            Some(value) => key.push(KeyPart::of(value)?),
            None => return Ok(None),
        }
    }
    Ok(Some(key))
}
