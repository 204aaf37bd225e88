//! How many logins may fail.

use std::net::{IpAddr, Ipv6Addr};

use aws_lc_rs::digest::{SHA256, digest};
use tenantry_store::Batch;
use tenantry_store::identity::attempts::Attempts;

use crate::{Identity, Refusal};

const MINUTE: i64 = 60_000_000;
const DAY: i64 = 1_440 * MINUTE;

/// So many failures in a row block a user from an address, until somebody lifts it or 30 days have passed.
pub(crate) const USER_FAILURES: i64 = 10;
const USER_WINDOW: i64 = 30 * DAY;

/// So many failures a day make an address suspicious: it may then try no more before the day is over.
pub(crate) const ADDRESS_FAILURES: i64 = 100;
const ADDRESS_WINDOW: i64 = DAY;

/// So many failures an hour make an account suspicious: addresses from which anything failed lately may
/// then not try to log in to it, others may.
pub(crate) const ACCOUNT_FAILURES: i64 = 1_000;
const ACCOUNT_WINDOW: i64 = 60 * MINUTE;

/// The count of an address for all who are tried from there.
const FROM_ADDRESS: &str = "address";

/// Whom an attempt is counted for.
#[derive(Debug, Clone)]
pub(crate) struct Counted {
    user: String,
    account: Option<String>,
    address: String,
}

/// Why an attempt may not be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The user is blocked from this address.
    User,
    /// The address, or the account for it; again after so many seconds.
    Address { retry_after: u64 },
}

/// The count of a user.
pub(crate) fn user_subject(user_id: &str) -> String {
    ["user:", user_id].concat()
}

/// The count of a user's second factors, from wherever.
pub(crate) fn factor_subject(user_id: &str) -> String {
    ["factor:", user_id].concat()
}

/// The count of a name that nobody has, so that its attempts end as everybody's do.
pub(crate) fn nobody_subject(connection: &str, name: &str) -> String {
    let whole = [connection.as_bytes(), b"\0", name.as_bytes()].concat();
    ["name:", &crate::text::hex(digest(&SHA256, &whole).as_ref())].concat()
}

/// The address as it is counted: who has an IPv6 network has more addresses than can be counted, so its
/// first 64 bits count.
pub(crate) fn counted_address(address: Option<IpAddr>) -> String {
    match address.map(|address| address.to_canonical()) {
        Some(IpAddr::V4(address)) => address.to_string(),
        Some(IpAddr::V6(address)) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{}/64", Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        None => String::new(),
    }
}

impl Counted {
    pub(crate) fn new(user: String, account: Option<&str>, address: Option<IpAddr>) -> Counted {
        Counted { user, account: account.map(|id| ["account:", id].concat()), address: counted_address(address) }
    }

    /// Counted once, wherever attempts come from.
    pub(crate) fn everywhere(user: String) -> Counted {
        Counted { user, account: None, address: String::new() }
    }

    fn rows(&self) -> Vec<(String, String)> {
        let mut rows = vec![(self.user.clone(), self.address.clone())];
        if !self.address.is_empty() {
            rows.push((FROM_ADDRESS.to_owned(), self.address.clone()));
        }
        rows.extend(self.account.iter().map(|account| (account.clone(), String::new())));
        rows
    }

    fn window(subject: &str) -> i64 {
        match subject {
            FROM_ADDRESS => ADDRESS_WINDOW,
            account if account.starts_with("account:") => ACCOUNT_WINDOW,
            _ => USER_WINDOW,
        }
    }

    /// Does this count refuse the next attempt?
    fn judge(&self, counts: &[Attempts], now: i64, past: i64) -> Result<(), Stop> {
        let live = |subject: &str| {
            counts
                .iter()
                .find(|row| row.subject == subject)
                .filter(|row| row.since_micros >= now.saturating_sub(Counted::window(subject)))
        };
        let wait = |row: &Attempts| {
            let end = row.since_micros.saturating_add(Counted::window(&row.subject));
            u64::try_from(end.saturating_sub(now) / 1_000_000).unwrap_or(1).max(1)
        };
        if live(&self.user).is_some_and(|row| row.blocked || row.failures.saturating_sub(past) >= USER_FAILURES) {
            return Err(Stop::User);
        }
        let address = live(FROM_ADDRESS);
        if let Some(row) = address
            && row.failures.saturating_sub(past) >= ADDRESS_FAILURES
        {
            return Err(Stop::Address { retry_after: wait(row) });
        }
        if let Some(row) = self.account.as_deref().and_then(live)
            && row.failures.saturating_sub(past) >= ACCOUNT_FAILURES
            && address.is_some_and(|address| address.failures > past)
        {
            return Err(Stop::Address { retry_after: wait(row) });
        }
        Ok(())
    }
}

impl Identity {
    /// Counts an attempt before it is made, so that many at a time are not more than one after another; it is
    /// taken back when it succeeds. Answers the user's failures with this one.
    pub(crate) async fn begin_attempt(&self, counted: &Counted) -> Result<Result<i64, Stop>, Refusal> {
        let now = self.now();
        let rows = counted.rows();
        if let Err(stop) = counted.judge(&self.store.attempts(&rows).await?, now, 0) {
            return Ok(Err(stop));
        }
        let mut batch = self.store.batch();
        for (subject, address) in &rows {
            batch.count_attempt(subject, address, now.saturating_sub(Counted::window(subject)));
        }
        self.store.commit(batch).await?;
        let counts = self.store.attempts(&rows).await?;
        if let Err(stop) = counted.judge(&counts, now, 1) {
            return Ok(Err(stop));
        }
        let own = counts.iter().find(|row| row.subject == counted.user);
        Ok(Ok(own.map_or(1, |row| row.failures)))
    }

    /// Takes an attempt back that was not made.
    pub(crate) async fn take_back(&self, counted: &Counted) -> Result<(), Refusal> {
        let mut batch = self.store.batch();
        for (subject, address) in counted.rows() {
            batch.uncount_attempt(&subject, &address);
        }
        self.store.commit(batch).await?;
        Ok(())
    }

    /// Blocks the user from the address.
    pub(crate) async fn block_attempt(&self, counted: &Counted) -> Result<(), Refusal> {
        let mut batch = self.store.batch();
        batch.block_attempts(&counted.user, &counted.address);
        self.store.commit(batch).await?;
        Ok(())
    }
}

/// Takes an attempt back that succeeded: the user's count ends, the others lose this one.
pub(crate) fn forgive(batch: &mut Batch, counted: &Counted) {
    for (subject, address) in counted.rows() {
        if subject == counted.user {
            batch.forget_attempts(&subject, &address);
        } else {
            batch.uncount_attempt(&subject, &address);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(subject: &str, failures: i64, since_micros: i64) -> Attempts {
        Attempts { subject: subject.to_owned(), address: "1.2.3.4".to_owned(), failures, since_micros, blocked: false }
    }

    #[test]
    fn counts_stop_attempts() {
        let now = 100 * DAY;
        let counted = Counted::new("user:a".to_owned(), Some("org_1"), Some([1, 2, 3, 4].into()));
        let judge = |counts: &[Attempts]| counted.judge(counts, now, 0);
        assert_eq!(judge(&[]), Ok(()));
        assert_eq!(judge(&[row("user:a", USER_FAILURES - 1, now)]), Ok(()));
        assert_eq!(judge(&[row("user:a", USER_FAILURES, now)]), Err(Stop::User));
        assert_eq!(judge(&[row("user:a", USER_FAILURES, now - 31 * DAY)]), Ok(()));
        assert_eq!(
            judge(&[row("address", ADDRESS_FAILURES, now - DAY / 2)]),
            Err(Stop::Address { retry_after: 43_200 })
        );
        assert_eq!(judge(&[row("account:org_1", ACCOUNT_FAILURES, now)]), Ok(()));
        let both = [row("account:org_1", ACCOUNT_FAILURES, now), row("address", 1, now)];
        assert_eq!(judge(&both), Err(Stop::Address { retry_after: 3_600 }));
    }

    #[test]
    fn networks_count_as_one() {
        let counted = |text: &str| counted_address(Some(text.parse().unwrap()));
        assert_eq!(counted("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
        assert_eq!(counted("2001:db8:1:2::9"), "2001:db8:1:2::/64");
        assert_eq!(counted("::ffff:1.2.3.4"), "1.2.3.4");
    }
}
