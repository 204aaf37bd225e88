//! The ledger of budgets, on both databases: nothing set aside is lost, and no call is charged twice.

#![allow(clippy::unwrap_used, clippy::print_stderr, dead_code, missing_docs, reason = "tests")]

mod bench;

use bench::{Bench, NOW};
use tenantry_store::Store;
use tenantry_store::budgets::{Balance, Held, Hold, Settlement};

const DAY: i64 = 24 * 3_600 * 1_000_000;

async fn everywhere(case: impl AsyncFn(&Bench, &Store)) {
    for bench in [Some(Bench::sqlite()), Bench::postgres().await].into_iter().flatten() {
        let store = bench.open().await;
        case(&bench, &store).await;
        drop(store);
        bench.end().await;
    }
}

fn hold(scope: &str, amount: i64) -> Hold {
    Hold { scope: scope.to_owned(), period_micros: NOW, amount_micros: amount, most_micros: i64::MAX, hard: true }
}

fn settlement(id: &str, cost: i64, holds: &[Hold], late: bool) -> Settlement {
    Settlement { request_id: id.to_owned(), cost_micros: cost, holds: holds.to_vec(), late }
}

async fn balance(store: &Store, scope: &str) -> (i64, i64) {
    let Balance { spent_micros, held_micros } = store.balance(scope, NOW).await.unwrap();
    (spent_micros, held_micros)
}

/// More is lost than is settled in one go, and not a multiple of what a call sets aside.
#[tokio::test]
async fn whatever_nobody_settled_expires_whole() {
    everywhere(async |_, store| {
        let holds = ["account/acme", "client/app", "user/ada"].map(|scope| hold(scope, 1));
        for number in 0..100 {
            let held = store.hold_budgets(&format!("req_{number}"), &holds, NOW + 1).await.unwrap();
            assert_eq!(held, Held::Whole);
        }
        let mut calls = 0;
        loop {
            match store.expire_holds(NOW + 2).await.unwrap() {
                0 => break,
                more => calls += more,
            }
        }
        assert_eq!(calls, 100);
        for hold in &holds {
            assert_eq!(balance(store, &hold.scope).await, (100, 0), "{}", hold.scope);
        }
    })
    .await;
}

#[tokio::test]
async fn a_late_call_whose_settlement_was_not_heard_of_is_charged_once() {
    everywhere(async |_, store| {
        let holds = [hold("account/acme", 10), hold("user/ada", 10)];
        let late = settlement("req_late", 7, &holds, true);
        for _ in 0..3 {
            store.settle_budgets(std::slice::from_ref(&late)).await.unwrap();
        }
        // Who gave up on its reservation gives that back as well, whenever it comes to that.
        store.settle_budgets(&[settlement("req_late", 0, &holds, false), late.clone()]).await.unwrap();
        store.settle_budgets(&[settlement("req_late", 0, &holds, false)]).await.unwrap();
        store.settle_budgets(std::slice::from_ref(&late)).await.unwrap();
        assert_eq!((balance(store, "account/acme").await, balance(store, "user/ada").await), ((7, 0), (7, 0)));
        // It is not remembered for ever, and being forgotten changes nothing.
        assert_eq!(store.expire_holds(NOW + 2 * DAY).await.unwrap(), 0);
        assert_eq!(balance(store, "account/acme").await, (7, 0));
        store.settle_budgets(std::slice::from_ref(&late)).await.unwrap();
        assert_eq!(balance(store, "account/acme").await, (14, 0), "nobody remembers it");
    })
    .await;
}

/// The answer to a reservation was lost, and it stands all the same: it is given back once, in one go with the cost.
#[tokio::test]
async fn what_was_set_aside_unheard_of_is_given_back_once() {
    everywhere(async |_, store| {
        let holds = [hold("account/acme", 10)];
        assert_eq!(store.hold_budgets("req_1", &holds, NOW + DAY).await.unwrap(), Held::Whole);
        let both = [settlement("req_1", 0, &holds, false), settlement("req_1", 4, &holds, true)];
        store.settle_budgets(&both).await.unwrap();
        store.settle_budgets(&both).await.unwrap();
        assert_eq!(balance(store, "account/acme").await, (4, 0));
    })
    .await;
}
