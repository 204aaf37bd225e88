//! Appending on PostgreSQL: a connection lost between an entry and the answer that it is written, servers that
//! share chains, tables that grow under plans made before.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    missing_docs,
    reason = "tests"
)]

#[allow(dead_code, reason = "other tests use the rest")]
mod bench;

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use bench::{Bench, entry, fill, sound};
use tenantry_store::Phase;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const PASS: u8 = 0;
/// The next request reaches the server and its answer does not come back.
const LOSE_ANSWER: u8 = 1;
/// The next request does not reach the server.
const LOSE_REQUEST: u8 = 2;

/// A way to the server that can break once.
struct Way {
    address: String,
    next: Arc<AtomicU8>,
}

impl Way {
    async fn to(server: String) -> Way {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let next = Arc::new(AtomicU8::new(PASS));
        let how = Arc::clone(&next);
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let (far, how) = (TcpStream::connect(&server).await.unwrap(), Arc::clone(&how));
                tokio::spawn(carry(near, far, how));
            }
        });
        Way { address, next }
    }

    fn breaks(&self, how: u8) {
        assert_eq!(self.next.swap(how, Ordering::SeqCst), PASS, "the fault before did not happen");
    }
}

/// Carries bytes both ways until one side ends, or the way breaks.
async fn carry(mut near: TcpStream, mut far: TcpStream, next: Arc<AtomicU8>) {
    let (mut asked, mut answered, mut deaf) = (vec![0; 65_536], vec![0; 65_536], false);
    loop {
        tokio::select! {
            read = near.read(&mut asked) => {
                let Ok(read @ 1..) = read else { return };
                match next.swap(PASS, Ordering::SeqCst) {
                    LOSE_REQUEST => return,
                    LOSE_ANSWER => deaf = true,
                    _ => {}
                }
                far.write_all(&asked[..read]).await.unwrap();
            }
            read = far.read(&mut answered) => {
                let Ok(read @ 1..) = read else { return };
                if deaf {
                    return;
                }
                near.write_all(&answered[..read]).await.unwrap();
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_whose_answer_is_lost_is_there_once() {
    let Some(bench) = Bench::postgres().await else { return };
    let way = Way::to(bench.server()).await;
    let store = bench.open_by(&way.address).await;
    fill(&store, "acme", 2).await;
    fill(&store, "globex", 1).await;
    for (round, how) in [LOSE_ANSWER, LOSE_REQUEST, LOSE_ANSWER, LOSE_ANSWER, LOSE_REQUEST].into_iter().enumerate() {
        way.breaks(how);
        let number = 100 + i64::try_from(round).unwrap();
        let receipt = store.append_ended(entry("acme", number), Phase::Completed, bench::NOW).await.unwrap();
        assert_eq!(receipt.seq, 5 + 2 * i64::try_from(round).unwrap(), "fault {how}");
        assert_eq!(way.next.load(Ordering::SeqCst), PASS, "the fault did not happen");
    }
    let report = sound(&store).await;
    let entries = |account: &str| report.chains.iter().find(|chain| chain.account == account).unwrap().entries;
    assert_eq!((entries("acme"), entries("globex")), (14, 2));
    drop(store);
    bench.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_that_share_chains_take_turns() {
    let Some(bench) = Bench::postgres().await else { return };
    let bench = Arc::new(bench);
    let mut servers = tokio::task::JoinSet::new();
    let first = bench.open().await;
    fill(&first, "acme", 1).await;
    for server in 0..3 {
        let store = bench.open().await;
        servers.spawn(async move {
            let mut calls = tokio::task::JoinSet::new();
            for number in 0..120 {
                let (store, account) =
                    (store.clone(), ["acme", "globex", "initech"][usize::try_from(number).unwrap() % 3]);
                calls.spawn(async move {
                    let entry = entry(account, server * 1_000 + number);
                    store.append_ended(entry, Phase::Completed, bench::NOW).await.unwrap();
                });
            }
            while let Some(call) = calls.join_next().await {
                call.unwrap();
            }
        });
    }
    while let Some(server) = servers.join_next().await {
        server.unwrap();
    }
    let report = sound(&first).await;
    assert_eq!(report.chains.iter().map(|chain| chain.entries).sum::<u64>(), 2 + 3 * 120 * 2);
    drop(first);
    Arc::into_inner(bench).unwrap().end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_made_while_there_were_few_chains_does_not_read_them_all() {
    let Some(bench) = Bench::postgres().await else { return };
    let store = bench.open().await;
    // The server settles on a plan after five runs.
    fill(&store, "acme", 8).await;
    bench
        .outside(
            "INSERT INTO tenantry_audit_heads (account, ordinal, seq, hash, seal) \
             SELECT 'other' || n, 1000 + n, 0, '\\x00', '\\x00' FROM generate_series(1, 20000) AS n",
        )
        .await;
    fill(&store, "acme", 40).await;
    drop(store);
    bench
        .outside(
            "DO $$ BEGIN \
                FOR turn IN 1 .. 1000 LOOP \
                    PERFORM pg_stat_clear_snapshot(); \
                    EXIT WHEN NOT EXISTS (SELECT FROM pg_stat_activity \
                        WHERE datname = current_database() AND application_name = 'tenantry-store'); \
                    PERFORM pg_sleep(0.01); \
                END LOOP; \
                ASSERT (SELECT idx_scan > 80 AND seq_scan < 5 FROM pg_stat_user_tables \
                    WHERE relname = 'tenantry_audit_heads'), 'the heads were read whole'; \
             END $$",
        )
        .await;
    bench.end().await;
}
