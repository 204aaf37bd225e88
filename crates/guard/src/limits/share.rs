//! A server's share of a rate that several servers keep to together. It is taken from the store in small pieces,
//! so that most calls ask nobody: a piece is as many as were used lately, never more than a twentieth of the rate
//! (or one call). So all servers together let pass what the rate says, and at most a piece for each server more.

use std::sync::Arc;
use std::time::Duration;

use tenantry_policy::limits::Rate;
use tenantry_store::shares::Taken;
use tenantry_store::{Store, StoreError};

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
    piece: u64,
    asked: Option<Duration>,
    pub(super) asking: bool,
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
    /// Somebody asks already.
    Busy,
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
        if self.asking {
            return Look::Busy;
        }
        let need = wanted.saturating_sub(self.have).unsigned_abs().min(rate.count);
        let most = (rate.count / PIECES).max(1);
        let soon = self.asked.is_some_and(|asked| now.saturating_sub(asked) < SOON);
        let piece = if soon { self.piece.saturating_mul(2) } else { self.piece / 2 };
        Look::Ask { need, many: need.max(piece.clamp(1, most)) }
    }

    /// Notes that it is being asked for.
    pub(super) fn ask(&mut self, key: &Arc<str>, kind: Kind, rate: Rate, need: u64, many: u64, now: Duration) -> Want {
        self.asking = true;
        self.asked = Some(now);
        self.piece = many;
        Want { key: Arc::clone(key), kind, rate, need, many }
    }

    /// Notes what came of it.
    pub(super) fn got(&mut self, got: &Got, now: Duration) {
        self.asking = false;
        match got {
            Got::Many(many) => self.have = self.have.saturating_add(i64::try_from(*many).unwrap_or(i64::MAX)),
            Got::Wait(wait) => self.spent_until = Some(now + *wait),
            Got::Alone => self.alone_until = Some(now + ALONE),
        }
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
            assert!(matches!(share.look(&rate, 1, now), Look::Busy));
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
}
