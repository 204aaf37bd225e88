//! Pooled connections: what a call leaves behind, and what others see of it while it runs.

use std::time::Duration;

use serde_json::json;

use crate::support::Stage;
use crate::world::{bind, count, name, postgres, seen};

/// Waits until a superuser's count is zero. No sleep: each look is a round trip.
async fn until_none(stage: &Stage, sql: &str) {
    let client = stage.database.client().await;
    for _ in 0..5_000 {
        if count(&client, sql).await == 0 {
            return;
        }
    }
    panic!("never zero: {sql}");
}

/// After refusals, database errors, timeouts of waiting and dropped futures: idle connections, no open
/// transaction, no lock, no temporary object; and the next caller sees its own rows.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_left_on_a_connection_after_errors_and_dropped_calls() {
    let Some(stage) = postgres().await else { return };
    let (role, database) = (format!("{}_runtime", name(&stage)), name(&stage).to_owned());
    let (a, b) = (seen(&stage, "a").await, seen(&stage, "b").await);
    let (ada, eve) = (bind(&stage, "a"), bind(&stage, "b"));
    for round in 0..40_u64 {
        // A database's refusal: a reference to nowhere, a key in the way.
        for ask in [json!({ "id": 1, "customer_id": 1 }), json!({ "id": 99, "customer_id": 98 })] {
            let answer = stage.call(&ada, "create", &json!({ "model": "orders", "data": ask })).await;
            assert_eq!(answer["success"], json!(false), "{answer}");
        }
        // A call that is given up at some point on its way.
        for (bound, tool, ask) in [
            (&eve, "query", json!({ "model": "customers", "include": [{ "relation": "orders" }] })),
            (&eve, "update", json!({ "model": "customers", "id": 2, "data": { "score": 2 } })),
        ] {
            let body = ask.to_string();
            let call = stage.guard.call(bound, tool, body.as_bytes());
            let _ = tokio::time::timeout(Duration::from_micros(round * 60), call).await;
        }
        let answer = stage.call(&ada, "aggregate", &json!({ "model": "customers", "operation": "count" })).await;
        assert_eq!(answer["data"][0]["value"], json!(3), "{answer}");
    }
    assert_eq!((seen(&stage, "a").await, seen(&stage, "b").await), (a, b));
    let sessions = format!("FROM pg_stat_activity WHERE usename = '{role}'");
    until_none(&stage, &format!("SELECT count(*) {sessions} AND state <> 'idle'")).await;
    until_none(&stage, &format!("SELECT count(*) {sessions} AND (xact_start IS NOT NULL OR backend_xmin IS NOT NULL)"))
        .await;
    until_none(&stage, &format!("SELECT count(*) FROM pg_locks l WHERE l.pid IN (SELECT pid {sessions})")).await;
    until_none(
        &stage,
        &format!(
            "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE n.nspname LIKE 'pg\\_temp%' AND current_database() = '{database}'"
        ),
    )
    .await;
    // Nobody listens, nobody holds a prepared transaction or a replication slot.
    until_none(&stage, "SELECT count(*) FROM pg_prepared_xacts").await;
}

/// A connection that somebody else's error, LISTEN or lock would have spoilt is not lent on: a call cut
/// while it waits for a lock ends on the server too, and its row is free.
#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_call_frees_its_locks() {
    let Some(stage) = postgres().await else { return };
    let role = format!("{}_runtime", name(&stage));
    let holder = stage.database.client().await;
    holder.batch_execute("BEGIN; SELECT * FROM customers WHERE id = 1 FOR UPDATE").await.expect("locks");
    let ada = bind(&stage, "a");
    {
        let body = json!({ "model": "customers", "id": 1, "data": { "score": 5 } }).to_string();
        let call = stage.guard.call(&ada, "update", body.as_bytes());
        let waiting = async {
            let client = stage.database.client().await;
            let sql =
                format!("SELECT count(*) FROM pg_stat_activity WHERE usename = '{role}' AND wait_event_type = 'Lock'");
            while count(&client, &sql).await == 0 {}
        };
        tokio::select! {
            reply = call => panic!("it should wait: {reply:?}"),
            () = waiting => {}
        }
        // The call is dropped here, while its statement waits.
    }
    until_none(&stage, &format!("SELECT count(*) FROM pg_stat_activity WHERE usename = '{role}' AND state = 'active'"))
        .await;
    holder.batch_execute("ROLLBACK").await.expect("unlocks");
    let answer = stage.call(&ada, "get", &json!({ "model": "customers", "id": 1 })).await;
    assert_eq!(answer["data"]["score"], json!(1), "the dropped call must not have happened: {answer}");
}

/// Sessions of one role see each other's statements: their texts hold no values.
#[tokio::test(flavor = "multi_thread")]
async fn what_other_sessions_see_of_a_statement_holds_no_values() {
    let Some(stage) = postgres().await else { return };
    let role = format!("{}_runtime", name(&stage));
    let holder = stage.database.client().await;
    holder.batch_execute("BEGIN; LOCK TABLE customers IN ACCESS EXCLUSIVE MODE").await.expect("locks");
    let secret = "a name that nobody else should see";
    let ada = bind(&stage, "a");
    let asks = [
        ("update", json!({ "model": "customers", "id": 1, "data": { "name": secret } })),
        ("create", json!({ "model": "customers", "data": { "name": secret, "score": 4_242_424_242_i64 } })),
        ("query", json!({ "model": "customers", "where": { "field": "name", "op": "eq", "value": secret } })),
        ("query", json!({ "model": "customers", "where": { "field": "name", "op": "in", "value": [secret, "x"] } })),
        (
            "aggregate",
            json!({ "model": "customers", "operation": "count", "where": { "field": "score", "op": "gt", "value": 4_242_424_242_i64 } }),
        ),
        ("query", json!({ "model": "customers", "where": { "field": "name", "op": "startswith", "value": secret } })),
    ];
    let bodies: Vec<(&str, String)> = asks.iter().map(|(tool, ask)| (*tool, ask.to_string())).collect();
    let calls = async {
        let all = bodies.iter().map(|(tool, body)| stage.guard.call(&ada, tool, body.as_bytes()));
        futures_util::future::join_all(all).await
    };
    let look = async {
        let client = stage.database.client().await;
        let waiting =
            format!("SELECT count(*) FROM pg_stat_activity WHERE usename = '{role}' AND wait_event_type = 'Lock'");
        while count(&client, &waiting).await < i64::try_from(asks.len()).expect("few") {}
        let texts = format!("SELECT query FROM pg_stat_activity WHERE usename = '{role}'");
        let texts: Vec<String> = client.query(&texts, &[]).await.expect("reads").iter().map(|row| row.get(0)).collect();
        holder.batch_execute("ROLLBACK").await.expect("unlocks");
        texts
    };
    let (_, texts) = tokio::join!(calls, look);
    assert!(texts.iter().any(|text| text.contains("customers")), "{texts:?}");
    for text in &texts {
        for value in [secret, "4242424242", "'a'", "ada"] {
            assert!(!text.contains(value), "{text}");
        }
    }
}
