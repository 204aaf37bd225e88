//! A row of PostgreSQL as cells, straight from its binary form.

use std::borrow::Cow;
use std::error::Error;

use tenantry_sql::program::Output;
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, Kind, Type};

use super::bind::{EPOCH_DAYS, EPOCH_MICROS, base};
use super::numeric::{self, Numeric};
use crate::emit::{Cell, Record};
use crate::error::RunError;

/// The bytes of a value as the server sent them; `None` is NULL.
struct Raw<'a>(Option<&'a [u8]>);

impl<'a> FromSql<'a> for Raw<'a> {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Raw(Some(raw)))
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Raw(None))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

impl Record for Row {
    fn cell(&self, index: usize, output: &Output) -> Result<Cell<'_>, RunError> {
        let column = self.columns().get(index).ok_or_else(misfit)?;
        let Raw(raw) = self.try_get(index).map_err(|_| misfit())?;
        match raw {
            None => Ok(Cell::Null),
            Some(raw) => decode(raw, column.type_(), output.ty),
        }
    }
}

/// The bytes of the columns at `positions`: equal for two rows of the same columns when the values are.
pub(super) fn identity(row: &Row, positions: &[usize]) -> Result<Vec<Vec<u8>>, RunError> {
    positions
        .iter()
        .map(|at| {
            let Raw(raw) =
                row.columns().get(*at).ok_or_else(misfit).and_then(|_| row.try_get(*at).map_err(|_| misfit()))?;
            Ok(raw.unwrap_or_default().to_vec())
        })
        .collect()
}

/// The last column's bool; NULL is false.
pub(super) fn verdict(row: &Row) -> bool {
    row.len().checked_sub(1).and_then(|last| row.try_get::<_, Option<bool>>(last).ok()).flatten().unwrap_or(false)
}

fn misfit() -> RunError {
    RunError::Internal("a column is not as its program describes it".to_owned())
}

fn decode<'a>(raw: &'a [u8], ty: &Type, wanted: tenantry_policy::Type) -> Result<Cell<'a>, RunError> {
    use tenantry_policy::Type as Wanted;
    let cell = match *base(ty) {
        Type::BOOL => Cell::Bool(raw.first().ok_or_else(misfit)? != &0),
        Type::INT2 => Cell::Int(i16::from_be_bytes(exact(raw)?).into()),
        Type::INT4 => Cell::Int(i32::from_be_bytes(exact(raw)?).into()),
        Type::INT8 => Cell::Int(i64::from_be_bytes(exact(raw)?)),
        Type::FLOAT4 => float4(f32::from_be_bytes(exact(raw)?)),
        Type::FLOAT8 => Cell::Float(f64::from_be_bytes(exact(raw)?)),
        Type::NUMERIC => decimal(raw, wanted == Wanted::Int)?,
        Type::UUID => Cell::Uuid(uuid::Uuid::from_bytes(exact(raw)?)),
        Type::TIMESTAMPTZ | Type::TIMESTAMP => match i64::from_be_bytes(exact(raw)?) {
            i64::MAX => Cell::Text("infinity"),
            i64::MIN => Cell::Text("-infinity"),
            micros => Cell::TimestampMicros(micros.checked_add(EPOCH_MICROS).ok_or(RunError::ValueOutOfRange)?),
        },
        Type::DATE => match i32::from_be_bytes(exact(raw)?) {
            i32::MAX => Cell::Text("infinity"),
            i32::MIN => Cell::Text("-infinity"),
            days => Cell::Date(days.checked_add(EPOCH_DAYS).ok_or(RunError::ValueOutOfRange)?),
        },
        Type::JSON => Cell::Json(text(raw)?),
        // A version, always 1, stands before the text.
        Type::JSONB => match raw.split_first() {
            Some((1, document)) => Cell::Json(text(document)?),
            _ => return Err(misfit()),
        },
        Type::BYTEA => Cell::Bytes(raw),
        Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME if wanted == Wanted::Json => Cell::Json(text(raw)?),
        Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME => Cell::Text(text(raw)?),
        ref other if matches!(other.kind(), Kind::Enum(_)) || other.name() == "citext" => Cell::Text(text(raw)?),
        _ => return Err(misfit()),
    };
    Ok(cell)
}

fn exact<const N: usize>(raw: &[u8]) -> Result<[u8; N], RunError> {
    raw.try_into().map_err(|_| misfit())
}

fn text(raw: &[u8]) -> Result<&str, RunError> {
    std::str::from_utf8(raw).map_err(|_| misfit())
}

/// The shortest decimal that names the single-precision number, rather than its exact binary value:
/// 0.1 stays 0.1.
fn float4<'a>(number: f32) -> Cell<'a> {
    Cell::Float(number.to_string().parse().unwrap_or(f64::from(number)))
}

fn decimal<'a>(raw: &[u8], whole: bool) -> Result<Cell<'a>, RunError> {
    let mut digits = String::with_capacity(24);
    Ok(match numeric::write(raw, &mut digits).ok_or_else(misfit)? {
        Numeric::Finite if whole => Cell::Int(digits.parse().map_err(|_| RunError::ValueOutOfRange)?),
        Numeric::Finite => Cell::DecimalText(Cow::Owned(digits)),
        Numeric::NaN => Cell::Text("NaN"),
        Numeric::Infinity => Cell::Text("Infinity"),
        Numeric::MinusInfinity => Cell::Text("-Infinity"),
    })
}
