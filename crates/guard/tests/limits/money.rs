//! Budgets.

use std::sync::Arc;
use std::time::Duration;

use tenantry_guard::limits::{Entering, Level, Limiter, Money, Permit, Refused, Why};
use tenantry_policy::limits::{Budget, LimitLaw, Limits, Period};
use tenantry_policy::{Clock, Principal};
use tenantry_store::budgets::{Balance, Held, Hold, Settlement};

use crate::proxy::{Fault, Proxy};
use crate::support::ambient::TestClock;
use crate::support::database::Database;
use crate::{Desk, account, of, store_at};

const LIVES: Duration = Duration::from_secs(60);

pub fn budget(micros: u64, tolerance: Option<u8>) -> Limits {
    Limits { budget: Some(Budget { micros, period: Period::Day, tolerance }), ..Limits::default() }
}

pub fn law(limits: Limits) -> LimitLaw {
    LimitLaw { accounts: [("acme".into(), account(limits))].into(), ..LimitLaw::default() }
}

/// A call that may cost so much.
pub async fn spend(limiter: &Arc<Limiter>, who: &Principal, id: &str, worst: u64) -> Result<Permit, Refused> {
    let money = Money { request_id: id, worst, likely: worst, lives: LIVES };
    limiter.enter(Entering { principal: who, model: Some("small"), tokens: 1, money: Some(money) }).await
}

pub async fn balance(desk: &Desk) -> Balance {
    let (start, _) = Period::Day.around(desk.clock.now_micros());
    desk.store.balance("account/acme:day", start).await.unwrap()
}

#[tokio::test]
async fn what_a_call_may_cost_is_set_aside_and_what_it_cost_put_there() {
    Desk::on_each_store(async |desk| {
        let limiter = desk.limiter(law(budget(100, None)));
        let ada = of("acme", "ada");
        let first = spend(&limiter, &ada, "req_1", 80).await.unwrap();
        assert_eq!(balance(desk).await, Balance { spent_micros: 0, held_micros: 80 });
        let refused = spend(&limiter, &ada, "req_2", 30).await.unwrap_err();
        assert_eq!(refused.level, Level::Account);
        // 2026-01-02T00:00:00Z.
        assert_eq!(refused.why, Why::Budget { resets_micros: 1_767_312_000_000_000 });
        assert_eq!(refused.message(), "the budget of the account is spent; it resets at 2026-01-02T00:00:00Z");
        first.end(1, 20).await;
        assert_eq!(balance(desk).await, Balance { spent_micros: 20, held_micros: 0 });
        let second = spend(&limiter, &ada, "req_2", 80).await.unwrap();
        assert!(spend(&limiter, &ada, "req_3", 1).await.is_err());
        // An upstream that reports more than was set aside is believed: it costs that.
        second.end(1, 90).await;
        assert_eq!(balance(desk).await, Balance { spent_micros: 110, held_micros: 0 });
        assert!(spend(&limiter, &ada, "req_4", 0).await.is_err());
        desk.clock.advance(Duration::from_hours(24));
        assert!(spend(&limiter, &ada, "req_5", 100).await.is_ok());
    })
    .await;
}

#[tokio::test]
async fn a_call_is_settled_once() {
    Desk::on_each_store(async |desk| {
        let limiter = desk.limiter(law(budget(100, None)));
        let ada = of("acme", "ada");
        let permit = spend(&limiter, &ada, "req_1", 10).await.unwrap();
        // The same call, asked again: nothing more is set aside.
        let again = spend(&limiter, &ada, "req_1", 10).await.unwrap();
        assert_eq!(balance(desk).await.held_micros, 10);
        permit.end(1, 7).await;
        again.end(1, 7).await;
        assert_eq!(balance(desk).await, Balance { spent_micros: 7, held_micros: 0 });
    })
    .await;
}

#[tokio::test]
async fn a_budget_of_nothing_and_a_level_that_refuses_charge_nothing() {
    let desk = Desk::small().await;
    let limiter = desk.limiter(law(budget(0, None)));
    assert!(matches!(spend(&limiter, &of("acme", "ada"), "r", 0).await.unwrap_err().why, Why::Budget { .. }));
    let mut acme = account(Limits { requests: crate::rate("5/min"), ..budget(100, None) });
    acme.users.insert("ada".into(), budget(10, None));
    let limiter = desk.limiter(LimitLaw { accounts: [("acme".into(), acme)].into(), ..LimitLaw::default() });
    assert_eq!(spend(&limiter, &of("acme", "ada"), "a", 11).await.unwrap_err().level, Level::User);
    assert_eq!(balance(&desk).await, Balance::default());
    let permit = spend(&limiter, &of("acme", "bob"), "b", 1).await.unwrap();
    assert_eq!(permit.requests.unwrap().remaining, 4, "the refused call was not counted");
}

#[tokio::test]
async fn what_a_dead_server_set_aside_expires() {
    Desk::on_each_store(async |desk| {
        let ada = of("acme", "ada");
        for (tolerance, spent) in [(None, 40), (Some(10), 40)] {
            let limiter = desk.limiter(law(budget(100, tolerance)));
            let id = format!("req_{tolerance:?}");
            // Its server ends without a word.
            std::mem::forget(spend(&limiter, &ada, &id, 20).await.unwrap());
            std::mem::forget(spend(&limiter, &ada, &[&id, "x"].concat(), 20).await.unwrap());
            assert_eq!(desk.store.expire_holds(desk.clock.now_micros()).await.unwrap(), 0);
            assert_eq!(balance(desk).await.held_micros, 40);
            desk.clock.advance(LIVES + Duration::from_mins(3));
            assert_eq!(desk.store.expire_holds(desk.clock.now_micros()).await.unwrap(), 2);
            // Of a hard budget it is taken as spent; a soft one has it again.
            assert_eq!(balance(desk).await, Balance { spent_micros: spent, held_micros: 0 });
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_leaves_is_given_back_what_was_set_aside() {
    Desk::on_each_store(async |desk| {
        let limiter = desk.limiter(law(budget(1_000, None)));
        let mut tasks = Vec::new();
        for number in 0..100_u32 {
            let limiter = Arc::clone(&limiter);
            tasks.push(tokio::spawn(async move {
                drop(spend(&limiter, &of("acme", "ada"), &number.to_string(), 10).await);
            }));
            tokio::task::yield_now().await;
            if number % 2 == 0 {
                tasks[number as usize].abort();
            }
        }
        for task in tasks {
            drop(task.await);
        }
        while balance(desk).await != Balance::default() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

/// While the store does not answer, a hard budget lets nothing pass, and a soft one as much as it tolerates.
#[tokio::test(flavor = "multi_thread")]
async fn a_hard_budget_fails_closed() {
    let Some(database) = Database::postgres().await else {
        return eprintln!("skipped: TENANTRY_TEST_POSTGRES is not set");
    };
    let desk = Desk::over(database).await;
    let url = desk.database.store_url();
    let address = url.split('@').nth(1).unwrap().split('/').next().unwrap().to_owned();
    let proxy = Proxy::start(tokio::net::lookup_host(&address).await.unwrap().next().unwrap()).await;
    let through = url.replace(&address, &proxy.address().to_string());
    let store = store_at(&through, desk.database.folder(), &desk.clock).await;
    let limiter = |limits| {
        let clock: Arc<dyn Clock> = desk.clock.clone();
        Arc::new(Limiter::new(law(limits), Arc::clone(&store), clock))
    };
    let (hard, soft, ada) = (limiter(budget(100, None)), limiter(budget(100, Some(10))), of("acme", "ada"));
    // Both know the account before the store is gone.
    spend(&hard, &ada, "h0", 1).await.unwrap().end(1, 1).await;
    spend(&soft, &ada, "s0", 1).await.unwrap().end(1, 1).await;
    proxy.arm(Fault::Refuse { times: 10_000 }, true);
    let refused = spend(&hard, &ada, "h1", 1).await.unwrap_err();
    assert_eq!((refused.why, refused.retry_after()), (Why::Ledger, Some(1)));
    let passed = [spend(&soft, &ada, "s1", 5).await.unwrap(), spend(&soft, &ada, "s2", 5).await.unwrap()];
    assert_eq!(spend(&soft, &ada, "s3", 1).await.unwrap_err().why, Why::Ledger);
    for permit in passed {
        permit.end(1, 4).await;
    }
    proxy.heal();
    // What passed unseen is on the ledger once the store answers again, once.
    while balance(&desk).await != (Balance { spent_micros: 10, held_micros: 0 }) {
        hard.flush().await;
        soft.flush().await;
        tokio::task::yield_now().await;
    }
    assert!(spend(&hard, &ada, "h2", 1).await.is_ok());
}

/// What an account may cannot be read: it is not taken for no limits, and what was read before holds on.
#[tokio::test]
async fn limits_that_cannot_be_read_let_nothing_pass() {
    let Some(database) = Database::postgres().await else {
        return eprintln!("skipped: TENANTRY_TEST_POSTGRES is not set");
    };
    let desk = Desk::over(database).await;
    let client = desk.database.client().await;
    let say = "INSERT INTO tenantry_account (id, tenant_id, name, status, doc, version, created_micros, \
               updated_micros) VALUES ('acc_1', 'acme', 'acme', 'active', \
               '{\"limits\":{\"requests\":\"1/hour\"}}', 1, 0, 0)";
    client.batch_execute(say).await.unwrap();
    let limiter = desk.limiter(LimitLaw::default());
    let acme = of("acme", "ada");
    client.batch_execute("ALTER TABLE tenantry_account RENAME TO away").await.unwrap();
    let refused = crate::call(&limiter, &acme).await.unwrap_err();
    assert_eq!((refused.why, refused.retry_after()), (Why::Ledger, Some(1)));
    client.batch_execute("ALTER TABLE away RENAME TO tenantry_account").await.unwrap();
    drop(crate::call(&limiter, &acme).await.unwrap());
    assert_eq!(crate::call(&limiter, &acme).await.unwrap_err().why, Why::Requests);
    client.batch_execute("ALTER TABLE tenantry_account RENAME TO away").await.unwrap();
    for _ in 0..3 {
        desk.clock.advance(Duration::from_secs(5));
        assert_eq!(crate::call(&limiter, &acme).await.unwrap_err().why, Why::Requests);
    }
}

fn hold(amount: i64, most: i64, hard: bool) -> Hold {
    Hold { scope: "account/acme:day".to_owned(), period_micros: 0, amount_micros: amount, most_micros: most, hard }
}

fn settled(id: &str, cost: i64, hold: Hold, late: bool) -> Settlement {
    Settlement { request_id: id.to_owned(), cost_micros: cost, holds: vec![hold], late }
}

async fn in_ledger(desk: &Desk) -> (i64, i64) {
    let balance = desk.store.balance("account/acme:day", 0).await.unwrap();
    (balance.spent_micros, balance.held_micros)
}

#[tokio::test]
async fn no_number_overflows_the_ledger() {
    const MOST: i64 = i64::MAX;
    Desk::on_each_store(async |desk| {
        let store = &desk.store;
        assert_eq!(store.hold_budgets("a", &[hold(MOST, MOST, true)], MOST).await.unwrap(), Held::Whole);
        assert_eq!(store.hold_budgets("b", &[hold(1, MOST, true)], MOST).await.unwrap(), Held::Spent(0));
        for _ in 0..2 {
            store.settle_budgets(&[settled("a", MOST, hold(MOST, MOST, true), false)]).await.unwrap();
        }
        assert_eq!(in_ledger(desk).await, (MOST, 0));
        // More than there can be, of one that nobody set aside, and beside others in one batch.
        let more = [settled("late", MOST, hold(0, MOST, false), true), settled("x", 1, hold(1, MOST, true), false)];
        store.settle_budgets(&more).await.unwrap();
        assert_eq!(in_ledger(desk).await, (MOST, 0));
        for amount in [0, 1, MOST] {
            let held = store.hold_budgets("c", &[hold(amount, 5, true)], MOST).await.unwrap();
            assert_eq!(held, Held::Spent(0), "{amount}");
        }
    })
    .await;
}

#[tokio::test]
async fn what_is_told_late_or_twice_is_charged_once() {
    Desk::on_each_store(async |desk| {
        let store = &desk.store;
        // The ledger did not answer when it was asked, and its answer was lost when it was told.
        for _ in 0..3 {
            store.settle_budgets(&[settled("late", 7, hold(9, 100, false), true)]).await.unwrap();
        }
        assert_eq!(in_ledger(desk).await, (7, 0));
        // A soft budget's reservation expired, because a clock was put forward or the call took long: the call is charged
        // all the same, once.
        let ask = [hold(20, 100, false)];
        assert_eq!(store.hold_budgets("slow", &ask, 1_000).await.unwrap(), Held::Whole);
        assert_eq!(store.expire_holds(999).await.unwrap(), 0);
        assert_eq!(store.expire_holds(1_000).await.unwrap(), 1);
        assert_eq!(store.expire_holds(1_000).await.unwrap(), 0);
        assert_eq!(in_ledger(desk).await, (7, 0));
        for _ in 0..2 {
            store.settle_budgets(&[settled("slow", 5, hold(20, 100, false), false)]).await.unwrap();
        }
        assert_eq!(in_ledger(desk).await, (12, 0));
        // Of a hard one all of it is spent, and stays so.
        assert_eq!(store.hold_budgets("gone", &[hold(20, 100, true)], 1_000).await.unwrap(), Held::Whole);
        assert_eq!(store.expire_holds(1_000).await.unwrap(), 1);
        store.settle_budgets(&[settled("gone", 5, hold(20, 100, true), false)]).await.unwrap();
        assert_eq!(in_ledger(desk).await, (32, 0));
        // What is remembered is forgotten, and charges nothing then.
        let later = desk.clock.now_micros() + 90_000_000_000;
        store.expire_holds(later).await.unwrap();
        assert_eq!((in_ledger(desk).await, store.expire_holds(i64::MAX).await.unwrap()), ((32, 0), 0));
    })
    .await;
}

/// A server's clock, which anybody may put forward or back.
struct Wrong {
    right: Arc<TestClock>,
    off: std::sync::atomic::AtomicI64,
}

impl Clock for Wrong {
    fn now_micros(&self) -> i64 {
        self.right.now_micros() + self.off.load(std::sync::atomic::Ordering::SeqCst)
    }

    fn monotonic(&self) -> Duration {
        self.right.monotonic()
    }
}

#[tokio::test]
async fn a_servers_clock_that_is_wrong_gives_it_no_budget_of_another_time() {
    Desk::on_each_store(async |desk| {
        let shared = desk.store.is_shared();
        let clock = Arc::new(Wrong { right: desk.clock.clone(), off: 0.into() });
        let server = |clock: Arc<dyn Clock>| Arc::new(Limiter::new(law(budget(100, None)), desk.store.clone(), clock));
        let (wrong, right) = (server(clock.clone()), server(desk.clock.clone()));
        for (name, server) in [("one", &wrong), ("two", &right)] {
            server.announce(name).await.unwrap();
        }
        let ada = of("acme", "ada");
        spend(&wrong, &ada, "a", 60).await.unwrap().end(0, 60).await;
        for (number, hours) in [24_i64, -24, 1_000].into_iter().enumerate() {
            clock.off.store(hours * 3_600_000_000, std::sync::atomic::Ordering::SeqCst);
            let got = spend(&wrong, &ada, &format!("b{number}"), 60).await;
            // With a store of its own there is no other clock to go by.
            assert_eq!(got.is_err(), shared, "{hours}");
            assert!(spend(&right, &ada, &format!("c{number}"), 60).await.is_err(), "{hours}");
        }
    })
    .await;
}
