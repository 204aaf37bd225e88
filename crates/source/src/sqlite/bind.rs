//! Values into a statement's parameters, in the form that SQLite stores them.

use rusqlite::Statement;
use rusqlite::types::Null;
use tenantry_policy::catalog::Storage;
use tenantry_policy::value::format_date;
use tenantry_policy::{Type, Value};
use tenantry_sql::program::Param;
use uuid::Uuid;

use super::failure::Fault;
use crate::emit::{timestamp_text, write_text};
use crate::error::RunError;
use crate::include::Key;

/// Binds all parameters; `keys` is the JSON text of the parents' keys, for an include.
pub(super) fn bind(statement: &mut Statement<'_>, params: &[Param], keys: Option<&str>) -> Result<(), Fault> {
    for (index, param) in (1_usize..).zip(params) {
        match param {
            Param::Value { value: None, .. } => statement.raw_bind_parameter(index, Null)?,
            Param::Value { value: Some(value), storage, .. } => bind_value(statement, index, value, *storage)?,
            Param::Keys { pair: 0, .. } => {
                let keys = keys.ok_or_else(|| inconsistent("the keys of no parent"))?;
                statement.raw_bind_parameter(index, keys)?;
            }
            _ => return Err(inconsistent("a parameter that SQLite does not have").into()),
        }
    }
    Ok(())
}

fn inconsistent(what: &str) -> RunError {
    RunError::Internal(["a program asks for ", what].concat())
}

/// Binds one value in its stored form.
pub(super) fn bind_value(
    statement: &mut Statement<'_>,
    index: usize,
    value: &Value,
    storage: Storage,
) -> Result<(), Fault> {
    match value {
        Value::Bool(value) => statement.raw_bind_parameter(index, *value)?,
        Value::Int(value) => statement.raw_bind_parameter(index, *value)?,
        Value::Text(text) | Value::Json(text) => statement.raw_bind_parameter(index, &**text)?,
        Value::Uuid(uuid) => {
            let mut buffer = Uuid::encode_buffer();
            statement.raw_bind_parameter(index, &*uuid.hyphenated().encode_lower(&mut buffer))?;
        }
        Value::Timestamp(micros) if storage == Storage::TimestampMicros => {
            statement.raw_bind_parameter(index, *micros)?;
        }
        Value::Timestamp(micros) => statement.raw_bind_parameter(index, stored_timestamp(*micros)?)?,
        Value::Date(days) => {
            statement.raw_bind_parameter(index, format_date(*days).ok_or(RunError::ValueOutOfRange)?)?;
        }
        Value::Float(value) => statement.raw_bind_parameter(index, *value)?,
        Value::Decimal(value) => {
            let plain = value.normalize();
            match i64::try_from(plain) {
                Ok(whole) if plain.scale() == 0 => statement.raw_bind_parameter(index, whole)?,
                // The text is the way to the nearest float.
                _ => {
                    let nearest: f64 = plain.to_string().parse().map_err(|_| RunError::ValueOutOfRange)?;
                    statement.raw_bind_parameter(index, nearest)?;
                }
            }
        }
        Value::Bytes(bytes) => statement.raw_bind_parameter(index, &**bytes)?,
    }
    Ok(())
}

/// `YYYY-MM-DD HH:MM:SS`, with as many digits of fraction as there are: in this form the order of the
/// texts is the order of the moments.
fn stored_timestamp(micros: i64) -> Result<String, RunError> {
    // The years 0 to 9999; others have a sign, and texts with signs have another order.
    if !(-62_167_219_200_000_000..253_402_300_800_000_000).contains(&micros) {
        return Err(RunError::ValueOutOfRange);
    }
    Ok(timestamp_text(micros).trim_end_matches('Z').replacen('T', " ", 1))
}

/// The parents' keys as a JSON array of arrays. `storages` says how the child's columns store them.
pub(super) fn keys_json(keys: &[&Key], storages: &[Storage]) -> Result<String, RunError> {
    let mut out = Vec::with_capacity(keys.len().saturating_mul(16));
    out.push(b'[');
    for (index, key) in keys.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        out.push(b'[');
        for (index, part) in key.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            key_part(&mut out, &part.value(), storages.get(index).copied().unwrap_or(Storage::Native))?;
        }
        out.push(b']');
    }
    out.push(b']');
    String::from_utf8(out).map_err(|_| inconsistent("keys that are no text"))
}

fn key_part(out: &mut Vec<u8>, value: &Value, storage: Storage) -> Result<(), RunError> {
    match value {
        Value::Bool(value) => out.push(if *value { b'1' } else { b'0' }),
        Value::Int(value) => out.extend_from_slice(value.to_string().as_bytes()),
        Value::Timestamp(micros) if storage == Storage::TimestampMicros => {
            out.extend_from_slice(micros.to_string().as_bytes());
        }
        Value::Timestamp(micros) => write_text(out, &stored_timestamp(*micros)?),
        Value::Decimal(value) => out.extend_from_slice(value.normalize().to_string().as_bytes()),
        Value::Text(text) => write_text(out, text),
        Value::Uuid(uuid) => write_text(out, uuid.hyphenated().encode_lower(&mut Uuid::encode_buffer())),
        Value::Date(days) => write_text(out, &format_date(*days).ok_or(RunError::ValueOutOfRange)?),
        Value::Float(_) | Value::Json(_) | Value::Bytes(_) => {
            let ty: Type = value.ty();
            return Err(RunError::Internal(["a relation over values of type ", ty.name()].concat()));
        }
    }
    Ok(())
}
