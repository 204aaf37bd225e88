//! Promise D1: a process killed while it writes loses nothing that it acknowledged (SQLite).

#![allow(clippy::unwrap_used, clippy::print_stderr, clippy::print_stdout, dead_code, missing_docs, reason = "tests")]

mod bench;

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::Arc;

use bench::{Bench, NOW, TestClock, TestEntropy, entry, fill, sound};
use tenantry_store::{Filter, Head, Options, Store, StoreUrl};

/// A copy of the files of a store that is open is what a killed process leaves behind.
#[tokio::test]
async fn what_is_acknowledged_is_in_the_files() {
    let bench = Bench::sqlite();
    let store = bench.open().await;
    let heads = fill(&store, "acme", 50).await;
    let file = bench.database_file().unwrap();
    let after = Bench::sqlite();
    let copy = after.database_file().unwrap();
    std::fs::create_dir_all(copy.parent().unwrap()).unwrap();
    std::fs::copy(&file, &copy).unwrap();
    std::fs::copy(file.with_extension("db-wal"), copy.with_extension("db-wal")).unwrap();
    std::fs::copy(bench.journal_file().unwrap(), after.journal_file().unwrap()).unwrap();
    std::fs::copy(bench.key_file(), after.key_file()).unwrap();
    let reopened = after.open().await;
    assert!(reopened.verify(None, &heads).await.unwrap().is_sound());
    fill(&reopened, "acme", 1).await;
    assert_eq!(sound(&reopened).await.entries, 102);
}

const CHILD: &str = "TENANTRY_STORE_CHILD";

/// Not a test by itself: the process that the next test kills.
#[test]
#[allow(clippy::disallowed_methods, reason = "how the parent tells the child what to do")]
fn child_that_writes_until_killed() {
    let Ok(folder) = std::env::var(CHILD) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let store = runtime.block_on(open_at(&folder));
    let threads: Vec<_> = (0..4)
        .map(|worker| {
            let store = store.clone();
            std::thread::spawn(move || {
                for number in 0.. {
                    let account = format!("account-{}", (worker + number) % 3);
                    let receipt = store.append_blocking(entry(&account, number)).unwrap();
                    println!("ack {}", Head { account, seq: receipt.seq, hash: receipt.hash });
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

async fn open_at(folder: &str) -> Store {
    let options =
        Options { clock: Arc::new(TestClock(NOW.into())), entropy: Arc::new(TestEntropy(1.into())), key_file: None };
    let url = StoreUrl::parse(&format!("sqlite:{folder}/store.db")).unwrap();
    Store::open(&url, options).await.unwrap()
}

const COUNT: i64 = 2_500;

/// Not a test by itself: one of the processes that the next test starts.
#[test]
#[allow(clippy::disallowed_methods, reason = "how the parent tells the child what to do")]
fn child_that_shares_a_chain() {
    let Ok(folder) = std::env::var(CHILD) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let store = runtime.block_on(open_at(&folder));
    for number in 0..COUNT {
        store.append_blocking(entry("acme", number)).unwrap();
    }
}

#[test]
fn processes_share_a_chain() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let start = || {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "child_that_shares_a_chain"]).env(CHILD, path).stdout(Stdio::null());
        command.spawn().unwrap()
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let store = runtime.block_on(open_at(path));
    let mut children = [start(), start(), start()];
    for number in 0..COUNT {
        store.append_blocking(entry("acme", number)).unwrap();
        // Somebody looks at the audit meanwhile.
        if number % 500 == 0 {
            runtime.block_on(sound(&store));
        }
    }
    for child in &mut children {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(runtime.block_on(sound(&store)).entries, 10_000);
}

#[test]
fn a_killed_process_loses_nothing_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut acknowledged: Vec<Head> = Vec::new();
    for round in 0..5 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child_that_writes_until_killed", "--nocapture"])
            .env(CHILD, path)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let wanted = acknowledged.len() + 150 + round * 70;
        let note = |line: String, acknowledged: &mut Vec<Head>| {
            if let Some(head) = line.split_once("ack ").and_then(|(_, head)| Head::parse(head)) {
                acknowledged.push(head);
            }
        };
        while acknowledged.len() < wanted {
            note(lines.next().unwrap().unwrap(), &mut acknowledged);
        }
        // SIGKILL, in the middle of a commit as often as not.
        child.kill().unwrap();
        child.wait().unwrap();
        // What it said before it died counts as well; its last line may be cut.
        lines.map_while(Result::ok).for_each(|line| note(line, &mut acknowledged));

        let store = runtime.block_on(open_at(path));
        let report = runtime.block_on(store.verify(None, &[])).unwrap();
        assert!(report.is_sound(), "{report:?}");
        for account in ["account-0", "account-1", "account-2"] {
            let mut heads = acknowledged.iter().filter(|head| head.account == account);
            let filter = Filter { limit: 10_000, ..Filter::of(account) };
            let listed = runtime.block_on(store.list(&filter)).unwrap();
            let kept: HashMap<_, _> = listed.into_iter().map(|e| (e.seq, e.hash)).collect();
            assert!(heads.all(|head| kept.get(&head.seq) == Some(&head.hash)), "round {round}");
        }
    }
}
