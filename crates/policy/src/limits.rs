//! Limits and budgets, as plain data: how much an account, a workspace, a user, a client or a model may be
//! asked, and what it may cost.
//!
//! A call stands under every limit on its way: the model's, the client's, the user's, the workspace's, the
//! account's, and those of the accounts above it. None of them is charged unless all of them let it pass.
//! A limit of nothing (`0/min`, an amount of 0) lets nothing pass; absence limits nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// So many in so long: at once, and then as they come back evenly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many. Nothing lets nothing pass.
    pub count: u64,
    /// In how long; never nothing.
    pub within: Duration,
}

impl Rate {
    /// `600/min`; units are `s`, `min`, `hour` and `day`. `None` for any other form.
    #[must_use]
    pub fn parse(text: &str) -> Option<Rate> {
        let (count, unit) = text.split_once('/')?;
        let seconds = match unit {
            "s" => 1,
            "min" => 60,
            "hour" => 3_600,
            "day" => 86_400,
            _ => return None,
        };
        let digits = !count.is_empty() && count.bytes().all(|byte| byte.is_ascii_digit());
        let count = digits.then(|| count.parse().ok()).flatten()?;
        Some(Rate { count, within: Duration::from_secs(seconds) })
    }

    /// Can this rate never refuse what another one lets pass, and lets more pass besides? A smaller number
    /// in a shorter time is no wider: it tells how many may come at once.
    #[must_use]
    pub fn widens(&self, above: &Rate) -> bool {
        let (own, other) = (u128::from(self.count), u128::from(above.count));
        let (fast, slow) = (own * above.within.as_nanos(), other * self.within.as_nanos());
        (own > other && fast >= slow) || (own >= other && fast > slow)
    }
}

/// A stretch of the calendar, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Period {
    /// From a full hour to the next.
    Hour,
    /// From midnight to midnight.
    Day,
    /// From the first of a month to the first of the next.
    Month,
}

impl Period {
    /// The word in the file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Period::Hour => "hour",
            Period::Day => "day",
            Period::Month => "month",
        }
    }

    /// The period of that name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Period> {
        [Period::Hour, Period::Day, Period::Month].into_iter().find(|period| period.name() == text)
    }

    /// The stretch that a time lies in: its first microsecond, and the first of the next one.
    #[must_use]
    pub fn around(self, now_micros: i64) -> (i64, i64) {
        const HOUR: i64 = 3_600_000_000;
        let even = |length: i64| {
            let start = now_micros.div_euclid(length).saturating_mul(length);
            (start, start.saturating_add(length))
        };
        match self {
            Period::Hour => even(HOUR),
            Period::Day => even(24 * HOUR),
            // A time that no calendar has is a day of its own: it limits no less.
            Period::Month => month(now_micros).unwrap_or_else(|| even(24 * HOUR)),
        }
    }
}

fn month(now_micros: i64) -> Option<(i64, i64)> {
    let day = Timestamp::from_microsecond(now_micros).ok()?.to_zoned(TimeZone::UTC).date();
    let first = day.first_of_month();
    let next = first.checked_add(jiff::Span::new().months(1)).ok()?;
    let micros = |date: Date| Some(date.to_zoned(TimeZone::UTC).ok()?.timestamp().as_microsecond());
    Some((micros(first)?, micros(next)?))
}

/// How much money may be spent in each period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// How much, in millionths of the platform's unit of money.
    pub micros: u64,
    /// In each of these.
    pub period: Period,
    /// `None` is hard: what a call may cost at most is set aside before it, and no call passes that the rest
    /// does not cover, nor while the ledger does not answer. Otherwise by how many per cent estimates may
    /// lead beyond it, 1 to 100.
    pub tolerance: Option<u8>,
}

impl Budget {
    /// Would it let more be spent in the same time?
    #[must_use]
    pub fn widens(&self, above: &Budget) -> bool {
        self.period == above.period && self.most() > above.most()
    }

    /// The most that may be spent or set aside: with what a soft budget tolerates.
    #[must_use]
    pub fn most(&self) -> u64 {
        let more = u128::from(self.micros) * u128::from(self.tolerance.unwrap_or(0)) / 100;
        self.micros.saturating_add(u64::try_from(more).unwrap_or(u64::MAX))
    }
}

/// The limits at one place.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// Calls.
    pub requests: Option<Rate>,
    /// Tokens of AI models, of prompts and answers.
    pub tokens: Option<Rate>,
    /// Calls at one time.
    pub concurrent: Option<u32>,
    /// Money.
    pub budget: Option<Budget>,
}

impl Limits {
    /// Does it limit nothing?
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Limits::default()
    }

    /// With what another place says of whatever is not said here.
    #[must_use]
    pub fn or(self, other: Limits) -> Limits {
        Limits {
            requests: self.requests.or(other.requests),
            tokens: self.tokens.or(other.tokens),
            concurrent: self.concurrent.or(other.concurrent),
            budget: self.budget.or(other.budget),
        }
    }

    /// The first of these that lets more pass than the place above does: `requests`, `tokens`, `concurrent` or
    /// `budget`.
    #[must_use]
    pub fn widened(&self, above: &Limits) -> Option<&'static str> {
        let rate = |own: Option<Rate>, above: Option<Rate>| matches!((own, above), (Some(own), Some(above)) if own.widens(&above));
        if rate(self.requests, above.requests) {
            return Some("requests");
        }
        if rate(self.tokens, above.tokens) {
            return Some("tokens");
        }
        if matches!((self.concurrent, above.concurrent), (Some(own), Some(above)) if own > above) {
            return Some("concurrent");
        }
        match (self.budget, above.budget) {
            (Some(own), Some(above)) if own.widens(&above) => Some("budget"),
            _ => None,
        }
    }
}

/// The limits of an account and of what lies in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccountLimits {
    /// On all its calls together, and those of the accounts below it.
    pub own: Limits,
    /// The account above it, by tenant id.
    pub parent: Option<Box<str>>,
    /// On each of its users who has none of their own.
    pub each_user: Limits,
    /// By user id, wherever in the account.
    pub users: BTreeMap<Box<str>, Limits>,
    /// By name.
    pub workspaces: BTreeMap<Box<str>, WorkspaceLimits>,
}

/// The limits of a workspace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WorkspaceLimits {
    /// On all its calls together.
    pub own: Limits,
    /// By user id, in this workspace.
    pub users: BTreeMap<Box<str>, Limits>,
}

/// The limits of a model.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ModelLimits {
    /// On the calls of all accounts together.
    pub own: Limits,
    /// On each account's.
    pub each_account: Limits,
}

/// Every limit in force that the file declares.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LimitLaw {
    /// By tenant id.
    pub accounts: BTreeMap<Box<str>, AccountLimits>,
    /// On each account for what it does not say itself.
    pub each_account: Limits,
    /// On each user for what neither it nor its account says.
    pub each_user: Limits,
    /// On each client for what it does not say itself.
    pub each_client: Limits,
    /// By client id.
    pub clients: BTreeMap<Box<str>, Limits>,
    /// By the name that callers use.
    pub models: BTreeMap<Box<str>, ModelLimits>,
    /// How long a call may wait for its turn; without, 5 seconds.
    pub wait: Option<Duration>,
    /// How many calls of one account may wait; without, 128.
    pub waiting: Option<usize>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(text: &str) -> Rate {
        Rate::parse(text).unwrap()
    }

    #[test]
    fn rates_are_read() {
        assert_eq!(rate("600/min"), Rate { count: 600, within: Duration::from_mins(1) });
        assert_eq!(rate("0/s").count, 0);
        for bad in ["", "/s", "1", "1/week", "-1/s", "+1/s", " 1/s", "1.5/s", "99999999999999999999/s"] {
            assert_eq!(Rate::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_rate_widens_only_where_it_never_refuses_first() {
        for (own, above, widens) in [
            ("700/min", "600/min", true),
            ("600/min", "600/min", false),
            ("500/min", "600/min", false),
            // How many may come at once is a limit by itself.
            ("600/min", "200000/day", false),
            ("200000/min", "200000/day", true),
            ("200000/day", "600/min", false),
            ("1/min", "0/min", true),
            ("0/min", "1/min", false),
        ] {
            assert_eq!(rate(own).widens(&rate(above)), widens, "{own} under {above}");
        }
    }

    #[test]
    fn periods_follow_the_calendar() {
        let micros = |text: &str| text.parse::<Timestamp>().unwrap().as_microsecond();
        let now = micros("2028-02-29T23:59:59.999999Z");
        for (period, from, to) in [
            (Period::Hour, "2028-02-29T23:00:00Z", "2028-03-01T00:00:00Z"),
            (Period::Day, "2028-02-29T00:00:00Z", "2028-03-01T00:00:00Z"),
            (Period::Month, "2028-02-01T00:00:00Z", "2028-03-01T00:00:00Z"),
        ] {
            assert_eq!(period.around(now), (micros(from), micros(to)), "{}", period.name());
        }
        assert_eq!(Period::Month.around(micros("2026-12-31T12:00:00Z")).1, micros("2027-01-01T00:00:00Z"));
        assert_eq!(Period::Month.around(i64::MAX).0, Period::Day.around(i64::MAX).0);
    }

    #[test]
    fn what_a_child_widens_is_named() {
        let budget = |micros, tolerance| Some(Budget { micros, period: Period::Day, tolerance });
        let above = Limits {
            requests: Some(rate("10/s")),
            tokens: Some(rate("100/day")),
            concurrent: Some(2),
            budget: budget(100, None),
        };
        let none = Limits::default();
        for (own, widened) in [
            (none, None),
            (above, None),
            (Limits { requests: Some(rate("11/s")), ..none }, Some("requests")),
            (Limits { tokens: Some(rate("101/day")), ..none }, Some("tokens")),
            (Limits { concurrent: Some(3), ..none }, Some("concurrent")),
            (Limits { budget: budget(101, None), ..none }, Some("budget")),
            (Limits { budget: budget(100, Some(1)), ..none }, Some("budget")),
        ] {
            assert_eq!(own.widened(&above), widened);
        }
        assert_eq!(above.widened(&none), None);
    }
}
