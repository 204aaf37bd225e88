//! Parameters to PostgreSQL's binary form, by the type that the server inferred for each.
//!
//! The SQL casts every parameter, so that type is known; a value of another type is our own fault and
//! is refused before anything is sent.

use std::error::Error;
use std::fmt;

use bytes::{BufMut, BytesMut};
use postgres_protocol::types as protocol;
use tenantry_policy::Value;
use tenantry_sql::program::Param;
use tokio_postgres::types::{IsNull, Kind, ToSql, Type, to_sql_checked};

/// Microseconds from 1970-01-01 to 2000-01-01, where PostgreSQL's time begins.
pub(super) const EPOCH_MICROS: i64 = 946_684_800_000_000;
/// Days from 1970-01-01 to 2000-01-01.
pub(super) const EPOCH_DAYS: i32 = 10_957;

type Refused = Box<dyn Error + Sync + Send>;

/// A parameter of a program with the parents' keys, if it hangs on any.
pub(super) struct Argument<'a> {
    param: &'a Param,
    keys: &'a [Vec<Value>],
}

impl<'a> Argument<'a> {
    /// The arguments of a statement. `keys` holds one list per pair of the relation, all equally long.
    pub(super) fn list(params: &'a [Param], keys: &'a [Vec<Value>]) -> Vec<Argument<'a>> {
        params.iter().map(|param| Argument { param, keys }).collect()
    }
}

impl fmt::Debug for Argument<'_> {
    // The driver prints parameters at its debug level: values must not get there.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

impl ToSql for Argument<'_> {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Refused> {
        match self.param {
            Param::Value { value: None, .. } => Ok(IsNull::Yes),
            Param::Value { value: Some(value), .. } => put(value, ty, out).map(|()| IsNull::No),
            Param::List { values, .. } => put_array(values, ty, out).map(|()| IsNull::No),
            Param::Keys { pair, .. } => {
                let values = self.keys.get(*pair).ok_or("no keys for this pair")?;
                put_array(values, ty, out).map(|()| IsNull::No)
            }
            _ => Err("a parameter of an unknown kind".into()),
        }
    }

    fn accepts(_: &Type) -> bool {
        // `put` matches value and type, and knows both.
        true
    }

    to_sql_checked!();
}

fn put_array(values: &[Value], ty: &Type, out: &mut BytesMut) -> Result<(), Refused> {
    let Kind::Array(element) = base(ty).kind() else {
        return Err("a list for a parameter that is no array".into());
    };
    // An empty array has no dimension at all.
    let dimension = (!values.is_empty())
        .then(|| i32::try_from(values.len()))
        .transpose()?
        .map(|len| protocol::ArrayDimension { len, lower_bound: 1 });
    protocol::array_to_sql(
        dimension,
        element.oid(),
        values,
        |value, out| put(value, element, out).map(|()| postgres_protocol::IsNull::No),
        out,
    )
}

fn put(value: &Value, ty: &Type, out: &mut BytesMut) -> Result<(), Refused> {
    let ty = base(ty);
    match value {
        Value::Bool(flag) if *ty == Type::BOOL => out.put_u8(u8::from(*flag)),
        Value::Int(number) if *ty == Type::INT8 => out.put_i64(*number),
        Value::Int(number) if *ty == Type::INT4 => out.put_i32(i32::try_from(*number)?),
        Value::Int(number) if *ty == Type::INT2 => out.put_i16(i16::try_from(*number)?),
        Value::Decimal(number) if *ty == Type::NUMERIC => {
            number.to_sql(ty, out)?;
        }
        Value::Text(text) if is_text(ty) => out.put_slice(text.as_bytes()),
        Value::Uuid(id) if *ty == Type::UUID => out.put_slice(id.as_bytes()),
        Value::Timestamp(micros) if *ty == Type::TIMESTAMPTZ || *ty == Type::TIMESTAMP => {
            out.put_i64(micros.checked_sub(EPOCH_MICROS).ok_or("a timestamp before PostgreSQL's time")?);
        }
        Value::Date(days) if *ty == Type::DATE => {
            out.put_i32(days.checked_sub(EPOCH_DAYS).ok_or("a date before PostgreSQL's time")?);
        }
        Value::Float(number) if *ty == Type::FLOAT8 => out.put_f64(*number),
        Value::Json(document) if is_text(ty) || *ty == Type::JSON => out.put_slice(document.as_bytes()),
        Value::Json(document) if *ty == Type::JSONB => {
            out.put_u8(1);
            out.put_slice(document.as_bytes());
        }
        Value::Bytes(bytes) if *ty == Type::BYTEA => out.put_slice(bytes),
        // Names the two types only: an error text must never hold the value.
        _ => return Err(["a ", value.ty().name(), " for a parameter of type ", ty.name()].concat().into()),
    }
    Ok(())
}

fn is_text(ty: &Type) -> bool {
    [Type::TEXT, Type::VARCHAR, Type::BPCHAR, Type::NAME, Type::UNKNOWN].contains(ty)
        || ty.name() == "citext"
        || matches!(ty.kind(), Kind::Enum(_))
}

/// The type beneath domains.
pub(super) fn base(mut ty: &Type) -> &Type {
    while let Kind::Domain(inner) = ty.kind() {
        ty = inner;
    }
    ty
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(value: &Value, ty: &Type) -> Option<Vec<u8>> {
        let mut out = BytesMut::new();
        put(value, ty, &mut out).ok().map(|()| out.to_vec())
    }

    #[test]
    fn values_go_only_to_types_of_their_meaning() {
        assert_eq!(bytes(&Value::Int(-2), &Type::INT8), Some(vec![255, 255, 255, 255, 255, 255, 255, 254]));
        assert_eq!(bytes(&Value::Int(70_000), &Type::INT2), None);
        assert_eq!(bytes(&Value::Int(1), &Type::TEXT), None);
        assert_eq!(bytes(&Value::text("1"), &Type::INT8), None);
        assert_eq!(bytes(&Value::Timestamp(EPOCH_MICROS), &Type::TIMESTAMPTZ), Some(vec![0; 8]));
        assert_eq!(bytes(&Value::Timestamp(i64::MIN), &Type::TIMESTAMPTZ), None);
        assert_eq!(bytes(&Value::Date(i32::MIN), &Type::DATE), None);
        assert_eq!(bytes(&Value::Json("{}".into()), &Type::JSONB), Some(b"\x01{}".to_vec()));
        assert_eq!(bytes(&Value::Bool(true), &Type::BOOL), Some(vec![1]));
    }

    #[test]
    fn a_refusal_does_not_tell_the_value() {
        let refused = put(&Value::text("sesame"), &Type::INT8, &mut BytesMut::new()).unwrap_err();
        assert_eq!(refused.to_string(), "a text for a parameter of type int8");
    }

    #[test]
    fn empty_arrays_have_no_dimension() {
        let mut out = BytesMut::new();
        put_array(&[], &Type::INT8_ARRAY, &mut out).unwrap();
        assert_eq!(out.to_vec(), [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 20]);
    }
}
