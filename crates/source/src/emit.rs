//! Rows straight to JSON bytes: no value tree stands between the database and the answer.
//!
//! Both databases give their rows as a [`Record`] of borrowed [`Cell`]s; everything that decides how
//! a value looks, and whether it is shown at all, is here once.

use std::borrow::Cow;

use base64::Engine as _;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;
use tenantry_policy::{Type, Value};
use tenantry_sql::program::{Output, Show};
use uuid::Uuid;

use crate::answer::Redactor;
use crate::error::RunError;

/// A value as the database gives it, borrowed where it can be.
#[derive(Debug, Clone)]
pub(crate) enum Cell<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(&'a str),
    Uuid(Uuid),
    /// Microseconds since 1970 UTC.
    TimestampMicros(i64),
    /// Days since 1970-01-01.
    Date(i32),
    /// The digits of a decimal, as they stand in JSON: `-0.50`.
    DecimalText(Cow<'a, str>),
    /// A decimal as an integer and the digits after its point: `(-50, 2)` is `-0.50`.
    Scaled(i64, u8),
    /// A JSON document, known to be valid.
    Json(&'a str),
    Bytes(&'a [u8]),
}

/// One row of a result.
pub(crate) trait Record {
    /// The value at `index`, which `output` describes.
    ///
    /// # Errors
    /// [`RunError::Internal`] when there is none or it does not fit the description.
    fn cell(&self, index: usize, output: &Output) -> Result<Cell<'_>, RunError>;
}

/// Writes one value as the caller sees it. A NULL stays `null` also where it would be masked.
pub(crate) fn write_cell(out: &mut Vec<u8>, output: &Output, cell: &Cell<'_>, redactor: &Redactor) {
    if matches!(cell, Cell::Null) {
        out.extend_from_slice(b"null");
        return;
    }
    match &output.show {
        Show::Plain => write_plain(out, cell),
        Show::Mask(mask) => {
            let text = text_of(cell);
            let mut masked = String::new();
            mask.write(&text, &mut masked);
            write_text(out, &masked);
        }
        Show::Hash { table } => write_hash(out, table, output, cell, redactor),
        Show::Hidden => write_hash(out, "", output, cell, redactor),
    }
}

fn write_hash(out: &mut Vec<u8>, table: &str, output: &Output, cell: &Cell<'_>, redactor: &Redactor) {
    let mut hashed = String::with_capacity(32);
    match cell {
        Cell::Bytes(bytes) => redactor.hash.write(table, &output.name, bytes, &mut hashed),
        other => redactor.hash.write(table, &output.name, text_of(other).as_bytes(), &mut hashed),
    }
    write_text(out, &hashed);
}

/// The value's text without JSON's quotes: what masks and hashes work on, the same for both databases.
fn text_of<'a>(cell: &'a Cell<'_>) -> Cow<'a, str> {
    match cell {
        Cell::Text(text) => Cow::Borrowed(text),
        Cell::DecimalText(text) => Cow::Borrowed(text),
        other => {
            let mut out = Vec::with_capacity(32);
            write_plain(&mut out, other);
            let text = String::from_utf8_lossy(&out).into_owned();
            Cow::Owned(
                text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).map_or(text.clone(), str::to_owned),
            )
        }
    }
}

/// Writes the value itself.
fn write_plain(out: &mut Vec<u8>, cell: &Cell<'_>) {
    match cell {
        Cell::Null => out.extend_from_slice(b"null"),
        Cell::Bool(true) => out.extend_from_slice(b"true"),
        Cell::Bool(false) => out.extend_from_slice(b"false"),
        Cell::Int(value) => write_int(out, *value),
        Cell::Float(value) => write_float(out, *value),
        Cell::Text(text) => write_text(out, text),
        Cell::Uuid(uuid) => {
            let mut buffer = Uuid::encode_buffer();
            let text = uuid.hyphenated().encode_lower(&mut buffer);
            out.push(b'"');
            out.extend_from_slice(text.as_bytes());
            out.push(b'"');
        }
        Cell::TimestampMicros(micros) => write_timestamp(out, *micros),
        Cell::Date(days) => {
            out.push(b'"');
            write_day(out, i64::from(*days));
            out.push(b'"');
        }
        Cell::DecimalText(text) => out.extend_from_slice(text.as_bytes()),
        Cell::Scaled(unscaled, scale) => write_scaled(out, *unscaled, *scale),
        Cell::Json(text) => out.extend_from_slice(text.as_bytes()),
        Cell::Bytes(bytes) => write_bytes(out, bytes),
    }
}

/// Writes a JSON string.
pub(crate) fn write_text(out: &mut Vec<u8>, text: &str) {
    out.reserve(text.len().saturating_add(2));
    out.push(b'"');
    // Most text needs no escape: whole chunks are tested at once and copied.
    for chunk in text.as_bytes().chunks(32) {
        if chunk.iter().fold(false, |any, byte| any | needs_escape(*byte)) {
            for byte in chunk {
                write_escaped(out, *byte);
            }
        } else {
            out.extend_from_slice(chunk);
        }
    }
    out.push(b'"');
}

fn needs_escape(byte: u8) -> bool {
    (byte < 0x20) | (byte == b'"') | (byte == b'\\')
}

fn write_escaped(out: &mut Vec<u8>, byte: u8) {
    let short = match byte {
        b'"' => b'"',
        b'\\' => b'\\',
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        0x08 => b'b',
        0x0c => b'f',
        0x00..0x20 => {
            out.extend_from_slice(b"\\u00");
            out.extend(
                [byte >> 4, byte & 15].map(|nibble| if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 }),
            );
            return;
        }
        _ => {
            out.push(byte);
            return;
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

fn write_int(out: &mut Vec<u8>, value: i64) {
    // Writing into memory cannot fail.
    let _ = serde_json::to_writer(out, &value);
}

/// JSON has no infinity and no NaN; they become `null`.
fn write_float(out: &mut Vec<u8>, value: f64) {
    let _ = serde_json::to_writer(out, &value);
}

fn write_scaled(out: &mut Vec<u8>, unscaled: i64, scale: u8) {
    if scale == 0 {
        write_int(out, unscaled);
        return;
    }
    if unscaled < 0 {
        out.push(b'-');
    }
    let start = out.len();
    let _ = serde_json::to_writer(&mut *out, &unscaled.unsigned_abs());
    let digits = out.len() - start;
    let scale = usize::from(scale);
    if digits <= scale {
        // "5" with scale 2 becomes "005", and then "0.05".
        out.splice(start..start, std::iter::repeat_n(b'0', scale + 1 - digits));
    }
    out.insert(out.len() - scale, b'.');
}

fn write_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(b'"');
    let start = out.len();
    // Four bytes for each begun three.
    let room = bytes.len().div_ceil(3).saturating_mul(4);
    out.resize(start.saturating_add(room), b'=');
    let written = match out.get_mut(start..) {
        Some(space) => base64::engine::general_purpose::STANDARD.encode_slice(bytes, space).unwrap_or(0),
        None => 0,
    };
    out.truncate(start + written);
    out.push(b'"');
}

/// RFC 3339 in UTC, with as many digits of the second's fraction as there are (RFC 3339 section 5.6).
fn write_timestamp(out: &mut Vec<u8>, micros: i64) {
    const DAY: i64 = 86_400_000_000;
    out.push(b'"');
    write_day(out, micros.div_euclid(DAY));
    let in_day = micros.rem_euclid(DAY);
    let seconds = in_day / 1_000_000;
    out.push(b'T');
    write_two(out, seconds / 3600);
    out.push(b':');
    write_two(out, seconds / 60 % 60);
    out.push(b':');
    write_two(out, seconds % 60);
    let mut fraction = in_day % 1_000_000;
    if fraction != 0 {
        out.push(b'.');
        let mut unit = 100_000;
        while fraction != 0 && unit != 0 {
            out.push(digit(fraction / unit));
            fraction %= unit;
            unit /= 10;
        }
    }
    out.extend_from_slice(b"Z\"");
}

/// The RFC 3339 text of a moment, as [`write_cell`] shows it.
pub(crate) fn timestamp_text(micros: i64) -> String {
    let mut out = Vec::with_capacity(32);
    write_timestamp(&mut out, micros);
    String::from_utf8_lossy(&out).trim_matches('"').to_owned()
}

/// `YYYY-MM-DD` of days since 1970 in the proleptic Gregorian calendar. Years outside 0 to 9999
/// have a sign and six digits, as jiff writes them.
fn write_day(out: &mut Vec<u8>, days: i64) {
    // Eras of 400 years that begin on 1 March 0000, so that the leap day is a year's last.
    let shifted = days.saturating_add(719_468);
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    if (0..=9999).contains(&year) {
        write_two(out, year / 100);
        write_two(out, year % 100);
    } else {
        out.push(if year < 0 { b'-' } else { b'+' });
        let magnitude = year.abs();
        write_two(out, magnitude / 10_000 % 100);
        write_two(out, magnitude / 100 % 100);
        write_two(out, magnitude % 100);
    }
    out.push(b'-');
    write_two(out, month);
    out.push(b'-');
    write_two(out, day);
}

fn write_two(out: &mut Vec<u8>, value: i64) {
    out.extend_from_slice(&[digit(value / 10 % 10), digit(value % 10)]);
}

fn digit(value: i64) -> u8 {
    u8::try_from(value).map_or(b'0', |value| b'0'.saturating_add(value.min(9)))
}

/// Writes a row's object: every column that is not hidden.
pub(crate) fn write_row(
    out: &mut Vec<u8>,
    outputs: &[Output],
    record: &impl Record,
    redactor: &Redactor,
) -> Result<(), RunError> {
    out.push(b'{');
    let mut first = true;
    for (index, output) in outputs.iter().enumerate() {
        if output.show != Show::Hidden {
            write_member(out, &mut first, index, output, record, redactor)?;
        }
    }
    out.push(b'}');
    Ok(())
}

/// Writes an object of the columns at `positions`, hidden ones as their hash.
pub(crate) fn write_columns(
    out: &mut Vec<u8>,
    outputs: &[Output],
    positions: &[usize],
    record: &impl Record,
    redactor: &Redactor,
) -> Result<(), RunError> {
    out.push(b'{');
    let mut first = true;
    for index in positions {
        let output = output_at(outputs, *index)?;
        write_member(out, &mut first, *index, output, record, redactor)?;
    }
    out.push(b'}');
    Ok(())
}

fn write_member(
    out: &mut Vec<u8>,
    first: &mut bool,
    index: usize,
    output: &Output,
    record: &impl Record,
    redactor: &Redactor,
) -> Result<(), RunError> {
    if !*first {
        out.push(b',');
    }
    *first = false;
    write_text(out, &output.name);
    out.push(b':');
    let cell = record.cell(index, output)?;
    write_cell(out, output, &cell, redactor);
    Ok(())
}

/// Writes a group's object whose last two columns, a sum and a count, become their quotient under
/// the sum's name.
pub(crate) fn write_average_row(
    out: &mut Vec<u8>,
    outputs: &[Output],
    record: &impl Record,
    redactor: &Redactor,
) -> Result<(), RunError> {
    let [groups @ .., sum, count] = outputs else {
        return Err(RunError::Internal("an average without its sum and count".to_owned()));
    };
    out.push(b'{');
    let mut first = true;
    for (index, output) in groups.iter().enumerate() {
        if output.show != Show::Hidden {
            write_member(out, &mut first, index, output, record, redactor)?;
        }
    }
    if !first {
        out.push(b',');
    }
    write_text(out, &sum.name);
    out.push(b':');
    let mean = mean(&record.cell(groups.len(), sum)?, &record.cell(groups.len() + 1, count)?);
    match mean {
        Some(mean) => write_float(out, mean),
        None => out.extend_from_slice(b"null"),
    }
    out.push(b'}');
    Ok(())
}

/// The mean; `None` when there is nothing to divide. Integers and decimals are divided exactly and
/// rounded once, so that both databases answer the same number.
fn mean(sum: &Cell<'_>, count: &Cell<'_>) -> Option<f64> {
    let Cell::Int(count) = count else { return None };
    if *count == 0 {
        return None;
    }
    let sum = match sum {
        Cell::Float(sum) => return Some(sum / Decimal::from(*count).to_f64()?),
        Cell::Int(sum) => Decimal::from(*sum),
        Cell::Scaled(unscaled, scale) => Decimal::try_new(*unscaled, u32::from(*scale)).ok()?,
        Cell::DecimalText(text) => match text.parse::<Decimal>() {
            Ok(sum) => sum,
            // More digits than a Decimal holds: the nearest float is the best there is.
            Err(_) => return Some(text.parse::<f64>().ok()? / Decimal::from(*count).to_f64()?),
        },
        _ => return None,
    };
    // Through text: `Decimal::to_f64` is off by a last bit now and then, the parser never is.
    sum.checked_div(Decimal::from(*count))?.to_string().parse().ok()
}

/// The value of a cell, for cursors and keys; `None` is NULL.
///
/// # Errors
/// [`RunError::ValueOutOfRange`] for a decimal of more digits than [`Decimal`] holds.
pub(crate) fn value_of(ty: Type, cell: &Cell<'_>) -> Result<Option<Value>, RunError> {
    Ok(Some(match cell {
        Cell::Null => return Ok(None),
        Cell::Bool(value) => Value::Bool(*value),
        Cell::Int(value) if ty == Type::Decimal => Value::Decimal(Decimal::from(*value)),
        Cell::Int(value) => Value::Int(*value),
        Cell::Float(value) => Value::Float(*value),
        Cell::Text(text) => Value::text(text),
        Cell::Uuid(uuid) => Value::Uuid(*uuid),
        Cell::TimestampMicros(micros) => Value::Timestamp(*micros),
        Cell::Date(days) => Value::Date(*days),
        Cell::DecimalText(text) => Value::Decimal(text.parse().map_err(|_| RunError::ValueOutOfRange)?),
        Cell::Scaled(unscaled, scale) => {
            Value::Decimal(Decimal::try_new(*unscaled, u32::from(*scale)).map_err(|_| RunError::ValueOutOfRange)?)
        }
        Cell::Json(text) => Value::Json((*text).into()),
        Cell::Bytes(bytes) => Value::Bytes((*bytes).into()),
    }))
}

/// The values at `positions`.
pub(crate) fn values_at(
    outputs: &[Output],
    positions: &[usize],
    record: &impl Record,
) -> Result<Vec<Option<Value>>, RunError> {
    positions
        .iter()
        .map(|index| {
            let output = output_at(outputs, *index)?;
            value_of(output.ty, &record.cell(*index, output)?)
        })
        .collect()
}

/// The description of the column at `index`.
pub(crate) fn output_at(outputs: &[Output], index: usize) -> Result<&Output, RunError> {
    outputs.get(index).ok_or_else(|| RunError::Internal("a program names a column that it does not select".to_owned()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tenantry_policy::catalog::Storage;
    use tenantry_policy::redact::{HashKey, Mask};
    use tenantry_policy::value::{format_date, format_timestamp};

    use super::*;

    fn output(name: &str, ty: Type, show: Show) -> Output {
        Output { name: name.into(), ty, storage: Storage::Native, scale: None, show }
    }

    fn redactor() -> Redactor {
        Redactor { hash: HashKey::derive(b"secret", "acme") }
    }

    fn written(show: Show, cell: &Cell<'_>) -> String {
        let mut out = Vec::new();
        write_cell(&mut out, &output("c", Type::Text, show), cell, &redactor());
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn plain_values() {
        let uuid: Uuid = "01890A5D-AC96-774B-BCCE-B302099A8057".parse().unwrap();
        for (cell, text) in [
            (Cell::Null, "null"),
            (Cell::Bool(true), "true"),
            (Cell::Int(i64::MIN), "-9223372036854775808"),
            (Cell::Float(1.0), "1.0"),
            (Cell::Float(f64::NAN), "null"),
            (Cell::Float(f64::NEG_INFINITY), "null"),
            (Cell::Text("a\"b\\c\n\u{1}\u{7f}\u{2028}é😀"), "\"a\\\"b\\\\c\\n\\u0001\u{7f}\u{2028}é😀\""),
            (Cell::Uuid(uuid), "\"01890a5d-ac96-774b-bcce-b302099a8057\""),
            (Cell::TimestampMicros(0), "\"1970-01-01T00:00:00Z\""),
            (Cell::TimestampMicros(-1), "\"1969-12-31T23:59:59.999999Z\""),
            (Cell::TimestampMicros(1_500_000), "\"1970-01-01T00:00:01.5Z\""),
            (Cell::Date(-719_468), "\"0000-03-01\""),
            (Cell::DecimalText("12.50".into()), "12.50"),
            (Cell::Scaled(5, 2), "0.05"),
            (Cell::Scaled(-5, 0), "-5"),
            (Cell::Scaled(0, 3), "0.000"),
            (Cell::Scaled(i64::MIN, 18), "-9.223372036854775808"),
            (Cell::Json("{\"a\": [1]}"), "{\"a\": [1]}"),
            (Cell::Bytes(b""), "\"\""),
            (Cell::Bytes(b"a"), "\"YQ==\""),
            (Cell::Bytes(b"abcd"), "\"YWJjZA==\""),
        ] {
            assert_eq!(written(Show::Plain, &cell), text);
        }
    }

    #[test]
    fn redacted_values_show_nothing_of_themselves() {
        let hash = Show::Hash { table: "users".into() };
        assert_eq!(written(Show::Mask(Mask::Last(4)), &Cell::Text("4111111111111234")), "\"***1234\"");
        assert_eq!(written(Show::Mask(Mask::Last(1)), &Cell::Int(12345)), "\"***5\"");
        assert_eq!(written(Show::Mask(Mask::First(1)), &Cell::Text("\"quoted\"")), "\"\\\"***\"");
        assert_eq!(written(Show::Mask(Mask::First(4)), &Cell::TimestampMicros(0)), "\"1970***\"");
        assert_eq!(written(Show::Mask(Mask::All), &Cell::Null), "null");
        let hashed = written(hash.clone(), &Cell::Text("a@example.com"));
        assert_eq!(hashed.len(), 34);
        assert_eq!(hashed, written(hash.clone(), &Cell::Text("a@example.com")));
        assert_ne!(hashed, written(hash.clone(), &Cell::Text("b@example.com")));
        // The same number looks the same, however the database hands it over.
        assert_eq!(written(hash.clone(), &Cell::Scaled(1250, 2)), written(hash, &Cell::DecimalText("12.50".into())));
        assert!(!written(Show::Hidden, &Cell::Text("secret")).contains("secret"));
    }

    #[test]
    fn means_are_exact() {
        for (sum, count, expected) in [
            (Cell::Int(10), Cell::Int(4), Some(2.5)),
            (Cell::Int(0), Cell::Int(0), None),
            (Cell::Null, Cell::Int(0), None),
            (Cell::Scaled(1950, 2), Cell::Int(2), Some(9.75)),
            (Cell::DecimalText("0.3".into()), Cell::Int(3), Some(0.1)),
            (Cell::Float(1.0), Cell::Int(4), Some(0.25)),
            (Cell::Int(9_007_199_254_740_993), Cell::Int(1), Some(9_007_199_254_740_992.0)),
        ] {
            assert_eq!(mean(&sum, &count), expected, "{sum:?}");
        }
    }

    /// A row of cells.
    struct Cells(Vec<Cell<'static>>);

    impl Record for Cells {
        fn cell(&self, index: usize, _: &Output) -> Result<Cell<'_>, RunError> {
            self.0.get(index).cloned().ok_or(RunError::NotFound)
        }
    }

    #[test]
    fn hidden_columns_are_left_out_of_rows() {
        let outputs = [
            output("odd \"name\"", Type::Int, Show::Plain),
            output("key", Type::Int, Show::Hidden),
            output("b", Type::Bool, Show::Plain),
        ];
        let row = Cells(vec![Cell::Int(1), Cell::Int(2), Cell::Bool(false)]);
        let mut out = Vec::new();
        write_row(&mut out, &outputs, &row, &redactor()).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), r#"{"odd \"name\"":1,"b":false}"#);
        let mut out = Vec::new();
        write_row(&mut out, &outputs[1..2], &row, &redactor()).unwrap();
        assert_eq!(out, b"{}");
        assert!(write_columns(&mut Vec::new(), &outputs, &[3], &row, &redactor()).is_err());
    }

    proptest! {
        #[test]
        fn text_reads_back(text in ".*|[\\x00-\\x7f]{0,80}") {
            let mut out = Vec::new();
            write_text(&mut out, &text);
            prop_assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
        }

        #[test]
        fn moments_are_written_as_jiff_writes_them(micros in -62_000_000_000_000_000_i64..253_000_000_000_000_000) {
            prop_assert_eq!(timestamp_text(micros), format_timestamp(micros).unwrap());
        }

        #[test]
        fn days_are_written_as_jiff_writes_them(days in -4_000_000_i32..2_900_000) {
            let mut out = Vec::new();
            write_day(&mut out, days.into());
            prop_assert_eq!(String::from_utf8(out).unwrap(), format_date(days).unwrap());
        }

        #[test]
        fn scaled_decimals_read_back(unscaled: i64, scale in 0_u8..19) {
            let mut out = Vec::new();
            write_scaled(&mut out, unscaled, scale);
            let text = String::from_utf8(out).unwrap();
            prop_assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok());
            prop_assert_eq!(text.parse::<Decimal>().unwrap(), Decimal::new(unscaled, scale.into()));
        }

        #[test]
        fn bytes_read_back(bytes: Vec<u8>) {
            let mut out = Vec::new();
            write_bytes(&mut out, &bytes);
            let text: String = serde_json::from_slice(&out).unwrap();
            prop_assert_eq!(base64::engine::general_purpose::STANDARD.decode(text).unwrap(), bytes);
        }
    }
}
