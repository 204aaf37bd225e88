//! Rates, places and turns on one server.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tenantry_guard::limits::{Level, Why};
use tenantry_policy::limits::{LimitLaw, Limits};

use crate::{Desk, account, ask, call, model, of, rate};

#[tokio::test]
async fn no_level_is_charged_when_another_one_refuses() {
    let desk = Desk::small().await;
    let mut acme = account(Limits { requests: rate("10/min"), ..Limits::default() });
    acme.users.insert("ada".into(), Limits { requests: rate("2/min"), ..Limits::default() });
    let limiter = desk.limiter(LimitLaw { accounts: [("acme".into(), acme)].into(), ..LimitLaw::default() });
    let (ada, bob) = (of("acme", "ada"), of("acme", "bob"));
    for left in [1, 0] {
        assert_eq!(call(&limiter, &ada).await.unwrap().requests.unwrap().remaining, left);
    }
    let mut noted = 0;
    for _ in 0..20 {
        let refused = call(&limiter, &ada).await.unwrap_err();
        assert_eq!((refused.why, refused.level, refused.retry_after()), (Why::Requests, Level::User, Some(30)));
        noted += usize::from(refused.noted);
    }
    // Twenty refusals within a moment: one stands on record.
    assert_eq!(noted, 1);
    // Two calls of Ada's, and not one of the refused, count for the account.
    assert_eq!(call(&limiter, &bob).await.unwrap().requests.unwrap().remaining, 7);
    desk.clock.advance(Duration::from_secs(30));
    assert!(call(&limiter, &ada).await.is_ok());
}

#[tokio::test]
async fn nothing_stays_nothing() {
    let desk = Desk::small().await;
    for limits in [
        Limits { requests: rate("0/min"), ..Limits::default() },
        Limits { tokens: rate("0/day"), ..Limits::default() },
        Limits { concurrent: Some(0), ..Limits::default() },
    ] {
        let limiter = desk.limiter(model(limits));
        let refused = ask(&limiter, &of("acme", "ada"), 1).await.unwrap_err();
        assert_eq!((refused.level, refused.wait, refused.retry_after()), (Level::Model, None, None), "{limits:?}");
        // What all accounts share is not told to one of them.
        assert_eq!(refused.standing, None);
    }
}

#[tokio::test]
async fn tokens_are_reserved_and_settled_to_what_was_used() {
    let desk = Desk::small().await;
    let acme = account(Limits { tokens: rate("1000/min"), ..Limits::default() });
    let limiter = desk.limiter(LimitLaw { accounts: [("acme".into(), acme)].into(), ..LimitLaw::default() });
    let ada = of("acme", "ada");
    let left = async |tokens| ask(&limiter, &ada, tokens).await.map(|permit| permit.token_rate.unwrap().remaining);
    let permit = ask(&limiter, &ada, 900).await.unwrap();
    assert_eq!(ask(&limiter, &ada, 200).await.unwrap_err().why, Why::Tokens);
    // Dropped without an end: all of it is given back.
    drop(permit);
    assert_eq!(left(900).await.unwrap(), 100);
    // More than there ever is needs all of it.
    let permit = ask(&limiter, &ada, 1_000_000).await.unwrap();
    assert_eq!(permit.token_rate.unwrap().remaining, 0);
    drop(permit);
    assert_eq!(left(1).await.unwrap(), 999);
}

#[tokio::test]
async fn a_workspace_narrows_its_account_and_an_account_those_below_it() {
    let desk = Desk::small().await;
    let mut below = account(Limits { concurrent: Some(2), ..Limits::default() });
    below.parent = Some("above".into());
    let above = account(Limits { concurrent: Some(3), ..Limits::default() });
    let accounts = [("below".into(), below), ("above".into(), above)].into();
    let law = LimitLaw { accounts, wait: Some(Duration::ZERO), ..LimitLaw::default() };
    let limiter = desk.limiter(law);
    let (one, other) = (of("below", "ada"), of("above", "bob"));
    let held = [call(&limiter, &one).await.unwrap(), call(&limiter, &one).await.unwrap()];
    assert_eq!(call(&limiter, &one).await.unwrap_err().level, Level::Account);
    let third = call(&limiter, &other).await.unwrap();
    assert!(call(&limiter, &other).await.is_err());
    drop(held);
    assert!(call(&limiter, &other).await.is_ok());
    drop(third);
    assert_eq!((limiter.running("account/above"), limiter.running("account/below")), (0, 0));
}

/// One account keeps 200 calls waiting for 4 places; another one's call comes after those of it that run, and one that
/// was before it.
#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_of_one_account_keeps_no_other_waiting() {
    let desk = Desk::small().await;
    let mut law = model(Limits { concurrent: Some(4), ..Limits::default() });
    (law.wait, law.waiting) = (Some(Duration::from_secs(60)), Some(196));
    let limiter = desk.limiter(law);
    let (finish, go) = tokio::sync::watch::channel(0_usize);
    let ended = Arc::new(AtomicUsize::new(0));
    let mut crowd = tokio::task::JoinSet::new();
    for number in 0..200 {
        let (limiter, mut go, ended) = (Arc::clone(&limiter), go.clone(), Arc::clone(&ended));
        crowd.spawn(async move {
            let permit = ask(&limiter, &of("greedy", &number.to_string()), 1).await.unwrap();
            // Each runs until it is told that one more may end.
            go.wait_for(|many| ended.load(Ordering::SeqCst) < *many).await.unwrap();
            let turn = ended.fetch_add(1, Ordering::SeqCst);
            drop(permit);
            turn
        });
    }
    while limiter.running("model/small") < 4 || limiter.waiting("greedy") < 196 {
        tokio::task::yield_now().await;
    }
    // There is no room for one more of this account.
    assert_eq!(ask(&limiter, &of("greedy", "more"), 1).await.unwrap_err().why, Why::Concurrent);
    let polite = tokio::spawn({
        let (limiter, ended) = (Arc::clone(&limiter), Arc::clone(&ended));
        async move {
            let permit = ask(&limiter, &of("polite", "p"), 1).await.unwrap();
            (permit, ended.load(Ordering::SeqCst))
        }
    });
    while limiter.waiting("polite") < 1 {
        tokio::task::yield_now().await;
    }
    finish.send(2).unwrap();
    let (permit, after) = polite.await.unwrap();
    assert!(after <= 2, "the polite call waited for {after} of the greedy ones");
    drop(permit);
    finish.send(usize::MAX).unwrap();
    assert_eq!(crowd.join_all().await.len(), 200);
    assert_eq!((limiter.running("model/small"), limiter.waiting("greedy")), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_leaves_the_queue_keeps_no_place_in_it() {
    let desk = Desk::small().await;
    let mut law = model(Limits { concurrent: Some(1), ..Limits::default() });
    law.wait = Some(Duration::from_secs(60));
    let limiter = desk.limiter(law);
    for _ in 0..200 {
        let held = ask(&limiter, &of("acme", "a"), 1).await.unwrap();
        let mut waiting = Vec::new();
        for number in 0..8 {
            let limiter = Arc::clone(&limiter);
            waiting.push(tokio::spawn(async move { ask(&limiter, &of("acme", &number.to_string()), 1).await.is_ok() }));
        }
        tokio::task::yield_now().await;
        // Some leave before their turn, some in the very moment of it.
        for task in waiting.iter().step_by(2) {
            task.abort();
        }
        drop(held);
        for task in waiting {
            assert!(task.await.unwrap_or(true));
        }
    }
    while limiter.running("model/small") > 0 || limiter.waiting("acme") > 0 {
        tokio::task::yield_now().await;
    }
}
