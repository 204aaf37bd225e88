//! Searching events: `type:fp AND date:[2026-01-01 TO *] AND NOT user_name:bob*`.

use jiff::Timestamp;
use tenantry_store::identity::logs::{LogTerm, LogTest};

use crate::Refusal;

/// The most terms of a search.
const MOST_TERMS: usize = 32;

/// Reads a search: terms joined by AND (or nothing) and OR, where AND binds less than OR does in
/// parentheses-free writing of clients: `a OR b AND c` is `(a OR b) AND c`. NOT and `-` negate a term.
///
/// # Errors
/// [`Refusal::Invalid`].
pub(crate) fn parse(text: &str) -> Result<Vec<Vec<LogTerm>>, Refusal> {
    let mut all_of: Vec<Vec<LogTerm>> = Vec::new();
    let (mut negated, mut or) = (false, false);
    for word in words(text)? {
        match word.as_str() {
            "AND" => or = false,
            "OR" => or = true,
            "NOT" => negated = true,
            _ => {
                let term = term(&word, std::mem::take(&mut negated))?;
                match all_of.last_mut() {
                    Some(any_of) if or => any_of.push(term),
                    _ => all_of.push(vec![term]),
                }
                or = false;
            }
        }
    }
    if all_of.iter().map(Vec::len).sum::<usize>() > MOST_TERMS {
        return Err(wrong("it has too many terms"));
    }
    Ok(all_of)
}

fn wrong(why: &str) -> Refusal {
    Refusal::Invalid { code: "invalid_query_string", message: format!("The search cannot be read: {why}.") }
}

/// Words, where quotes and brackets hold spaces together, without parentheses around them.
fn words(text: &str) -> Result<Vec<String>, Refusal> {
    let mut words = Vec::new();
    let mut word = String::new();
    let (mut quoted, mut bracket) = (false, false);
    for c in text.chars() {
        match c {
            '"' => {
                quoted = !quoted;
                word.push(c);
            }
            '[' | '{' if !quoted => {
                bracket = true;
                word.push(c);
            }
            ']' | '}' if !quoted => {
                bracket = false;
                word.push(c);
            }
            '(' | ')' if !quoted && !bracket => {}
            c if c.is_whitespace() && !quoted && !bracket => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
            c => word.push(c),
        }
    }
    if quoted || bracket {
        return Err(wrong("a quote or bracket is not closed"));
    }
    if !word.is_empty() {
        words.push(word);
    }
    Ok(words)
}

fn term(word: &str, negated: bool) -> Result<LogTerm, Refusal> {
    let (word, negated) = word.strip_prefix('-').map_or((word, negated), |rest| (rest, true));
    // A word without a field is looked for in the description.
    let (field, value) = word.split_once(':').unwrap_or(("description", word));
    if field == "_exists_" {
        return Ok(LogTerm { field: known(value)?, test: LogTest::Exists, negated });
    }
    let field = known(field)?;
    let test = match value.strip_prefix(['[', '{']).and_then(|rest| rest.strip_suffix([']', '}'])) {
        Some(range) => {
            if field != "date" {
                return Err(wrong("only date has ranges"));
            }
            let (from, to) = range.split_once(" TO ").ok_or_else(|| wrong("a range is `[FROM TO UNTIL]`"))?;
            let open = |edge: bool| i64::from(edge);
            let from = moment(from, i64::MIN, false)?.saturating_add(open(value.starts_with('{')));
            let to = moment(to, i64::MAX, true)?.saturating_sub(open(value.ends_with('}')));
            LogTest::Between(from, to)
        }
        None => {
            let plain = value.trim_matches('"');
            match plain.strip_suffix('*') {
                _ if field == "date" => LogTest::Between(moment(plain, 0, false)?, moment(plain, 0, true)?),
                Some("") => LogTest::Exists,
                Some(start) if value.ends_with('*') => LogTest::Begins(start.to_owned()),
                _ => LogTest::Is(plain.to_owned()),
            }
        }
    };
    Ok(LogTerm { field, test, negated })
}

/// A field's name: letters, digits, `_` and `.`, each part at most 64 of them.
fn known(field: &str) -> Result<String, Refusal> {
    let fits = !field.is_empty()
        && field.len() <= 128
        && field
            .split('.')
            .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'));
    if fits { Ok(field.to_owned()) } else { Err(wrong("a field's name is letters, digits, `_` and `.`")) }
}

/// A time or a day; `*` is `open`. `last` answers the day's last microsecond.
fn moment(text: &str, open: i64, last: bool) -> Result<i64, Refusal> {
    let text = text.trim().trim_matches('"');
    if text == "*" {
        return Ok(open);
    }
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time.as_microsecond());
    }
    let day: jiff::civil::Date = text.parse().map_err(|_| wrong("a date is `2026-01-31` or a time of RFC 3339"))?;
    let start = day.to_zoned(jiff::tz::TimeZone::UTC).map_err(|_| wrong("a date is out of range"))?;
    let start = start.timestamp().as_microsecond();
    Ok(if last { start.saturating_add(86_400_000_000 - 1) } else { start })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn searches_are_read() {
        let found = parse("type:fp AND NOT user_name:\"Bob B\" AND (ip:1.2.3.4 OR ip:5*) -_exists_:client_id").unwrap();
        let term = |field: &str, test, negated| LogTerm { field: field.to_owned(), test, negated };
        let is = |text: &str| LogTest::Is(text.to_owned());
        assert_eq!(
            found,
            vec![
                vec![term("type", is("fp"), false)],
                vec![term("user_name", is("Bob B"), true)],
                vec![term("ip", is("1.2.3.4"), false), term("ip", LogTest::Begins("5".to_owned()), false)],
                vec![term("client_id", LogTest::Exists, true)],
            ]
        );
        let day = 86_400_000_000;
        assert_eq!(
            parse("date:[1970-01-02 TO *]").unwrap(),
            vec![vec![term("date", LogTest::Between(day, i64::MAX), false)]]
        );
        assert_eq!(
            parse("date:1970-01-02").unwrap(),
            vec![vec![term("date", LogTest::Between(day, 2 * day - 1), false)]]
        );
        for bad in ["type:\"x", "ip:[1 TO 2]", "date:[x TO y]", "a'b:1", "date:[1970-01-02]"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
