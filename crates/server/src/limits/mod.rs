//! How much a caller may ask: a token bucket (GCRA) per client or user after authentication, and one per
//! address for requests that nobody vouches for. Each server counts by itself.

mod bucket;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::Response;
use tenantry_identity::Caller;
use tenantry_policy::Clock;

use bucket::Buckets;

const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// So many in so long: at once, and then as they come back evenly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many, 1 or more.
    pub count: u32,
    /// In how long.
    pub within: Duration,
}

/// The rates. `None` does not limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rates {
    /// The Management API and our own APIs, per client and user.
    pub calls: Option<Rate>,
    /// `/oauth/token`, per client and address.
    pub tokens: Option<Rate>,
    /// Requests without a good token or client, per address (IPv6: per network of 64 bits).
    pub strangers: Option<Rate>,
    /// Data tools, for all callers of an account together, by its tenant id.
    pub accounts: BTreeMap<String, Rate>,
}

impl Default for Rates {
    /// 6,000 calls and 6,000 tokens a minute per client, 600 strangers' requests a minute per address.
    fn default() -> Rates {
        let minute = |count| Some(Rate { count, within: Duration::from_mins(1) });
        Rates { calls: minute(6_000), tokens: minute(6_000), strangers: minute(600), accounts: BTreeMap::new() }
    }
}

impl Rates {
    /// No limits.
    #[must_use]
    pub fn none() -> Rates {
        Rates { calls: None, tokens: None, strangers: None, accounts: BTreeMap::new() }
    }
}

/// The buckets of a server.
#[derive(Debug)]
pub(crate) struct Limits {
    calls: Option<Buckets<String>>,
    tokens: Option<Buckets<(String, Option<IpAddr>)>>,
    strangers: Option<Buckets<IpAddr>>,
    accounts: BTreeMap<String, Buckets<()>>,
}

/// How a caller stands after a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Count {
    limit: u32,
    remaining: u32,
    /// When the bucket is full again, or, of one that is empty, when a request is let through: seconds
    /// since 1970 UTC.
    reset: i64,
    /// Seconds to wait, of a request that is not let through.
    wait: Option<u64>,
}

impl Limits {
    pub(crate) fn new(rates: Rates, clock: &Arc<dyn Clock>) -> Limits {
        let accounts = rates.accounts.into_iter();
        let accounts = accounts.filter_map(|(tenant, rate)| Some((tenant, Buckets::new(rate, clock)?)));
        Limits {
            calls: rates.calls.and_then(|rate| Buckets::new(rate, clock)),
            tokens: rates.tokens.and_then(|rate| Buckets::new(rate, clock)),
            strangers: rates.strangers.and_then(|rate| Buckets::new(rate, clock)),
            accounts: accounts.collect(),
        }
    }

    /// Counts a call of a caller whose token was verified. `Err` is one too many.
    pub(crate) fn call(&self, caller: &Caller) -> Result<Option<Count>, Count> {
        let Some(buckets) = &self.calls else { return Ok(None) };
        let client = caller.client.as_deref().unwrap_or_default();
        buckets.take([client, "/", caller.user.as_deref().unwrap_or_default()].concat()).map(Some)
    }

    /// Counts a data tool's call for its account. `Err` is one too many.
    pub(crate) fn account(&self, tenant: Option<&str>) -> Result<Option<Count>, Count> {
        match tenant.and_then(|tenant| self.accounts.get(tenant)) {
            Some(buckets) => buckets.take(()).map(Some),
            None => Ok(None),
        }
    }

    /// Counts the request for a token that a client's name stands on, from an address. `Err` is one too many.
    pub(crate) fn token(&self, client: &str, address: Option<IpAddr>) -> Result<Option<Count>, Count> {
        let Some(buckets) = &self.tokens else { return Ok(None) };
        // Names as long as anybody likes are not kept.
        let client: String = client.chars().take(128).collect();
        buckets.take((client, address.map(network))).map(Some)
    }

    /// Counts a request that nobody vouches for. `Err` is one too many.
    pub(crate) fn stranger(&self, address: Option<IpAddr>) -> Result<Option<Count>, Count> {
        let (Some(buckets), Some(address)) = (&self.strangers, address) else { return Ok(None) };
        buckets.take(network(address)).map(Some)
    }
}

impl Count {
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

    fn limits(count: u32) -> (Limits, Arc<Hands>) {
        let hands = Arc::new(Hands::default());
        let clock: Arc<dyn Clock> = hands.clone();
        let rate = Some(Rate { count, within: Duration::from_mins(1) });
        (Limits::new(Rates { calls: rate, tokens: rate, strangers: rate, accounts: BTreeMap::new() }, &clock), hands)
    }

    fn caller(client: &str) -> Caller {
        Caller { user: None, client: Some(client.to_owned()), ..Caller::operator("r") }
    }

    #[test]
    fn each_client_has_a_bucket_that_fills_again() {
        let (limits, hands) = limits(3);
        let (one, other) = (caller("one"), caller("other"));
        for remaining in [2, 1, 0] {
            let standing = limits.call(&one).unwrap().unwrap();
            assert_eq!((standing.limit, standing.remaining, standing.wait), (3, remaining, None));
        }
        let refused = limits.call(&one).unwrap_err();
        assert_eq!((refused.remaining, refused.retry_after(), refused.reset), (0, 20, 1_700_000_020));
        assert!(limits.call(&other).is_ok());
        hands.0.store(20_000_000, Ordering::SeqCst);
        assert!(limits.call(&one).is_ok());
        assert!(limits.call(&one).is_err());
    }

    #[test]
    fn strangers_are_counted_by_address_and_networks_of_ipv6_as_one() {
        let (limits, _) = limits(1);
        let from = |text: &str| limits.stranger(Some(text.parse().unwrap())).is_ok();
        assert!(from("192.0.2.1") && from("192.0.2.2") && !from("192.0.2.1"));
        assert!(from("2001:db8::1") && !from("2001:db8::ffff:1") && from("2001:db8:0:1::1"));
        assert!(limits.stranger(None).is_ok());
    }

    #[test]
    fn without_rates_nobody_is_counted() {
        let clock: Arc<dyn Clock> = Arc::new(Hands::default());
        let limits = Limits::new(Rates::none(), &clock);
        assert!((0..10_000).all(|_| limits.call(&caller("one")) == Ok(None)));
    }
}
