//! How much a caller may ask of the identity APIs. One engine decides, the guard's: what the file says of accounts,
//! users and clients holds here as for data tools and model calls. Beside it stand rates of each caller, counted by
//! each server by itself: per client or user after authentication, and per address for requests that nobody vouches
//! for.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::Response;
use tenantry_guard::limits::{Entering, Limiter, Permit, Refused, Standing};
use tenantry_identity::{Caller, Reach};
pub use tenantry_policy::limits::Rate;
use tenantry_policy::{Clock, Principal};

const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// The rates. `None` does not limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rates {
    /// The Management API and our own APIs, per client and user.
    pub calls: Option<Rate>,
    /// `/oauth/token`, per client and address.
    pub tokens: Option<Rate>,
    /// Requests without a good token or client, per address (IPv6: per network of 64 bits).
    pub strangers: Option<Rate>,
}

/// Clients that register themselves, per address.
const REGISTRATIONS: Rate = Rate { count: 30, within: Duration::from_hours(1) };

impl Default for Rates {
    /// 6,000 calls and 6,000 tokens a minute per client, 600 strangers' requests a minute per address.
    fn default() -> Rates {
        let minute = |count| Some(Rate { count, within: Duration::from_mins(1) });
        Rates { calls: minute(6_000), tokens: minute(6_000), strangers: minute(600) }
    }
}

impl Rates {
    /// No limits.
    #[must_use]
    pub fn none() -> Rates {
        Rates { calls: None, tokens: None, strangers: None }
    }
}

/// A server's counts.
pub(crate) struct Limits {
    rates: Rates,
    counts: Limiter,
    clock: Arc<dyn Clock>,
}

/// A call that was let pass.
#[derive(Debug)]
pub(crate) struct Passed {
    /// How the caller stands with the tightest limit, where there is one.
    pub(crate) count: Option<Count>,
    /// Held while the call runs.
    _permit: Permit,
}

/// How a caller stands after a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Count {
    limit: u64,
    remaining: u64,
    /// When the bucket is full again, or, of one that is empty, when a request is let through: seconds
    /// since 1970 UTC.
    reset: i64,
    /// Seconds to wait, of a request that is not let through.
    wait: Option<u64>,
}

impl Limits {
    pub(crate) fn new(rates: Rates, clock: &Arc<dyn Clock>) -> Limits {
        Limits { rates, counts: Limiter::off(Arc::clone(clock)), clock: Arc::clone(clock) }
    }

    /// Counts a call of a caller whose token was verified, of an account (by tenant id) or of none. `Err` is one too
    /// many.
    pub(crate) async fn call(
        &self,
        limiter: &Arc<Limiter>,
        caller: &Caller,
        tenant: Option<&str>,
    ) -> Result<Passed, Count> {
        let principal = principal(caller, tenant);
        let entering = Entering { principal: &principal, model: None, tokens: 0, money: None };
        let permit = limiter.enter(entering).await.map_err(|refused| self.refused(refused))?;
        let client = caller.client.as_deref().unwrap_or_default();
        let own = match &self.rates.calls {
            Some(rate) => {
                let name = ["call/", client, "/", caller.user.as_deref().unwrap_or_default()].concat();
                match self.counts.count(&name, rate) {
                    Ok(standing) => Some(standing),
                    Err(refused) => {
                        permit.undo();
                        return Err(self.refused(refused));
                    }
                }
            }
            None => None,
        };
        let tightest = own.into_iter().chain(permit.requests).min_by_key(|standing| standing.remaining);
        Ok(Passed { count: tightest.map(|standing| self.stands(standing)), _permit: permit })
    }

    /// Counts the request for a token that a client's name stands on, from an address. `Err` is one too many.
    pub(crate) fn token(&self, client: &str, address: Option<IpAddr>) -> Result<Option<Count>, Count> {
        let Some(rate) = &self.rates.tokens else { return Ok(None) };
        // Names as long as anybody likes are not kept.
        let client: String = client.chars().take(128).collect();
        let address = address.map(network).map(|address| address.to_string()).unwrap_or_default();
        self.count(&["token/", &address, "/", &client].concat(), rate)
    }

    /// Counts a client that registers itself, from an address. `Err` is one too many.
    pub(crate) fn registration(&self, address: Option<IpAddr>) -> Result<Option<Count>, Count> {
        let Some(address) = address else { return Ok(None) };
        self.count(&["register/", &network(address).to_string()].concat(), &REGISTRATIONS)
    }

    /// Counts a request that nobody vouches for. `Err` is one too many.
    pub(crate) fn stranger(&self, address: Option<IpAddr>) -> Result<Option<Count>, Count> {
        let (Some(rate), Some(address)) = (&self.rates.strangers, address) else { return Ok(None) };
        self.count(&["stranger/", &network(address).to_string()].concat(), rate)
    }

    fn count(&self, name: &str, rate: &Rate) -> Result<Option<Count>, Count> {
        match self.counts.count(name, rate) {
            Ok(standing) => Ok(Some(self.stands(standing))),
            Err(refused) => Err(self.refused(refused)),
        }
    }

    fn stands(&self, standing: Standing) -> Count {
        Count::of(standing, &*self.clock)
    }

    fn refused(&self, refused: Refused) -> Count {
        let (limit, remaining) = refused.standing.map_or((0, 0), |standing| (standing.limit, standing.remaining));
        // Never, as things are: then it is worth no try for an hour.
        let wait = refused.wait.unwrap_or(Duration::from_hours(1));
        let seconds = refused.retry_after().unwrap_or(3_600);
        Count { limit, remaining, reset: after(&*self.clock, wait), wait: Some(seconds) }
    }
}

/// Whom the limits are on.
fn principal(caller: &Caller, tenant: Option<&str>) -> Principal {
    let workspace_id = match &caller.reach {
        Reach::Account { workspace, .. } => workspace.clone(),
        Reach::Platform(_) | Reach::Operator => None,
    };
    Principal {
        tenant_id: tenant.filter(|tenant| !tenant.is_empty()).map(str::to_owned),
        user_id: caller.user.clone(),
        client_id: caller.client.clone(),
        workspace_id,
        ..Principal::default()
    }
}

/// The second, since 1970 UTC, at or after so long from now.
fn after(clock: &dyn Clock, wait: Duration) -> i64 {
    let micros = i64::try_from(wait.as_micros()).unwrap_or(i64::MAX);
    clock.now_micros().saturating_add(micros).saturating_add(999_999).div_euclid(1_000_000)
}

impl Count {
    /// Of a call that was let pass.
    pub(crate) fn of(standing: Standing, clock: &dyn Clock) -> Count {
        Count { limit: standing.limit, remaining: standing.remaining, reset: after(clock, standing.reset), wait: None }
    }

    /// Of one that was not.
    pub(crate) fn waiting(mut self, seconds: Option<u64>) -> Count {
        self.wait = seconds;
        self
    }

    /// Seconds to wait, 1 or more.
    pub(crate) fn retry_after(self) -> u64 {
        self.wait.unwrap_or(1).max(1)
    }

    /// Tells the caller how it stands.
    pub(crate) fn tell(self, headers: &mut HeaderMap) {
        headers.insert(LIMIT, HeaderValue::from(self.limit));
        headers.insert(REMAINING, HeaderValue::from(self.remaining));
        headers.insert(RESET, HeaderValue::from(self.reset));
        if self.wait.is_some() {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(self.retry_after()));
        }
    }
}

/// Tells the caller how it stands, where it is limited.
pub(crate) fn told(standing: Option<Count>, mut response: Response) -> Response {
    if let Some(standing) = standing {
        standing.tell(response.headers_mut());
    }
    response
}

/// Whoever has one address of IPv6 has the 2^64 beside it.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => {
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & 0xffff_ffff_ffff_ffff_0000_0000_0000_0000))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    #[derive(Debug, Default)]
    struct Hands(AtomicI64);

    impl Clock for Hands {
        fn now_micros(&self) -> i64 {
            1_700_000_000_000_000 + self.0.load(Ordering::SeqCst)
        }

        fn monotonic(&self) -> Duration {
            Duration::from_micros(u64::try_from(self.0.load(Ordering::SeqCst)).unwrap())
        }
    }

    fn limits(count: u64) -> (Limits, Arc<Limiter>, Arc<Hands>) {
        let hands = Arc::new(Hands::default());
        let clock: Arc<dyn Clock> = hands.clone();
        let rate = Some(Rate { count, within: Duration::from_mins(1) });
        let rates = Rates { calls: rate, tokens: rate, strangers: rate };
        (Limits::new(rates, &clock), Arc::new(Limiter::off(clock)), hands)
    }

    fn caller(client: &str) -> Caller {
        Caller { user: None, client: Some(client.to_owned()), ..Caller::operator("r") }
    }

    #[tokio::test]
    async fn each_client_has_a_bucket_that_fills_again() {
        let (limits, limiter, hands) = limits(3);
        let (one, other) = (caller("one"), caller("other"));
        let call = async |who| limits.call(&limiter, who, None).await.map(|passed| passed.count.unwrap());
        for remaining in [2, 1, 0] {
            let standing = call(&one).await.unwrap();
            assert_eq!((standing.limit, standing.remaining, standing.wait), (3, remaining, None));
        }
        let refused = call(&one).await.unwrap_err();
        assert_eq!((refused.remaining, refused.retry_after(), refused.reset), (0, 20, 1_700_000_020));
        assert!(call(&other).await.is_ok());
        hands.0.store(20_000_000, Ordering::SeqCst);
        assert!(call(&one).await.is_ok());
        assert!(call(&one).await.is_err());
    }

    #[test]
    fn strangers_are_counted_by_address_and_networks_of_ipv6_as_one() {
        let (limits, ..) = limits(1);
        let from = |text: &str| limits.stranger(Some(text.parse().unwrap())).is_ok();
        assert!(from("192.0.2.1") && from("192.0.2.2") && !from("192.0.2.1"));
        assert!(from("2001:db8::1") && !from("2001:db8::ffff:1") && from("2001:db8:0:1::1"));
        assert!(limits.stranger(None).is_ok());
    }

    #[tokio::test]
    async fn a_rate_of_nothing_lets_nobody_pass_and_none_lets_everybody() {
        let (limits, limiter, _) = limits(0);
        assert_eq!(limits.call(&limiter, &caller("one"), None).await.unwrap_err().retry_after(), 3_600);
        let clock: Arc<dyn Clock> = Arc::new(Hands::default());
        let limits = Limits::new(Rates::none(), &clock);
        for _ in 0..1_000 {
            assert_eq!(limits.call(&limiter, &caller("one"), None).await.unwrap().count, None);
        }
    }
}
