//! Single values with a form of their own: durations, rates, secrets, addresses, names.
//!
//! Each carries a `format` into the schema, by which [`crate::shape`] finds the check. Here they
//! are only text that a check has already seen.

use std::borrow::{Borrow, Cow};
use std::fmt;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use crate::code::FileCode;

macro_rules! word {
    ($(#[$doc:meta])* $name:ident, $format:literal, $description:literal, $pattern:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// The text as it stands in the file.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                let pattern: Option<&str> = $pattern;
                match pattern {
                    Some(pattern) => json_schema!({
                        "type": "string", "format": $format, "description": $description, "pattern": pattern
                    }),
                    None => json_schema!({ "type": "string", "format": $format, "description": $description }),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

word!(
    /// A name that becomes part of an address.
    Name, "tenantry-name", "A name: letters, digits, `_` and `-`, beginning with a letter or `_`.",
    Some("^[A-Za-z_][A-Za-z0-9_-]{0,62}$")
);
word!(
    /// A condition's text; compiled once the table's catalog is known.
    Condition, "tenantry-condition", "A condition, such as `status <> 'archived'`.", None
);
word!(
    /// A duration such as `2s`.
    Millis, "tenantry-duration", "A duration: `500ms`, `2s`, `1m`, `1h`, `7d`.", Some("^[0-9]+(ms|s|m|h|d)$")
);
word!(
    /// A rate such as `600/min`.
    Rate, "tenantry-rate", "A rate: `600/min`. Units: s, min, hour, day.", Some("^[0-9]+/(s|min|hour|day)$")
);
word!(
    /// Where a secret is found. Never the secret itself.
    Secret, "tenantry-secret", "Where a secret is found: `env:NAME`, `file:PATH` or `generate`.",
    Some("^(env:[A-Za-z_][A-Za-z0-9_]*|file:.+|generate)$")
);
word!(
    /// Where a database is found. Never with a password.
    SourceUrl, "tenantry-source-url",
    "`env:NAME`, `file:PATH`, `sqlite:PATH`, or `postgres://…` without a password.",
    Some("^(env:[A-Za-z_][A-Za-z0-9_]*|(file|sqlite):.+|postgres(ql)?://.+)$")
);
word!(
    /// An absolute `http://` or `https://` address.
    WebUrl, "tenantry-web-url", "An absolute http:// or https:// address.", Some("^https?://.+")
);
word!(
    /// A day of the calendar.
    Date, "tenantry-date", "A day: `2027-03-31`.", Some("^[0-9]{4}-[0-9]{2}-[0-9]{2}$")
);
word!(
    /// Where a model's calls go.
    UpstreamUrl, "tenantry-upstream-url", "An absolute http:// or https:// address, or `builtin:echo`.",
    Some("^(https?://.+|builtin:echo)$")
);

/// Where a secret is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretRef {
    /// In an environment variable.
    Env(String),
    /// In a file.
    File(String),
    /// Made and kept by Tenantry itself.
    Generate,
}

impl Secret {
    /// Where it is found; `None` for a literal, which loading has refused.
    #[must_use]
    pub fn parse(&self) -> Option<SecretRef> {
        match self.0.as_str() {
            "generate" => Some(SecretRef::Generate),
            text => reference(text),
        }
    }
}

/// Where a database is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceLocation {
    /// The address is found elsewhere.
    Secret(SecretRef),
    /// A SQLite file.
    Sqlite(String),
    /// A PostgreSQL address without a password.
    Postgres(String),
}

impl SourceUrl {
    /// Where it is found; `None` for a form that loading has refused.
    #[must_use]
    pub fn parse(&self) -> Option<SourceLocation> {
        let text = self.0.as_str();
        if let Some(path) = text.strip_prefix("sqlite:") {
            return Some(SourceLocation::Sqlite(path.to_owned()));
        }
        if is_postgres(text) {
            return Some(SourceLocation::Postgres(text.to_owned()));
        }
        reference(text).map(SourceLocation::Secret)
    }
}

impl Date {
    /// Year, month and day; `None` for a form that loading has refused.
    #[must_use]
    pub fn parse(&self) -> Option<(i32, u8, u8)> {
        parse_date(&self.0)
    }
}

impl Millis {
    /// The duration; `None` for a form that loading has refused.
    #[must_use]
    pub fn duration(&self) -> Option<Duration> {
        parse_duration(&self.0)
    }
}

impl Rate {
    /// How many in how long; `None` for a form that loading has refused.
    #[must_use]
    pub fn parse(&self) -> Option<(u64, Duration)> {
        parse_rate(&self.0)
    }

    /// The same as the law has it.
    #[must_use]
    pub fn rate(&self) -> Option<tenantry_policy::limits::Rate> {
        tenantry_policy::limits::Rate::parse(&self.0)
    }
}

fn reference(text: &str) -> Option<SecretRef> {
    if let Some(name) = text.strip_prefix("env:") {
        let mut chars = name.chars();
        let first = chars.next()?;
        let fits =
            (first.is_ascii_alphabetic() || first == '_') && chars.all(|c| c.is_ascii_alphanumeric() || c == '_');
        return fits.then(|| SecretRef::Env(name.to_owned()));
    }
    text.strip_prefix("file:").filter(|path| !path.is_empty()).map(|path| SecretRef::File(path.to_owned()))
}

fn is_postgres(text: &str) -> bool {
    text.starts_with("postgres://") || text.starts_with("postgresql://")
}

fn number(text: &str) -> Option<u64> {
    (!text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}

/// `2027-03-31`.
fn parse_date(text: &str) -> Option<(i32, u8, u8)> {
    let mut parts = text.split('-');
    let mut next = |length: usize| parts.next().filter(|part| part.len() == length).and_then(number);
    let (year, month, day) = (next(4)?, next(2)?, next(2)?);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let longest = match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        1..=12 => 31,
        _ => return None,
    };
    let fits = parts.next().is_none() && (1..=longest).contains(&day) && year > 0;
    fits.then(|| Some((i32::try_from(year).ok()?, u8::try_from(month).ok()?, u8::try_from(day).ok()?)))?
}

/// `500ms`, `2s`, `1m`, `1h`, `7d`.
pub(crate) fn parse_duration(text: &str) -> Option<Duration> {
    let unit_at = text.find(|c: char| !c.is_ascii_digit())?;
    let (digits, unit) = text.split_at_checked(unit_at)?;
    let millis = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    number(digits)?.checked_mul(millis).map(Duration::from_millis)
}

/// `600/min`. Nothing in a time is a rate too: it lets nothing pass.
pub(crate) fn parse_rate(text: &str) -> Option<(u64, Duration)> {
    tenantry_policy::limits::Rate::parse(text).map(|rate| (rate.count, rate.within))
}

/// A form that does not fit: the code, the sentence, the hint, and whether the text may be a secret.
pub(crate) struct Misfit {
    pub(crate) code: FileCode,
    pub(crate) message: String,
    pub(crate) hint: &'static str,
    pub(crate) secret: bool,
}

/// Checks a text against a `format` of the schema. Unknown formats fit everything.
pub(crate) fn check(format: &str, text: &str) -> Option<Misfit> {
    let misfit = |code, message: String, hint| Some(Misfit { code, message, hint, secret: false });
    match format {
        "tenantry-name" if !fit_name(text) => misfit(
            FileCode::BadName,
            format!("`{}` is not a name", brief(text)),
            "a name has 1 to 63 letters, digits, `_` and `-`, and begins with a letter or `_`",
        ),
        "tenantry-duration" if parse_duration(text).is_none() => misfit(
            FileCode::BadDuration,
            format!("`{}` is not a duration", brief(text)),
            "write a whole number and a unit: `500ms`, `2s`, `1m`, `1h`, `7d`",
        ),
        "tenantry-rate" if parse_rate(text).is_none() => misfit(
            FileCode::BadRate,
            format!("`{}` is not a rate", brief(text)),
            "write a whole number, a slash and a unit: `600/min`; units are `s`, `min`, `hour`, `day`",
        ),
        "tenantry-date" if parse_date(text).is_none() => misfit(
            FileCode::BadDate,
            format!("`{}` is not a day of the calendar", brief(text)),
            "write year, month and day: `2027-03-31`",
        ),
        "tenantry-upstream-url" if text == "builtin:echo" => None,
        "tenantry-web-url" | "tenantry-upstream-url" if !fit_web_url(text) => Some(Misfit {
            code: FileCode::BadUrl,
            message: "this is not an absolute address".to_owned(),
            hint: "write `https://…` or `http://…`, without a user and password",
            secret: text.contains('@'),
        }),
        "tenantry-secret" if text != "generate" && reference(text).is_none() => Some(Misfit {
            code: FileCode::LiteralSecret,
            message: "a secret stands in the file".to_owned(),
            hint: "write `env:NAME`, `file:PATH` or `generate`, and replace the secret if the file was ever shared",
            secret: true,
        }),
        "tenantry-source-url" => check_source(text),
        _ => None,
    }
}

fn check_source(text: &str) -> Option<Misfit> {
    if is_postgres(text) {
        return has_password(text).then(|| Misfit {
            code: FileCode::LiteralSecret,
            message: "the address holds a password".to_owned(),
            hint: "write `env:NAME` or `file:PATH` and keep the whole address there",
            secret: true,
        });
    }
    if text.strip_prefix("sqlite:").is_some_and(|path| !path.is_empty()) || reference(text).is_some() {
        return None;
    }
    Some(Misfit {
        code: FileCode::BadSourceUrl,
        message: "this is not the address of a source".to_owned(),
        hint: "write `sqlite:PATH`, `postgres://…` without a password, `env:NAME` or `file:PATH`",
        // A mistyped address may well hold a password.
        secret: text.contains('@') || text.contains("password"),
    })
}

/// A password after the user's name, or as a parameter.
fn has_password(url: &str) -> bool {
    let rest = url.split_once("://").map_or("", |(_, rest)| rest);
    let (before, query) = rest.split_once('?').unwrap_or((rest, ""));
    let authority = before.split('/').next().unwrap_or("");
    // Everything up to the last `@` is user information, so a `/` inside a password is caught too.
    let user = before.rsplit_once('@').or_else(|| authority.rsplit_once('@')).map_or("", |(user, _)| user);
    let in_user = user.split_once(':').is_some_and(|(_, password)| !password.is_empty());
    in_user
        || query.split('&').any(
            |pair| matches!(pair.split_once('='), Some((key, value)) if is_secret_parameter(key) && !value.is_empty()),
        )
}

fn is_secret_parameter(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    key == "password" || key == "sslpassword" || key.contains('%')
}

fn fit_web_url(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    rest.is_some_and(|rest| {
        let authority = rest.split(['/', '?', '#']).next().unwrap_or("");
        !authority.is_empty()
            && !authority.contains('@')
            && !rest.contains(|c: char| c.is_whitespace() || c.is_control())
    })
}

/// Is this the address of something on this machine?
pub(crate) fn on_this_machine(url: &str) -> bool {
    let rest = url.split_once("://").map_or("", |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or("");
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or(""),
        None => authority.split(':').next().unwrap_or(""),
    };
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn fit_name(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
        && text.len() <= 63
}

/// Ids of accounts, workspaces, users and roles: what a token may carry.
pub(crate) fn fit_id(text: &str) -> bool {
    !text.is_empty() && text.len() <= 256 && text.trim() == text && !text.chars().any(char::is_control)
}

/// The beginning of a text, for a sentence.
pub(crate) fn brief(text: &str) -> String {
    const MOST: usize = 60;
    let clean: String = text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).take(MOST).collect();
    if text.chars().nth(MOST).is_some() { clean + "…" } else { clean }
}

/// The nearest of several words, if one is near.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = word.to_lowercase();
    let most = (word.chars().count() / 3).clamp(1, 3);
    known
        .into_iter()
        .filter(|candidate| *candidate != word)
        .map(|candidate| (strsim::damerau_levenshtein(&lower, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| {
            *distance <= most || (lower.len() >= 4 && candidate.to_lowercase().starts_with(&lower))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// "did you mean", or the words that there are.
pub(crate) fn suggest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let known: Vec<&str> = known.into_iter().collect();
    if let Some(near) = nearest(word, known.iter().copied()) {
        return Some(format!("did you mean `{near}`?"));
    }
    let quoted: Vec<String> = known.iter().take(12).map(|word| format!("`{word}`")).collect();
    match (quoted.is_empty(), known.len() > quoted.len()) {
        (true, _) => None,
        (false, false) => Some(format!("known here: {}", quoted.join(", "))),
        (false, true) => Some(format!("known here: {} and {} more", quoted.join(", "), known.len() - quoted.len())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_rates() {
        assert_eq!(parse_duration("500ms"), Some(Duration::from_millis(500)));
        assert_eq!(parse_duration("2s"), Some(Duration::from_secs(2)));
        assert_eq!(parse_duration("1m"), Some(Duration::from_secs(60)));
        for bad in ["", "2", "s", "2 s", "-2s", "2.5s", "2w", "99999999999999999999s", "+2s"] {
            assert_eq!(parse_duration(bad), None, "{bad}");
        }
        assert_eq!(parse_rate("600/min"), Some((600, Duration::from_secs(60))));
        assert_eq!(parse_rate("0/min"), Some((0, Duration::from_secs(60))));
        for bad in ["", "600", "/min", "600/week", "-1/s", "1 / s"] {
            assert_eq!(parse_rate(bad), None, "{bad}");
        }
    }

    #[test]
    fn only_references_are_secrets() {
        for good in ["env:A", "env:_x1", "file:/run/secrets/x", "generate"] {
            assert!(check("tenantry-secret", good).is_none(), "{good}");
        }
        for bad in ["", "hunter2", "env:", "env:1A", "env:A-B", "file:", "Generate", "sk-live-123"] {
            assert!(check("tenantry-secret", bad).is_some_and(|m| m.code == FileCode::LiteralSecret), "{bad}");
        }
    }

    #[test]
    fn source_addresses_hold_no_password() {
        for good in [
            "sqlite:a.db",
            "env:URL",
            "file:/x",
            "postgres://app@db/main",
            "postgresql:///main?host=/tmp",
            "postgres://db/x?sslmode=require",
        ] {
            assert!(check("tenantry-source-url", good).is_none(), "{good}");
        }
        for bad in [
            "postgres://app:pw@db/main",
            "postgresql://app:p/w@db/main",
            "postgres://db/x?password=1",
            "postgres://db/x?user=a&password=b",
            "postgres://db/x?pass%77ord=b",
        ] {
            assert!(check("tenantry-source-url", bad).is_some_and(|m| m.code == FileCode::LiteralSecret), "{bad}");
        }
        for bad in ["", "mysql://x", "a.db", "sqlite:"] {
            assert!(check("tenantry-source-url", bad).is_some_and(|m| m.code == FileCode::BadSourceUrl), "{bad}");
        }
    }

    #[test]
    fn suggestions_are_near() {
        assert_eq!(nearest("tabel", ["table", "role"]), Some("table"));
        assert_eq!(nearest("Status", ["status"]), Some("status"));
        assert_eq!(nearest("zebra", ["table", "role"]), None);
        assert_eq!(suggest("zebra", ["a", "b"]).unwrap(), "known here: `a`, `b`");
    }
}
