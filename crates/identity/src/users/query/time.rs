//! Times in a query: a whole one, or a year, month, day, hour or minute, which is a stretch of time.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

/// The stretch that a text means: its first microsecond, and the first one after it, since 1970 UTC.
pub(super) fn stretch(text: &str) -> Option<(i64, i64)> {
    if let Ok(time) = text.parse::<Timestamp>() {
        let micros = time.as_microsecond();
        // Times are shown in milliseconds, and what is shown should be found.
        let length = if text.contains('.') { 1_000 } else { 1_000_000 };
        return Some((micros, micros.saturating_add(length)));
    }
    let (date, clock) = text.split_once('T').map_or((text, None), |(date, clock)| (date, Some(clock)));
    let mut parts = date.split('-');
    let year: i16 = number(parts.next()?, 4)?;
    let month: Option<i8> = part(parts.next())?;
    let day: Option<i8> = part(parts.next())?;
    if parts.next().is_some() {
        return None;
    }
    let first = Date::new(year, month.unwrap_or(1), day.unwrap_or(1)).ok()?;
    let (from, span) = match (month, day, clock) {
        (None, _, None) => (first.to_datetime(jiff::civil::Time::midnight()), Span::new().years(1)),
        (Some(_), None, None) => (first.to_datetime(jiff::civil::Time::midnight()), Span::new().months(1)),
        (Some(_), Some(_), None) => (first.to_datetime(jiff::civil::Time::midnight()), Span::new().days(1)),
        (Some(_), Some(_), Some(clock)) => of_clock(first, clock.trim_end_matches('Z'))?,
        _ => return None,
    };
    Some((micros(from)?, micros(from.checked_add(span).ok()?)?))
}

fn of_clock(date: Date, clock: &str) -> Option<(DateTime, Span)> {
    let mut parts = clock.split(':');
    let hour: i8 = number(parts.next()?, 2)?;
    let minute: Option<i8> = part(parts.next())?;
    let second: Option<i8> = part(parts.next())?;
    if parts.next().is_some() {
        return None;
    }
    let at = DateTime::new(date.year(), date.month(), date.day(), hour, minute.unwrap_or(0), second.unwrap_or(0), 0);
    let span = match (minute, second) {
        (None, _) => Span::new().hours(1),
        (Some(_), None) => Span::new().minutes(1),
        (Some(_), Some(_)) => Span::new().seconds(1),
    };
    Some((at.ok()?, span))
}

/// `None` for a part that is there and no number; `Some(None)` for one that is not there.
#[allow(clippy::option_option, reason = "a part may be absent, or wrong")]
fn part<T: std::str::FromStr>(text: Option<&str>) -> Option<Option<T>> {
    text.map_or(Some(None), |text| number(text, 2).map(Some))
}

fn number<T: std::str::FromStr>(text: &str, digits: usize) -> Option<T> {
    if text.len() != digits || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

fn micros(at: DateTime) -> Option<i64> {
    at.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp().as_microsecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_times_are_stretches() {
        let hour = 3_600_000_000;
        let day = 24 * hour;
        for (text, expected) in [
            ("1970", Some((0, 365 * day))),
            ("1970-02", Some((31 * day, 59 * day))),
            ("1970-01-02", Some((day, 2 * day))),
            ("1970-01-01T01", Some((hour, 2 * hour))),
            ("1970-01-01T01:00", Some((hour, hour + 60_000_000))),
            ("1970-01-01T01:00:00", Some((hour, hour + 1_000_000))),
            ("1970-01-01T00:00:00.005Z", Some((5_000, 6_000))),
            ("1970-01-01T01:00:00+01:00", Some((0, 1_000_000))),
            ("1970-13", None),
            ("1970-1", None),
            ("1970-01-01-01", None),
            ("70", None),
            ("now", None),
            ("", None),
        ] {
            assert_eq!(stretch(text), expected, "{text}");
        }
    }
}
