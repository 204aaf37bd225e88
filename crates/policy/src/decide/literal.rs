//! JSON values become values of a column's type. Nothing is coerced.

use rust_decimal::Decimal;
use uuid::Uuid;

use crate::catalog::Storage;
use crate::decide::shorten;
use crate::denied::{Code, Denied};
use crate::request::Literal;
use crate::table::Column;
use crate::value::{Type, Value, parse_date, parse_timestamp};

/// The longest text that a filter may compare with, in bytes.
const LONGEST_FILTER_TEXT: usize = 64 * 1024;

/// A value to find rows with.
pub(super) fn to_compare(column: &Column, literal: &Literal, at: &str) -> Result<Value, Denied> {
    if matches!(literal, Literal::Null) {
        return Err(Denied::new(
            Code::ValidationError,
            format!("field `{}` cannot be compared with null", column.facts.name),
        )
        .at(at)
        .hint("use the operator `is_null`"));
    }
    if matches!(literal, Literal::Text(text) if text.len() > LONGEST_FILTER_TEXT) {
        return Err(Denied::new(Code::ValidationError, "the text to compare with is too long").at(at));
    }
    typed(column, literal, at)
}

/// A value to write; `None` is NULL.
pub(super) fn to_write(column: &Column, literal: &Literal, at: &str) -> Result<Option<Value>, Denied> {
    let name = &column.facts.name;
    if matches!(literal, Literal::Null) {
        if column.facts.nullable {
            return Ok(None);
        }
        return Err(Denied::new(Code::ValidationError, format!("field `{name}` may not be null")).at(at));
    }
    let value = typed(column, literal, at)?;
    if let (Value::Decimal(number), Some(scale)) = (&value, column.facts.scale)
        && number.normalize().scale() > u32::from(scale)
    {
        return Err(Denied::new(
            Code::ValidationError,
            format!("field `{name}` has {scale} digits after the point; more would be rounded away"),
        )
        .at(at));
    }
    if let Value::Decimal(number) = &value {
        held_exactly(column, number, at)?;
    }
    Ok(Some(value))
}

/// Refuses a decimal with more digits than the column holds: where it is declared so, and where the
/// database keeps a binary number that would be another one.
fn held_exactly(column: &Column, number: &Decimal, at: &str) -> Result<(), Denied> {
    let facts = &column.facts;
    let refuse =
        |what: String| Err(Denied::new(Code::ValidationError, format!("field `{}` {what}", facts.name)).at(at));
    if let Some(most) = facts.whole_digits
        && number.trunc().abs().to_string().trim_start_matches('0').len() > usize::from(most)
    {
        return refuse(format!("has at most {most} digits before the point"));
    }
    let plain = number.normalize();
    if facts.storage == Storage::DecimalNumber && plain.scale() > 0 {
        let nearest: Option<f64> = plain.to_string().parse().ok();
        if nearest.and_then(|nearest| exact_decimal(&nearest.to_string())) != Some(plain) {
            return refuse("cannot hold so many digits exactly".to_owned());
        }
    }
    Ok(())
}

fn typed(column: &Column, literal: &Literal, at: &str) -> Result<Value, Denied> {
    let Some(ty) = column.facts.ty else {
        return Err(Denied::new(Code::FieldNotAllowed, format!("field `{}` cannot be used", column.facts.name)).at(at));
    };
    of_type(ty, literal).ok_or_else(|| {
        Denied::new(
            Code::ValidationError,
            format!("field `{}` is of type {ty}; {} does not fit", column.facts.name, describe(literal)),
        )
        .at(at)
        .hint(example(ty))
    })
}

/// The literal as a value of the type, or `None` when it is not one.
pub(super) fn of_type(ty: Type, literal: &Literal) -> Option<Value> {
    match (ty, literal) {
        (Type::Bool, Literal::Bool(value)) => Some(Value::Bool(*value)),
        (Type::Int, Literal::Int(value)) => Some(Value::Int(*value)),
        (Type::Decimal, Literal::Int(value)) => Some(Value::Decimal(Decimal::from(*value))),
        (Type::Decimal, Literal::Number(text) | Literal::Text(text)) => exact_decimal(text).map(Value::Decimal),
        (Type::Text, Literal::Text(text)) if !text.contains('\0') => Some(Value::Text(text.clone())),
        (Type::Uuid, Literal::Text(text)) if text.len() == 36 => Uuid::try_parse(text).ok().map(Value::Uuid),
        (Type::Timestamp, Literal::Text(text)) => parse_timestamp(text).map(Value::Timestamp),
        (Type::Date, Literal::Text(text)) => parse_date(text).map(Value::Date),
        (Type::Float, Literal::Int(value)) => {
            // Floating-point columns hold approximations; a large integer becomes the nearest one.
            #[allow(clippy::cast_precision_loss, reason = "the column's type is approximate by its nature")]
            Some(Value::Float(*value as f64))
        }
        (Type::Float, Literal::Number(text)) => text.parse::<f64>().ok().filter(|n| n.is_finite()).map(Value::Float),
        (Type::Json, literal) => {
            let mut text = String::new();
            write_json(literal, &mut text)?;
            (!text.contains("\\u0000")).then(|| Value::Json(text.into()))
        }
        _ => None,
    }
}

fn exact_decimal(text: &str) -> Option<Decimal> {
    if text.len() > 64 {
        return None;
    }
    match text.contains(['e', 'E']) {
        true => Decimal::from_scientific(text).ok(),
        false => Decimal::from_str_exact(text).ok(),
    }
}

/// The JSON text of a literal.
fn write_json(literal: &Literal, out: &mut String) -> Option<()> {
    match literal {
        Literal::Null => out.push_str("null"),
        Literal::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Literal::Int(value) => out.push_str(&value.to_string()),
        Literal::Number(text) | Literal::Object(text) => out.push_str(text),
        Literal::Text(text) => write_json_text(text, out),
        Literal::List(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write_json(item, out)?;
            }
            out.push(']');
        }
    }
    Some(())
}

fn write_json_text(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if c < ' ' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
}

/// A literal in words: its kind, and its text when that is short.
pub(super) fn describe(literal: &Literal) -> String {
    match literal {
        Literal::Null => "null".to_owned(),
        Literal::Bool(value) => format!("the boolean {value}"),
        Literal::Int(value) => format!("the number {value}"),
        Literal::Number(text) => format!("the number {}", shorten(text)),
        Literal::Text(text) => format!("the text \"{}\"", shorten(text)),
        Literal::List(_) => "a list".to_owned(),
        Literal::Object(_) => "an object".to_owned(),
    }
}

fn example(ty: Type) -> &'static str {
    match ty {
        Type::Bool => "write true or false",
        Type::Int => "write an integer without quotes, such as 42",
        Type::Decimal => "write a number such as 12.50, or the same in quotes",
        Type::Text => "write a text in quotes, without NUL characters",
        Type::Uuid => "write a uuid such as \"018f4c1e-7b5a-7c3e-9d2f-0a1b2c3d4e5f\"",
        Type::Timestamp => "write RFC 3339 with an offset, such as \"2026-01-31T09:00:00Z\"",
        Type::Date => "write a date such as \"2026-01-31\"",
        Type::Float => "write a number such as 1.5",
        Type::Json => "write any JSON value",
        Type::Bytes => "values of this type cannot be written or compared",
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::catalog::CatalogColumn;
    use crate::table::Field;

    #[test]
    fn decimals_keep_every_digit_or_are_refused() {
        let column = |storage, scale, whole_digits| Column {
            facts: CatalogColumn {
                name: "price".to_owned(),
                ty: Some(Type::Decimal),
                native: String::new(),
                storage,
                scale,
                whole_digits,
                nullable: true,
                has_default: false,
                generated: false,
                loose_collation: None,
                padded: false,
            },
            field: Field::Allow,
            description: None,
        };
        let (exact, number) = (Storage::Native, Storage::DecimalNumber);
        for (storage, scale, whole, text, fits) in [
            (exact, Some(2), Some(3), "999.99", true),
            (exact, Some(2), Some(3), "-999.99", true),
            (exact, Some(2), Some(3), "1000", false),
            (exact, Some(2), Some(3), "0.001", false),
            (exact, Some(2), Some(0), "0.99", true),
            (exact, Some(2), Some(0), "1.00", false),
            (exact, None, None, "12345678901234567890.12345678", true),
            (number, Some(2), Some(10), "0.10", true),
            (number, Some(2), None, "9999999999999.99", true),
            (number, Some(2), None, "12345678901234567.89", false),
            (number, None, None, "0.12345678901234567890", false),
        ] {
            let got = to_write(&column(storage, scale, whole), &Literal::Number(Arc::from(text)), "data.price");
            assert_eq!(got.is_ok(), fits, "{storage:?} {scale:?} {whole:?} {text}: {got:?}");
        }
    }
}
