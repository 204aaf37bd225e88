//! D6: the connection to PostgreSQL is cut, reset, silent, delayed and refused under concurrent calls
//! of several tenants, at moments drawn from a seed.
//!
//! `TENANTRY_TEST_LONG=1` runs five times as many rounds; `TENANTRY_D6_SEED` sets the seed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::disallowed_methods,
    missing_docs,
    unreachable_pub,
    dead_code,
    reason = "a test"
)]

#[path = "../support/mod.rs"]
mod support;

mod audit;
mod proxy;
mod source;
mod store;
mod world;

use std::collections::BTreeMap;
use std::net::{SocketAddr, ToSocketAddrs};
use std::time::Duration;

use support::database::Database;

/// What came of a run.
#[derive(Default)]
struct Figures {
    rounds: u64,
    right: u64,
    failed: BTreeMap<&'static str, u64>,
    acknowledged: usize,
    /// Written, though the caller was told of an error or gave up.
    unacknowledged_kept: usize,
    unacknowledged: usize,
    /// The longest call.
    longest: Duration,
    /// The most calls that failed after a fault was over.
    lame: u64,
}

impl Figures {
    fn add(&mut self, other: &Figures) {
        self.rounds += other.rounds;
        self.right += other.right;
        for (code, count) in &other.failed {
            *self.failed.entry(code).or_default() += count;
        }
        self.acknowledged += other.acknowledged;
        self.unacknowledged += other.unacknowledged;
        self.unacknowledged_kept += other.unacknowledged_kept;
        self.longest = self.longest.max(other.longest);
        self.lame = self.lame.max(other.lame);
    }
}

impl std::fmt::Display for Figures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} rounds, {} calls right, 0 wrong, failed {:?}, {} writes acknowledged and kept, {} of {} others kept, \
             longest call {} ms, at most {} failed calls after a fault was over",
            self.rounds,
            self.right,
            self.failed,
            self.acknowledged,
            self.unacknowledged_kept,
            self.unacknowledged,
            self.longest.as_millis(),
            self.lame
        )
    }
}

fn setting(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// `short` rounds, or five times as many.
fn rounds(short: u64) -> u64 {
    if setting("TENANTRY_TEST_LONG", 0) > 0 { short * 5 } else { short }
}

/// The server's address, and the URL of a role in a database there, as seen through `at`.
fn cluster(database: &Database) -> SocketAddr {
    let Database::Postgres { cluster, .. } = database else { panic!("PostgreSQL only") };
    let place = cluster.rsplit_once('@').expect("a user").1.rsplit_once('/').expect("a database").0;
    place.to_socket_addrs().expect("an address").next().expect("an address")
}

fn name(database: &Database) -> &str {
    let Database::Postgres { name, .. } = database else { panic!("PostgreSQL only") };
    name
}
