//! Typed values. There is no NULL here: a nullable place holds `Option<Value>`.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use rust_decimal::Decimal;
use uuid::Uuid;

/// The type of a column, an attribute or a literal. Types are static and never coerced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Type {
    /// True or false.
    Bool,
    /// A 64-bit signed integer.
    Int,
    /// An exact decimal, at most 28 significant digits.
    Decimal,
    /// Text, compared byte by byte.
    Text,
    /// A UUID; as text always canonical lower case.
    Uuid,
    /// A moment, in microseconds since 1970-01-01T00:00:00Z.
    Timestamp,
    /// A calendar date. Readable and filterable, not usable in conditions.
    Date,
    /// A binary floating-point number. Readable and filterable, not usable in conditions.
    Float,
    /// A JSON document. Readable only.
    Json,
    /// Bytes, shown as base64. Readable only.
    Bytes,
}

impl Type {
    /// The name used in messages, in `describe_schema` and in the file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Type::Bool => "bool",
            Type::Int => "int",
            Type::Decimal => "decimal",
            Type::Text => "text",
            Type::Uuid => "uuid",
            Type::Timestamp => "timestamp",
            Type::Date => "date",
            Type::Float => "float",
            Type::Json => "json",
            Type::Bytes => "bytes",
        }
    }

    /// May columns of this type stand in a condition?
    #[must_use]
    pub fn in_conditions(self) -> bool {
        !matches!(self, Type::Date | Type::Float | Type::Json | Type::Bytes)
    }

    /// May a condition compare values of this type by order?
    /// Text is left out because its order depends on a collation.
    #[must_use]
    pub fn ordered_in_conditions(self) -> bool {
        matches!(self, Type::Int | Type::Decimal | Type::Timestamp)
    }

    /// May a caller's filter, order or min/max use this type?
    #[must_use]
    pub fn filterable(self) -> bool {
        !matches!(self, Type::Json | Type::Bytes)
    }

    /// May `sum` and `avg` add values of this type?
    #[must_use]
    pub fn summable(self) -> bool {
        matches!(self, Type::Int | Type::Decimal | Type::Float)
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A value of one of the types.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// See [`Type::Bool`].
    Bool(bool),
    /// See [`Type::Int`].
    Int(i64),
    /// See [`Type::Decimal`].
    Decimal(Decimal),
    /// See [`Type::Text`]. Never holds a NUL character.
    Text(Arc<str>),
    /// See [`Type::Uuid`].
    Uuid(Uuid),
    /// See [`Type::Timestamp`]: microseconds since 1970 UTC.
    Timestamp(i64),
    /// See [`Type::Date`]: days since 1970-01-01.
    Date(i32),
    /// See [`Type::Float`]. Never NaN.
    Float(f64),
    /// See [`Type::Json`]: the document's text.
    Json(Arc<str>),
    /// See [`Type::Bytes`].
    Bytes(Arc<[u8]>),
}

impl Value {
    /// The type of this value.
    #[must_use]
    pub fn ty(&self) -> Type {
        match self {
            Value::Bool(_) => Type::Bool,
            Value::Int(_) => Type::Int,
            Value::Decimal(_) => Type::Decimal,
            Value::Text(_) => Type::Text,
            Value::Uuid(_) => Type::Uuid,
            Value::Timestamp(_) => Type::Timestamp,
            Value::Date(_) => Type::Date,
            Value::Float(_) => Type::Float,
            Value::Json(_) => Type::Json,
            Value::Bytes(_) => Type::Bytes,
        }
    }

    /// A text value.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Value::Text(Arc::from(text))
    }

    /// The order of two values of one type; `None` for different types. Text is ordered by its bytes.
    #[must_use]
    pub fn compare(&self, other: &Value) -> Option<Ordering> {
        match (self, other) {
            (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
            (Value::Int(a), Value::Int(b)) => Some(a.cmp(b)),
            (Value::Decimal(a), Value::Decimal(b)) => Some(a.cmp(b)),
            (Value::Text(a), Value::Text(b)) => Some(a.as_bytes().cmp(b.as_bytes())),
            (Value::Uuid(a), Value::Uuid(b)) => Some(a.cmp(b)),
            (Value::Timestamp(a), Value::Timestamp(b)) => Some(a.cmp(b)),
            (Value::Date(a), Value::Date(b)) => Some(a.cmp(b)),
            (Value::Float(a), Value::Float(b)) => a.partial_cmp(b),
            _ => None,
        }
    }

    /// Are the two of one type and equal? Decimals compare by value (`1.0` equals `1.00`).
    #[must_use]
    pub fn same(&self, other: &Value) -> bool {
        self.compare(other) == Some(Ordering::Equal)
    }
}

/// Days since 1970-01-01 of a `YYYY-MM-DD` text, or `None` when it is not one.
#[must_use]
pub fn parse_date(text: &str) -> Option<i32> {
    let shaped = text.len() == 10
        && text
            .bytes()
            .enumerate()
            .all(|(at, byte)| if matches!(at, 4 | 7) { byte == b'-' } else { byte.is_ascii_digit() });
    if !shaped {
        return None;
    }
    let date: jiff::civil::Date = text.parse().ok()?;
    let epoch = jiff::civil::date(1970, 1, 1);
    epoch.until(date).ok().map(|span| span.get_days())
}

/// The `YYYY-MM-DD` text of days since 1970-01-01; `None` outside the years -9999 to 9999.
#[must_use]
pub fn format_date(days: i32) -> Option<String> {
    let span = jiff::Span::new().try_days(days).ok()?;
    jiff::civil::date(1970, 1, 1).checked_add(span).ok().map(|date| date.to_string())
}

/// The microseconds of a day, which has no leap seconds here.
const DAY: i64 = 86_400_000_000;

/// Microseconds since 1970 of an RFC 3339 text with an offset (`Z` or `+01:00`), or `None`: section
/// 5.6 of the RFC to the letter, the years 1 to 9999, no leap second. More precision than a
/// microsecond is refused, since PostgreSQL would round it.
#[must_use]
pub fn parse_timestamp(text: &str) -> Option<i64> {
    let (date, rest) = text.split_at_checked(10)?;
    let days = parse_date(date).filter(|_| !date.starts_with("0000"))?;
    let rest = rest.strip_prefix(['T', 't'])?;
    let (clock, rest) = rest.split_at_checked(8)?;
    let seconds = clock_seconds(clock)?;
    let (micros, offset) = match rest.strip_prefix('.') {
        None => (0, rest),
        Some(rest) => {
            let end = rest.find(|c: char| !c.is_ascii_digit())?;
            let (digits, offset) = rest.split_at_checked(end)?;
            if !(1..=6).contains(&digits.len()) {
                return None;
            }
            let scale = 10_i64.pow(6 - u32::try_from(digits.len()).ok()?);
            (digits.parse::<i64>().ok()? * scale, offset)
        }
    };
    let offset = match offset.split_at_checked(1)? {
        ("Z" | "z", "") => 0,
        ("+", offset) => offset_seconds(offset)?,
        ("-", offset) => -offset_seconds(offset)?,
        _ => return None,
    };
    Some(i64::from(days) * DAY + (seconds - offset) * 1_000_000 + micros)
}

/// Two digits.
fn two(text: &str) -> Option<i64> {
    (text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}

/// The seconds since midnight of `HH:MM:SS`.
fn clock_seconds(text: &str) -> Option<i64> {
    let (hours_minutes, seconds) = text.split_at_checked(5)?;
    let seconds = two(seconds.strip_prefix(':')?)?;
    (seconds < 60).then_some(offset_seconds(hours_minutes)? + seconds)
}

/// The seconds of `HH:MM`.
fn offset_seconds(text: &str) -> Option<i64> {
    let (hours, minutes) = text.split_once(':')?;
    let (hours, minutes) = (two(hours)?, two(minutes)?);
    (hours < 24 && minutes < 60).then_some(hours * 3_600 + minutes * 60)
}

/// The RFC 3339 text, in UTC with `Z`, of microseconds since 1970, with as many digits of fraction as
/// needed; `None` outside the years -9999 to 9999.
#[must_use]
pub fn format_timestamp(micros: i64) -> Option<String> {
    let date = format_date(i32::try_from(micros.div_euclid(DAY)).ok()?)?;
    let rest = micros.rem_euclid(DAY);
    let (seconds, fraction) = (rest / 1_000_000, rest % 1_000_000);
    let mut text = format!("{date}T{:02}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60);
    if fraction > 0 {
        text.push_str(format!(".{fraction:06}").trim_end_matches('0'));
    }
    text.push('Z');
    Some(text)
}

/// The exact decimal of a text such as `-12.50`: digits, at most one point between them, at most 28
/// digits in all. `None` for anything else; nothing is rounded.
#[must_use]
pub fn parse_decimal(text: &str) -> Option<Decimal> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let plain = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !plain(whole) || !plain(fraction) || digits.len() > 29 {
        return None;
    }
    let number = Decimal::from_str_exact(text).ok()?;
    let digits = digits.bytes().filter(u8::is_ascii_digit).count();
    // A negative zero would be a second spelling of zero.
    (digits <= 28).then(|| if number.is_zero() { number.abs() } else { number })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_are_rfc_3339_to_the_letter() {
        for (text, micros) in [
            ("1970-01-01T00:00:00Z", 0),
            ("1970-01-01t00:00:00.000001z", 1),
            ("1970-01-01T01:00:00.5+01:00", 500_000),
            ("1969-12-31T23:59:59.999999Z", -1),
            ("2024-02-29T12:34:56-23:59", 1_709_296_436_000_000),
            ("9999-12-31T23:59:59.999999Z", 253_402_300_799_999_999),
            ("0001-01-01T00:00:00Z", -62_135_596_800_000_000),
        ] {
            assert_eq!(parse_timestamp(text), Some(micros), "{text}");
            let printed = format_timestamp(micros).unwrap();
            assert_eq!(parse_timestamp(&printed), Some(micros), "{printed}");
        }
        for text in [
            "",
            "1970-01-01",
            "1970-01-01T00:00:00",
            "1970-01-01 00:00:00Z",
            "1970-01-01T00:00Z",
            "19700101T000000Z",
            "1970-01-01T00:00:60Z",
            "1970-01-01T24:00:00Z",
            "1970-02-30T00:00:00Z",
            "1970-01-01T00:00:00.Z",
            "1970-01-01T00:00:00.0000001Z",
            "1970-01-01T00:00:00.000000+01",
            "1970-01-01T00:00:00+0100",
            "1970-01-01T00:00:00Z[UTC]",
            " 1970-01-01T00:00:00Z",
            "1970-01-01T00:00:00Z ",
            "0000-01-01T00:00:00Z",
            "1970-01-01T0１:00:00Z",
            "+970-01-01T00:00:00Z",
            "1970-01-01T-1:00:00Z",
        ] {
            assert_eq!(parse_timestamp(text), None, "{text}");
        }
        assert_eq!(format_timestamp(1_500_000).as_deref(), Some("1970-01-01T00:00:01.5Z"));
        assert_eq!(format_timestamp(i64::MAX), None);
    }

    #[test]
    fn decimals_are_exact() {
        for text in ["0", "-1", "1.50", "0.000000000000000000000000001", "9999999999999999999999999999"] {
            assert_eq!(parse_decimal(text).map(|number| number.to_string()).as_deref(), Some(text));
        }
        assert_eq!(parse_decimal("-0.0").map(|number| number.to_string()).as_deref(), Some("0.0"));
        for text in [
            "",
            "-",
            "+1",
            "1.",
            ".5",
            "1e5",
            "1_000",
            " 1",
            "1 ",
            "1.2.3",
            "--1",
            "１",
            "NaN",
            "99999999999999999999999999999",
        ] {
            assert_eq!(parse_decimal(text), None, "{text}");
        }
    }
}
