//! Figures, not checks: `cargo test --release -p tenantry-store --test speed -- --ignored --nocapture`.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    dead_code,
    missing_docs,
    reason = "tests, which measure with the machine's clock"
)]

mod bench;

use std::time::Instant;

use bench::{Bench, entry};

#[test]
#[ignore = "prints figures"]
fn append_and_verify() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let postgres = runtime.block_on(Bench::postgres());
    for bench in [Some(Bench::sqlite()), postgres].into_iter().flatten() {
        let store = runtime.block_on(bench.open());
        let (name, rounds) = if store.backend_name() == "sqlite" { ("SQLite", 20_000) } else { ("PostgreSQL", 2_000) };
        let per = |started: Instant, count: i64| started.elapsed().as_secs_f64() * 1e6 / count as f64;

        let entries: Vec<_> = (0..rounds).map(|number| entry("acme", number)).collect();
        let started = Instant::now();
        for entry in entries {
            store.append_blocking(entry).unwrap();
        }
        println!("{name}: one caller, {:.1} µs an append", per(started, rounds));

        let started = Instant::now();
        let threads: Vec<_> = (0..16)
            .map(|worker| {
                let store = store.clone();
                std::thread::spawn(move || {
                    for number in 0..rounds / 16 {
                        let account = ["acme", "globex", "initech"][usize::try_from(worker % 3).unwrap()];
                        store.append_blocking(entry(account, (worker + 1) * 1_000_000 + number)).unwrap();
                    }
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        println!("{name}: 16 callers, {:.1} µs an append", per(started, rounds));

        // What is still in a journal is moved first, which is not what is measured next.
        let moving = Instant::now();
        runtime.block_on(store.heads()).unwrap();
        println!("{name}: the heads after {:.0} ms", moving.elapsed().as_secs_f64() * 1e3);

        let started = Instant::now();
        let report = runtime.block_on(store.verify(None, &[])).unwrap();
        assert!(report.is_sound());
        println!("{name}: {:.0} entries verified a second", report.entries as f64 / started.elapsed().as_secs_f64());
        drop(store);
        runtime.block_on(bench.end());
    }
}
