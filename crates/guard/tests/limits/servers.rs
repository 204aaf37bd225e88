//! Three servers over one store.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::Instant;

use tenantry_guard::limits::Limiter;
use tenantry_policy::Clock;
use tenantry_policy::limits::{LimitLaw, Limits};

use crate::money::{balance, budget, law, spend};
use crate::proxy::{Fault, Proxy};
use crate::support::database::Database;
use crate::{Desk, account, ask, call, of, rate, store_at};

const SERVERS: usize = 3;

/// So many servers over one store; on SQLite one, since no other may be on it.
async fn servers(desk: &Desk, law: &LimitLaw) -> Vec<Arc<Limiter>> {
    let mut servers = vec![desk.limiter(law.clone())];
    if desk.store.is_shared() {
        for _ in 1..SERVERS {
            let store = store_at(&desk.database.store_url(), desk.database.folder(), &desk.clock).await;
            let clock: Arc<dyn Clock> = desk.clock.clone();
            servers.push(Arc::new(Limiter::new(law.clone(), store, clock)));
        }
    }
    servers
}

/// 200 calls at once on three servers, each of which may cost 10 and costs 1 to 10: never is more than the budget spent
/// and set aside, and none of it is lost.
#[tokio::test(flavor = "multi_thread")]
async fn a_hard_budget_is_never_exceeded_by_200_concurrent_calls() {
    Desk::on_each_store(async |desk| {
        const AMOUNT: i64 = 500;
        let servers = servers(desk, &law(budget(500, None))).await;
        let (spent, passed) = (Arc::new(AtomicI64::new(0)), Arc::new(AtomicUsize::new(0)));
        let mut calls = tokio::task::JoinSet::new();
        for number in 0..200_u64 {
            let server = Arc::clone(&servers[usize::try_from(number).unwrap() % servers.len()]);
            let (spent, passed) = (Arc::clone(&spent), Arc::clone(&passed));
            calls.spawn(async move {
                // A place in the store's pool comes late where 200 want one: asked again until the answer is no.
                let permit = loop {
                    match spend(&server, &of("acme", "ada"), &format!("req_{number}"), 10).await {
                        Ok(permit) => break permit,
                        Err(refused) if refused.why == tenantry_guard::limits::Why::Ledger => {}
                        Err(_) => return,
                    }
                };
                let cost = 1 + number % 10;
                tokio::task::yield_now().await;
                passed.fetch_add(1, Ordering::SeqCst);
                spent.fetch_add(i64::try_from(cost).unwrap(), Ordering::SeqCst);
                permit.end(1, cost).await;
            });
        }
        while !calls.is_empty() {
            let state = balance(desk).await;
            assert!(state.spent_micros + state.held_micros <= AMOUNT, "{state:?}");
            while calls.try_join_next().map(Result::unwrap).is_some() {}
            tokio::task::yield_now().await;
        }
        let state = balance(desk).await;
        assert_eq!((state.spent_micros, state.held_micros), (spent.load(Ordering::SeqCst), 0));
        assert!(state.spent_micros <= AMOUNT && passed.load(Ordering::SeqCst) >= 50, "{state:?}");
        eprintln!(
            "{} servers: {} of 200 calls passed, {} of {AMOUNT} spent",
            servers.len(),
            passed.load(Ordering::SeqCst),
            state.spent_micros
        );
    })
    .await;
}

/// Three servers flooded at once let pass what the rate says together.
#[tokio::test(flavor = "multi_thread")]
async fn a_rate_holds_for_three_servers_together() {
    let Some(database) = Database::postgres().await else {
        return eprintln!("skipped: TENANTRY_TEST_POSTGRES is not set");
    };
    const COUNT: u64 = 300;
    let desk = Desk::over(database).await;
    let limits = Limits { requests: rate("300/min"), ..Limits::default() };
    let law = LimitLaw { accounts: [("acme".into(), account(limits))].into(), ..LimitLaw::default() };
    let servers = servers(&desk, &law).await;
    let begun = Instant::now();
    let mut calls = tokio::task::JoinSet::new();
    for (place, server) in servers.iter().enumerate() {
        for _ in 0..8 {
            let server = Arc::clone(server);
            calls.spawn(async move {
                let mut passed = 0_u64;
                for _ in 0..50 {
                    passed += u64::from(call(&server, &of("acme", "ada")).await.is_ok());
                }
                (place, passed)
            });
        }
    }
    let mut each = [0_u64; SERVERS];
    for (place, passed) in calls.join_all().await {
        each[place] += passed;
    }
    let passed: u64 = each.iter().sum();
    // What came back in the meantime, by the database's clock.
    let more = u64::try_from(begun.elapsed().as_millis()).unwrap() * COUNT / 60_000 + 1;
    // Each server may hold a twentieth that it does not use.
    let unused = 3 * (COUNT / 20);
    eprintln!(
        "of 1,200 calls on three servers {passed} passed ({each:?}); the rate lets {COUNT} pass at once, and {more} came back"
    );
    assert!(passed <= COUNT + more, "{passed} of {COUNT} passed, {more} came back");
    assert!(passed >= COUNT - unused, "{passed} of {COUNT} passed");
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_share_what_may_run_at_one_time() {
    let Some(database) = Database::postgres().await else {
        return eprintln!("skipped: TENANTRY_TEST_POSTGRES is not set");
    };
    let desk = Desk::over(database).await;
    let limits = Limits { concurrent: Some(6), ..Limits::default() };
    let law = LimitLaw {
        accounts: [("acme".into(), account(limits))].into(),
        wait: Some(std::time::Duration::ZERO),
        ..LimitLaw::default()
    };
    let servers = servers(&desk, &law).await;
    let fill = async |server: &Arc<Limiter>| {
        let mut held = Vec::new();
        while let Ok(permit) = call(server, &of("acme", "ada")).await {
            held.push(permit);
        }
        held.len()
    };
    assert_eq!(fill(&servers[0]).await, 6);
    for _ in 0..2 {
        for (number, server) in servers.iter().enumerate() {
            server.announce(&format!("server_{number}")).await.unwrap();
        }
    }
    for server in &servers {
        assert_eq!(fill(server).await, 2);
    }
    desk.store.dismiss_server("server_2").await.unwrap();
    servers[0].announce("server_0").await.unwrap();
    assert_eq!(fill(&servers[0]).await, 3);
}

/// A call waits for what another one asks of the store, however many others ask in the meantime.
#[tokio::test(flavor = "multi_thread")]
async fn what_other_accounts_ask_for_refuses_nobody() {
    let Some(database) = Database::postgres().await else {
        return eprintln!("skipped: TENANTRY_TEST_POSTGRES is not set");
    };
    let desk = Desk::over(database).await;
    let each_account = Limits { requests: rate("20/min"), ..Limits::default() };
    let limiter = desk.limiter(LimitLaw { each_account, ..LimitLaw::default() });
    drop(call(&limiter, &of("acme", "ada")).await.unwrap());
    let mut client = desk.database.client().await;
    let held = client.transaction().await.unwrap();
    let lock = "SELECT 1 FROM tenantry_share WHERE name = 'requests:account/acme' FOR UPDATE";
    assert_eq!(held.query(lock, &[]).await.unwrap().len(), 1);
    let acme = [(); 2].map(|()| {
        let limiter = Arc::clone(&limiter);
        tokio::spawn(async move { call(&limiter, &of("acme", "ada")).await.map(drop) })
    });
    // One of them asks, and the other waits for the answer.
    let watcher = desk.database.client().await;
    let waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    while watcher.query_one(waits, &[]).await.unwrap().get::<_, i64>(0) == 0 {
        tokio::task::yield_now().await;
    }
    for number in 0..40 {
        drop(call(&limiter, &of(&format!("account {number}"), "ada")).await.unwrap());
    }
    assert!(acme.iter().all(|call| !call.is_finished()));
    held.rollback().await.unwrap();
    for call in acme {
        assert_eq!(call.await.unwrap(), Ok(()));
    }
}

/// What one server reserved and did not use is there for the others, a moment later.
#[tokio::test(flavor = "multi_thread")]
async fn tokens_that_a_server_does_not_use_are_given_back() {
    let Some(database) = Database::postgres().await else {
        return eprintln!("skipped: TENANTRY_TEST_POSTGRES is not set");
    };
    let desk = Desk::over(database).await;
    let limits = Limits { tokens: rate("100000/day"), ..Limits::default() };
    let law = LimitLaw { accounts: [("acme".into(), account(limits))].into(), ..LimitLaw::default() };
    let servers = servers(&desk, &law).await;
    let ada = of("acme", "ada");
    ask(&servers[0], &ada, 90_000).await.unwrap().end(10, 0).await;
    assert!(ask(&servers[1], &ada, 60_000).await.is_err());
    for _ in 0..2 {
        servers[0].announce("server_0").await.unwrap();
    }
    // A piece of a twentieth stays with the first, and its end gives that back, too.
    ask(&servers[2], &ada, 94_000).await.unwrap().end(0, 0).await;
    servers[2].flush().await;
    assert!(ask(&servers[2], &ada, 96_000).await.is_err());
    servers[0].flush().await;
    // It was told when to ask again.
    desk.clock.advance(std::time::Duration::from_hours(1));
    ask(&servers[2], &ada, 99_000).await.unwrap().end(0, 0).await;
}

/// What a server let pass while the store did not answer was never taken there, and is not put back as if it had been.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_comes_back_that_was_not_taken() {
    let Some(database) = Database::postgres().await else {
        return eprintln!("skipped: TENANTRY_TEST_POSTGRES is not set");
    };
    let desk = Desk::over(database).await;
    let url = desk.database.store_url();
    let address = url.split('@').nth(1).unwrap().split('/').next().unwrap().to_owned();
    let proxy = Proxy::start(tokio::net::lookup_host(&address).await.unwrap().next().unwrap()).await;
    let through = url.replace(&address, &proxy.address().to_string());
    let store = store_at(&through, desk.database.folder(), &desk.clock).await;
    let limits = Limits { tokens: rate("1000/day"), ..Limits::default() };
    let law = LimitLaw { accounts: [("acme".into(), account(limits))].into(), ..LimitLaw::default() };
    let clock: Arc<dyn Clock> = desk.clock.clone();
    let (cut, other) = (Arc::new(Limiter::new(law.clone(), Arc::clone(&store), clock)), desk.limiter(law));
    let ada = of("acme", "ada");
    proxy.arm(Fault::Refuse { times: 10_000 }, true);
    let alone = ask(&cut, &ada, 900).await.unwrap();
    proxy.heal();
    while store.balance("", 0).await.is_err() {
        tokio::task::yield_now().await;
    }
    desk.clock.advance(std::time::Duration::from_secs(2));
    alone.end(0, 0).await;
    ask(&other, &ada, 1_000).await.unwrap().end(1_000, 0).await;
    assert!(ask(&cut, &ada, 500).await.is_err());
}
