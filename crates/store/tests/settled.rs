//! Entries that are in the journal only: they are seen at once, and never left behind.

#![allow(clippy::unwrap_used, clippy::print_stderr, dead_code, missing_docs, reason = "tests")]

mod bench;

use bench::{Bench, entry, sound};
use tenantry_store::{Filter, Phase};

#[tokio::test]
async fn what_is_appended_is_seen_by_the_next_reading() {
    let bench = Bench::sqlite();
    let store = bench.open().await;
    for number in 0..600 {
        let started = entry("acme", number);
        let receipt = store.append(started.clone()).await.unwrap();
        store.append(started.ended(&receipt, Phase::Completed, started.time_micros + 1)).await.unwrap();
        if number % 50 == 0 {
            let newest = store.list(&Filter { limit: 1, ..Filter::of("acme") }).await.unwrap();
            assert_eq!(newest.first().map(|found| found.entry.start), Some(Some(receipt.seq)), "{number}");
        }
    }
    let report = sound(&store).await;
    assert_eq!((report.entries, report.chains.iter().map(|chain| chain.open_count).sum::<u64>()), (1200, 0));
}

#[tokio::test]
async fn a_store_that_is_let_go_leaves_no_journal() {
    let bench = Bench::sqlite();
    for round in 0..20 {
        let store = bench.open().await;
        let started = entry("acme", round);
        let receipt = store.append(started.clone()).await.unwrap();
        store.append(started.ended(&receipt, Phase::Completed, started.time_micros + 1)).await.unwrap();
        drop(store);
        assert!(!bench.journal_file().unwrap().exists());
        // Another process, as it were: it shares nothing with the first but the files.
        let other = bench.open().await;
        let report = sound(&other).await;
        assert_eq!(report.chains.iter().map(|chain| chain.open_count).sum::<u64>(), 0, "{round}");
    }
}

#[test]
fn callers_inside_and_outside_of_async_code_share_a_journal() {
    let bench = Bench::sqlite();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let store = runtime.block_on(bench.open());
    std::thread::scope(|scope| {
        for worker in 0..8 {
            let (store, runtime) = (store.clone(), &runtime);
            scope.spawn(move || {
                for number in 0..200 {
                    let started = entry(if worker % 2 == 0 { "acme" } else { "globex" }, worker * 1000 + number);
                    let receipt = store.append_blocking(started.clone()).unwrap();
                    let ended = started.ended(&receipt, Phase::Completed, started.time_micros + 1);
                    runtime.block_on(store.append(ended)).unwrap();
                }
            });
        }
    });
    let report = runtime.block_on(sound(&store));
    assert_eq!((report.entries, report.chains.iter().map(|chain| chain.open_count).sum::<u64>()), (3200, 0));
}
