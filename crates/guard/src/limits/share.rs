//! A server's share of a rate that several servers keep to together. It is taken from the store in small pieces,
//! so that most calls ask nobody: a piece is as many as were used lately, never more than a twentieth of the rate
//! (or one call). So all servers together let pass what the rate says, and at most a piece for each server more.

use std::sync::Arc;
use std::time::Duration;

use tenantry_policy::limits::Rate;
use tenantry_store::shares::Taken;
use tenantry_store::{Store, StoreError};
use tokio::sync::Notify;
use tokio::sync::futures::OwnedNotified;

/// A piece is at most the rate divided by this.
const PIECES: u64 = 20;

/// Pieces grow while they are used up in less than this.
const SOON: Duration = Duration::from_millis(250);

/// For how long a server counts by itself when the store does not answer.
const ALONE: Duration = Duration::from_secs(1);

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Requests,
    Tokens,
}

impl Kind {
    /// The name of a share of this kind in the store.
    pub(super) fn name(self, key: &str) -> String {
        let kind = match self {
            Kind::Requests => "requests:",
            Kind::Tokens => "tokens:",
        };
        [kind, key].concat()
    }
}

/// A server's share.
#[derive(Debug, Default)]
pub(super) struct Share {
    /// What is left of it; below nothing when a call used more than it had reserved.
    pub(super) have: i64,
    /// The least that was left of it since it was last looked for what nobody uses.
    low: i64,
    piece: u64,
    rate: Option<Rate>,
    asked: Option<Duration>,
    /// Told when the answer comes that is being asked for.
    asking: Option<Arc<Notify>>,
    spent_until: Option<Duration>,
    alone_until: Option<Duration>,
}

/// More of a share, to be asked for.
#[derive(Debug, Clone)]
pub(super) struct Want {
    pub(super) key: Arc<str>,
    pub(super) kind: Kind,
    pub(super) rate: Rate,
    need: u64,
    many: u64,
}

/// What is left of a share that nobody used for a while.
#[derive(Debug)]
pub(super) struct Unused {
    want: Want,
}

/// What the store said.
#[derive(Debug)]
pub(super) enum Got {
    Many(u64),
    Wait(Duration),
    Alone,
}

/// What a share says of a call.
#[derive(Debug)]
pub(super) enum Look {
    Pass,
    Refuse(Option<Duration>),
    /// So many are missing, and so many shall be asked for.
    Ask {
        need: u64,
        many: u64,
    },
    /// Somebody asks already, and this tells when the answer is there.
    Busy(OwnedNotified),
}

impl Share {
    /// Does this server count by itself at present?
    pub(super) fn is_alone(&self, now: Duration) -> bool {
        self.alone_until.is_some_and(|until| now < until)
    }

    pub(super) fn look(&self, rate: &Rate, many: u64, now: Duration) -> Look {
        if many > rate.count || rate.count == 0 {
            return Look::Refuse(None);
        }
        let wanted = i64::try_from(many).unwrap_or(i64::MAX);
        if self.have >= wanted {
            return Look::Pass;
        }
        if let Some(wait) = self.spent_until.and_then(|until| until.checked_sub(now)).filter(|wait| !wait.is_zero()) {
            return Look::Refuse(Some(wait));
        }
        if let Some(told) = &self.asking {
            // From now on the answer is not missed.
            return Look::Busy(Arc::clone(told).notified_owned());
        }
        let need = wanted.saturating_sub(self.have).unsigned_abs().min(rate.count);
        let most = (rate.count / PIECES).max(1);
        let soon = self.asked.is_some_and(|asked| now.saturating_sub(asked) < SOON);
        let piece = if soon { self.piece.saturating_mul(2) } else { self.piece / 2 };
        Look::Ask { need, many: need.max(piece.clamp(1, most)) }
    }

    /// Notes that it is being asked for.
    pub(super) fn ask(&mut self, key: &Arc<str>, kind: Kind, rate: Rate, need: u64, many: u64, now: Duration) -> Want {
        self.asking = Some(Arc::default());
        self.asked = Some(now);
        (self.piece, self.rate) = (many, Some(rate));
        Want { key: Arc::clone(key), kind, rate, need, many }
    }

    /// Notes what came of it.
    pub(super) fn got(&mut self, got: &Got, now: Duration) {
        match got {
            Got::Many(many) => self.have = self.have.saturating_add(i64::try_from(*many).unwrap_or(i64::MAX)),
            Got::Wait(wait) => self.spent_until = Some(now + *wait),
            Got::Alone => self.alone_until = Some(now + ALONE),
        }
        if let Some(told) = self.asking.take() {
            told.notify_waiters();
        }
    }

    pub(super) fn is_asking(&self) -> bool {
        self.asking.is_some()
    }

    /// Takes so many out of it, whether or not they are there.
    pub(super) fn take(&mut self, many: u64) {
        self.have = self.have.saturating_sub(i64::try_from(many).unwrap_or(i64::MAX));
        self.low = self.low.min(self.have);
    }

    /// Puts so many back that were taken out of it.
    pub(super) fn put_back(&mut self, many: u64) {
        self.have = self.have.saturating_add(i64::try_from(many).unwrap_or(i64::MAX));
    }

    /// Takes out what nobody used since the last time, but for a piece; or all there is.
    pub(super) fn unused(&mut self, key: &Arc<str>, kind: Kind, all: bool) -> Option<Unused> {
        let rate = self.rate.filter(|rate| rate.count > 0)?;
        let piece = i64::try_from((rate.count / PIECES).max(1)).unwrap_or(i64::MAX);
        let over = if all { self.have } else { self.low.min(self.have).saturating_sub(piece) };
        let many = u64::try_from(over).ok().filter(|many| *many > 0);
        if many.is_some() {
            self.have = self.have.saturating_sub(over);
        }
        self.low = self.have;
        Some(Unused { want: Want { key: Arc::clone(key), kind, rate, need: 0, many: many? } })
    }
}

impl Unused {
    /// Gives it back to the other servers.
    pub(super) async fn give_back(&self, store: &Store) -> Result<(), StoreError> {
        // Rounded down: no more comes back than was taken.
        let cost = self.want.cost(self.want.many).saturating_sub(1).max(0);
        store.give_back_share(&self.want.kind.name(&self.want.key), cost).await
    }
}

impl Want {
    /// What so many take of the bucket, in microseconds.
    fn cost(&self, many: u64) -> i64 {
        let micros = self.rate.within.as_micros().saturating_mul(u128::from(many));
        i64::try_from(micros.div_ceil(u128::from(self.rate.count.max(1)))).unwrap_or(i64::MAX)
    }

    /// Asks the store.
    pub(super) async fn ask(&self, store: &Store) -> Got {
        match self.try_ask(store).await {
            Ok(got) => got,
            Err(error) => {
                tracing::warn!(%error, limit = %self.key, "a share of a rate cannot be had; this server counts by itself");
                Got::Alone
            }
        }
    }

    async fn try_ask(&self, store: &Store) -> Result<Got, StoreError> {
        let (name, whole) =
            (self.kind.name(&self.key), i64::try_from(self.rate.within.as_micros()).unwrap_or(i64::MAX));
        let mut many = self.many;
        loop {
            let ahead = match store.take_share(&name, self.cost(many), whole).await? {
                Taken::Whole => return Ok(Got::Many(many)),
                Taken::Not(ahead) => ahead,
            };
            let free = u128::try_from(whole.saturating_sub(ahead)).unwrap_or_default();
            let left = free.saturating_mul(u128::from(self.rate.count)) / self.rate.within.as_micros().max(1);
            let left = u64::try_from(left).unwrap_or(u64::MAX);
            if left < self.need || self.need >= many {
                let wait = ahead.saturating_add(self.cost(self.need)).saturating_sub(whole);
                return Ok(Got::Wait(Duration::from_micros(wait.max(1_000).unsigned_abs())));
            }
            many = left.min(many - 1).max(self.need);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_grow_with_use_and_are_never_more_than_a_twentieth() {
        let rate = Rate::parse("600/min").unwrap();
        let mut share = Share::default();
        let mut now = Duration::from_secs(10);
        let mut seen = Vec::new();
        let key: Arc<str> = "account/acme".into();
        for _ in 0..8 {
            let Look::Ask { need, many } = share.look(&rate, 1, now) else { panic!("{share:?}") };
            share.ask(&key, Kind::Requests, rate, need, many, now);
            assert!(matches!(share.look(&rate, 1, now), Look::Busy(_)));
            share.got(&Got::Many(many), now);
            seen.push(many);
            share.have = 0;
            now += Duration::from_millis(10);
        }
        assert_eq!(seen, [1, 2, 4, 8, 16, 30, 30, 30]);
        now += Duration::from_secs(5);
        assert!(matches!(share.look(&rate, 1, now), Look::Ask { need: 1, many: 15 }));
        // What is owed is asked for too.
        share.have = -4;
        assert!(matches!(share.look(&rate, 20, now), Look::Ask { need: 24, many: 24 }));
        share.got(&Got::Wait(Duration::from_secs(3)), now);
        assert!(matches!(share.look(&rate, 1, now), Look::Refuse(Some(wait)) if wait == Duration::from_secs(3)));
        assert!(matches!(share.look(&rate, 601, now), Look::Refuse(None)));
    }

    #[test]
    fn what_nobody_uses_is_given_back_but_for_a_piece() {
        let rate = Rate::parse("1000/min").unwrap();
        let (mut share, key, now) = (Share::default(), Arc::from("account/acme"), Duration::from_secs(10));
        assert!(share.unused(&key, Kind::Tokens, false).is_none(), "nothing was ever asked for");
        share.ask(&key, Kind::Tokens, rate, 900, 900, now);
        share.got(&Got::Many(900), now);
        share.take(900);
        share.put_back(880);
        let over = |share: &mut Share, all| share.unused(&key, Kind::Tokens, all).map(|unused| unused.want.many);
        // All of it was in use a moment ago.
        assert_eq!(over(&mut share, false), None);
        share.take(100);
        share.put_back(100);
        assert_eq!((over(&mut share, false), share.have), (Some(730), 150));
        assert_eq!((over(&mut share, false), share.have), (Some(100), 50));
        assert_eq!((over(&mut share, false), share.have), (None, 50));
        assert_eq!((over(&mut share, true), share.have), (Some(50), 0));
        share.take(5);
        assert_eq!((over(&mut share, true), share.have), (None, -5));
    }
}
