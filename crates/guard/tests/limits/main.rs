//! Limits and budgets: one decision for all levels, a fair queue, money that is never spent twice, and several servers
//! that keep to one limit together.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stderr,
    clippy::disallowed_methods,
    unreachable_pub,
    missing_docs,
    reason = "tests"
)]

#[path = "../chaos/proxy.rs"]
#[allow(dead_code, reason = "shared by several test programs")]
mod proxy;
#[path = "../support/mod.rs"]
#[allow(dead_code, reason = "shared by several test programs")]
mod support;

mod money;
mod servers;
mod turns;
mod usage;

use std::path::Path;
use std::sync::Arc;

use support::ambient::{SeededEntropy, TestClock};
use support::database::Database;
use tenantry_guard::limits::{Entering, Limiter, Permit, Refused};
use tenantry_policy::limits::{AccountLimits, LimitLaw, Limits, ModelLimits, Rate};
use tenantry_policy::{Clock, Principal};
use tenantry_store::{Options, Store, StoreUrl};

/// A store, and the clock of whoever uses it.
pub struct Desk {
    pub store: Arc<Store>,
    pub clock: Arc<TestClock>,
    pub database: Database,
}

/// One more server over a store.
pub async fn store_at(url: &str, folder: &Path, clock: &Arc<TestClock>) -> Arc<Store> {
    let options = Options {
        clock: clock.clone(),
        entropy: Arc::new(SeededEntropy::new(5)),
        key_file: Some(folder.join("keys.json")),
    };
    Arc::new(Store::open(&StoreUrl::parse(url).unwrap(), options).await.unwrap())
}

impl Desk {
    pub async fn over(database: Database) -> Desk {
        let clock = Arc::new(TestClock::default());
        let url = match &database {
            Database::Sqlite { .. } => format!("sqlite:{}", database.folder().join("limits.db").display()),
            Database::Postgres { .. } => database.store_url(),
        };
        let store = store_at(&url, database.folder(), &clock).await;
        Desk { store, clock, database }
    }

    pub async fn small() -> Desk {
        Desk::over(Database::sqlite()).await
    }

    pub async fn on_each_store(test: impl AsyncFn(&Desk)) {
        test(&Desk::small().await).await;
        match Database::postgres().await {
            Some(database) => test(&Desk::over(database).await).await,
            None => eprintln!("skipped on PostgreSQL: TENANTRY_TEST_POSTGRES is not set"),
        }
    }

    pub fn limiter(&self, law: LimitLaw) -> Arc<Limiter> {
        let clock: Arc<dyn Clock> = self.clock.clone();
        Arc::new(Limiter::new(law, Arc::clone(&self.store), clock))
    }
}

pub fn rate(text: &str) -> Option<Rate> {
    Some(Rate::parse(text).unwrap())
}

pub fn account(own: Limits) -> AccountLimits {
    AccountLimits { own, ..AccountLimits::default() }
}

pub fn model(own: Limits) -> LimitLaw {
    LimitLaw { models: [("small".into(), ModelLimits { own, ..ModelLimits::default() })].into(), ..LimitLaw::default() }
}

pub fn of(tenant: &str, user: &str) -> Principal {
    Principal { tenant_id: Some(tenant.to_owned()), user_id: Some(user.to_owned()), ..Principal::default() }
}

/// A call of a data tool.
pub async fn call(limiter: &Arc<Limiter>, principal: &Principal) -> Result<Permit, Refused> {
    limiter.enter(Entering { principal, model: None, tokens: 0, money: None }).await
}

/// A call of a model.
pub async fn ask(limiter: &Arc<Limiter>, principal: &Principal, tokens: u64) -> Result<Permit, Refused> {
    limiter.enter(Entering { principal, model: Some("small"), tokens, money: None }).await
}
