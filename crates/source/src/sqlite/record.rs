//! SQLite's values as typed cells. SQLite checks no types, so everything is checked here, and a
//! stored value that does not fit its column's type fails the call rather than look like another.

use rusqlite::types::ValueRef;
use rust_decimal::prelude::ToPrimitive as _;
use tenantry_policy::Type;
use tenantry_policy::catalog::Storage;
use tenantry_sql::program::Output;
use uuid::Uuid;

use crate::emit::{Cell, Record};
use crate::error::RunError;

/// A row of a result.
pub(super) struct Row<'r, 's>(pub(super) &'r rusqlite::Row<'s>);

impl Record for Row<'_, '_> {
    fn cell(&self, index: usize, output: &Output) -> Result<Cell<'_>, RunError> {
        let value = self.0.get_ref(index).map_err(|_| {
            RunError::Internal("a program describes a column that its statement does not select".to_owned())
        })?;
        cell_of(output.ty, output.storage, output.scale, value).ok_or_else(|| {
            RunError::Internal(["column `", &output.name, "` holds a value that is no ", output.ty.name()].concat())
        })
    }
}

/// The cell of a stored value; `None` when it does not fit.
fn cell_of(ty: Type, storage: Storage, scale: Option<u8>, value: ValueRef<'_>) -> Option<Cell<'_>> {
    Some(match (ty, value) {
        (_, ValueRef::Null) => Cell::Null,
        (Type::Bool, ValueRef::Integer(0)) => Cell::Bool(false),
        (Type::Bool, ValueRef::Integer(1)) => Cell::Bool(true),
        (Type::Int, ValueRef::Integer(value)) => Cell::Int(value),
        (Type::Decimal, ValueRef::Integer(value)) => decimal_of_integer(value, scale),
        (Type::Decimal, ValueRef::Real(value)) => decimal_of_real(value, scale)?,
        // NUMERIC affinity keeps as text what is no number; a sum of decimals comes as digits.
        (Type::Decimal, ValueRef::Text(text)) => {
            let text = std::str::from_utf8(text).ok()?;
            is_decimal(text).then_some(Cell::DecimalText(text.into()))?
        }
        (Type::Text, ValueRef::Text(text)) => Cell::Text(std::str::from_utf8(text).ok()?),
        (Type::Uuid, ValueRef::Text(text)) => Cell::Uuid(Uuid::try_parse_ascii(text).ok()?),
        (Type::Uuid, ValueRef::Blob(bytes)) => Cell::Uuid(Uuid::from_slice(bytes).ok()?),
        (Type::Timestamp, ValueRef::Integer(micros)) if storage != Storage::TimestampText => {
            Cell::TimestampMicros(micros)
        }
        (Type::Timestamp, ValueRef::Text(text)) if storage != Storage::TimestampMicros => {
            Cell::TimestampMicros(micros_of(text)?)
        }
        (Type::Date, ValueRef::Text(text)) => Cell::Date(i32::try_from(day_of(text)?).ok()?),
        (Type::Float, ValueRef::Real(value)) => Cell::Float(value),
        (Type::Float, ValueRef::Integer(value)) => Cell::Float(value.to_f64()?),
        (Type::Json, ValueRef::Text(text)) => {
            let text = std::str::from_utf8(text).ok()?;
            serde_json::from_str::<&serde_json::value::RawValue>(text).ok()?;
            Cell::Json(text)
        }
        // The column's affinity is numeric: a document that is only a number is kept as one.
        (Type::Json, ValueRef::Integer(value)) => Cell::Int(value),
        (Type::Json, ValueRef::Real(value)) => Cell::Float(value),
        (Type::Bytes, ValueRef::Blob(bytes)) => Cell::Bytes(bytes),
        _ => return None,
    })
}

fn decimal_of_integer<'a>(value: i64, scale: Option<u8>) -> Cell<'a> {
    let scale = scale.unwrap_or(0);
    match 10_i64.checked_pow(u32::from(scale)).and_then(|unit| value.checked_mul(unit)) {
        Some(unscaled) => Cell::Scaled(unscaled, scale),
        None => Cell::Int(value),
    }
}

/// The decimal that a stored float stands for: of the declared scale, or the shortest that reads
/// back as the same float.
fn decimal_of_real<'a>(value: f64, scale: Option<u8>) -> Option<Cell<'a>> {
    if !value.is_finite() {
        return None;
    }
    if let Some(scale) = scale
        && let Some(unit) = 10_i64.checked_pow(u32::from(scale)).and_then(|unit| unit.to_f64())
    {
        let unscaled = (value * unit).round();
        // Up to 2^53 the product's rounding to an integer is exact.
        if unscaled.abs() <= 9_007_199_254_740_992.0 {
            return Some(Cell::Scaled(unscaled.to_i64()?, scale));
        }
    }
    // Rust writes a float's shortest digits and never an exponent.
    Some(Cell::DecimalText(value.to_string().into()))
}

fn is_decimal(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').map_or((digits, None), |(whole, fraction)| (whole, Some(fraction)));
    let all = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    all(whole) && (whole.len() == 1 || !whole.starts_with('0')) && fraction.is_none_or(all)
}

/// Microseconds since 1970 of `YYYY-MM-DD HH:MM:SS`, with up to six digits of fraction. Other forms
/// are refused, since conditions compare the text byte by byte.
pub(super) fn micros_of(text: &[u8]) -> Option<i64> {
    let day = day_of(text.get(..10)?)?;
    let [b' ', h1, h2, b':', m1, m2, b':', s1, s2, fraction @ ..] = text.get(10..)? else { return None };
    let (hour, minute, second) = (two(*h1, *h2)?, two(*m1, *m2)?, two(*s1, *s2)?);
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let micros = match fraction {
        [] => 0,
        [b'.', digits @ ..] if (1..=6).contains(&digits.len()) => {
            let value = digits.iter().try_fold(0_i64, |sum, byte| Some(sum * 10 + digit(*byte)?))?;
            let missing = u32::try_from(6 - digits.len()).ok()?;
            value * 10_i64.pow(missing)
        }
        _ => return None,
    };
    Some(((day * 24 + hour) * 60 + minute) * 60_000_000 + second * 1_000_000 + micros)
}

/// Days since 1970 of `YYYY-MM-DD`.
pub(super) fn day_of(text: &[u8]) -> Option<i64> {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = text else { return None };
    let (year, month, day) = (two(*y1, *y2)? * 100 + two(*y3, *y4)?, two(*m1, *m2)?, two(*d1, *d2)?);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let longest = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=longest).contains(&day) {
        return None;
    }
    // Years that begin in March, so that the leap day comes last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + (153 * month + 2) / 5 + day - 1;
    Some(era * 146_097 + day_of_era - 719_468)
}

fn two(tens: u8, ones: u8) -> Option<i64> {
    Some(digit(tens)? * 10 + digit(ones)?)
}

fn digit(byte: u8) -> Option<i64> {
    byte.is_ascii_digit().then(|| i64::from(byte - b'0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_and_days_are_read_strictly() {
        for (text, shown) in [
            ("2024-02-29 23:59:59", Some("2024-02-29T23:59:59Z")),
            ("1969-12-31 23:59:59.999999", Some("1969-12-31T23:59:59.999999Z")),
            ("0001-01-01 00:00:00.5", Some("0001-01-01T00:00:00.5Z")),
            ("2023-02-29 00:00:00", None),
            ("2024-02-29T23:59:59", None),
            ("2024-02-29 23:59:59Z", None),
            ("2024-02-29 24:00:00", None),
            ("2024-02-29 23:59:59.", None),
            ("2024-02-29 23:59:59.1234567", None),
            ("2024-02-29", None),
            ("", None),
        ] {
            let read = micros_of(text.as_bytes()).and_then(tenantry_policy::value::format_timestamp);
            assert_eq!(read.as_deref(), shown, "{text}");
        }
        for text in ["1970-01-01", "2000-02-29", "0000-03-01", "9999-12-31", "1899-12-31"] {
            let days = i32::try_from(day_of(text.as_bytes()).unwrap()).unwrap();
            assert_eq!(tenantry_policy::value::parse_date(text), Some(days), "{text}");
        }
    }

    #[test]
    fn decimals_have_their_declared_scale() {
        let shown = |value: ValueRef<'_>, scale| {
            cell_of(Type::Decimal, Storage::DecimalNumber, scale, value).map(|cell| {
                let mut out = Vec::new();
                let output = Output {
                    name: "x".into(),
                    ty: Type::Decimal,
                    storage: Storage::DecimalNumber,
                    scale,
                    show: tenantry_sql::program::Show::Plain,
                };
                let redactor = crate::Redactor { hash: tenantry_policy::redact::HashKey::derive(b"", "") };
                crate::emit::write_cell(&mut out, &output, &cell, &redactor);
                String::from_utf8(out).unwrap()
            })
        };
        assert_eq!(shown(ValueRef::Real(12.5), Some(2)).as_deref(), Some("12.50"));
        assert_eq!(shown(ValueRef::Real(-0.05), Some(2)).as_deref(), Some("-0.05"));
        assert_eq!(shown(ValueRef::Real(1.005), Some(3)).as_deref(), Some("1.005"));
        assert_eq!(shown(ValueRef::Integer(-7), Some(2)).as_deref(), Some("-7.00"));
        assert_eq!(shown(ValueRef::Integer(7), None).as_deref(), Some("7"));
        assert_eq!(shown(ValueRef::Real(0.1), None).as_deref(), Some("0.1"));
        assert_eq!(
            shown(ValueRef::Text(b"12345678901234567890.12"), Some(2)).as_deref(),
            Some("12345678901234567890.12")
        );
        for text in ["", "abc", "1,5", "01", "1.", ".5", "1e5", "--1"] {
            assert!(shown(ValueRef::Text(text.as_bytes()), None).is_none(), "{text}");
        }
        assert!(shown(ValueRef::Real(f64::INFINITY), Some(2)).is_none());
    }

    #[test]
    fn values_of_another_type_do_not_fit() {
        for (ty, value) in [
            (Type::Int, ValueRef::Text(b"1")),
            (Type::Bool, ValueRef::Integer(2)),
            (Type::Text, ValueRef::Integer(1)),
            (Type::Text, ValueRef::Text(b"\xff")),
            (Type::Uuid, ValueRef::Text(b"not a uuid")),
            (Type::Timestamp, ValueRef::Real(1.0)),
            (Type::Date, ValueRef::Text(b"1.1.2024")),
            (Type::Json, ValueRef::Text(b"{]")),
            (Type::Bytes, ValueRef::Text(b"x")),
        ] {
            assert!(cell_of(ty, Storage::Native, None, value).is_none(), "{ty}");
        }
    }
}
