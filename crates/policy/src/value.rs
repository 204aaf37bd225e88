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
    if text.len() != 10 {
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

/// Microseconds since 1970 of an RFC 3339 text with an offset (`Z` or `+01:00`), or `None`.
/// More precision than a microsecond is refused, since PostgreSQL would round it.
#[must_use]
pub fn parse_timestamp(text: &str) -> Option<i64> {
    let moment: jiff::Timestamp = text.parse().ok()?;
    if moment.subsec_nanosecond() % 1_000 != 0 {
        return None;
    }
    Some(moment.as_microsecond())
}

/// The RFC 3339 text, in UTC with `Z`, of microseconds since 1970; `None` outside jiff's range.
#[must_use]
pub fn format_timestamp(micros: i64) -> Option<String> {
    jiff::Timestamp::from_microsecond(micros).ok().map(|moment| moment.to_string())
}
