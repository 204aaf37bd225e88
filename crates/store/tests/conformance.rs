//! What every store must do. Runs on SQLite always, and on PostgreSQL when `TENANTRY_TEST_POSTGRES`
//! holds a superuser's address (`postgres://postgres@127.0.0.1:5432/postgres`).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stderr,
    missing_docs,
    reason = "tests"
)]

mod bench;

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::atomic::Ordering;

use bench::{Bench, NOW, entry, fill, sound};
use tenantry_policy::Principal;
use tenantry_policy::principal::Datum;
use tenantry_store::{
    ApprovalStatus, ChainReport, Decision, Filter, Head, Moved, NewApproval, Phase, ProblemKind, StoreError,
    VerifyReport, verify_export,
};

/// Runs a case on every database there is.
fn everywhere<F: Future<Output = ()>>(case: impl Fn(std::sync::Arc<Bench>) -> F) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
    runtime.block_on(async {
        let postgres = Bench::postgres().await;
        for bench in [Some(Bench::sqlite()), postgres].into_iter().flatten() {
            let bench = std::sync::Arc::new(bench);
            case(bench.clone()).await;
            if let Some(bench) = std::sync::Arc::into_inner(bench) {
                bench.end().await;
            }
        }
    });
}

fn problems(report: &VerifyReport) -> BTreeSet<&'static str> {
    let chains = report.chains.iter().flat_map(|chain| &chain.problems);
    chains.chain(&report.roster).map(|problem| problem.kind.code()).collect()
}

#[test]
fn entries_are_read_back_as_they_were_written() {
    everywhere(|bench| async move {
        let store = bench.open().await;
        let mut start = entry("acme", 1);
        start.inputs = Some("{\"text\":\"naïve ☃ \\u0000\"}".to_owned());
        let first = store.append(start.clone()).await.unwrap();
        let mut end = start.ended(&first, Phase::Failed, NOW + 9);
        end.decision = Decision::Denied;
        end.code = Some("CONFLICT".to_owned());
        end.keys = Some("[1,2]".to_owned());
        end.before = Some("[{}]".to_owned());
        end.after = Some(String::new());
        end.rows = Some(-1);
        end.duration_micros = Some(i64::MAX);
        end.error = Some("TIMEOUT".to_owned());
        end.delegate = Some("agent".to_owned());
        let second = store.append(end.clone()).await.unwrap();
        assert_eq!((first.seq, second.seq), (1, 2));
        let shown = store.show("acme", &start.id).await.unwrap();
        assert_eq!(shown.iter().map(|recorded| &recorded.entry).collect::<Vec<_>>(), [&start, &end]);
        assert_eq!(shown.iter().map(|recorded| recorded.hash).collect::<Vec<_>>(), [first.hash, second.hash]);
        assert_eq!(store.show("globex", &start.id).await.unwrap(), []);
        sound(&store).await;
    });
}

#[test]
fn accounts_never_see_each_others_entries() {
    everywhere(|bench| async move {
        let store = bench.open().await;
        for account in ["acme", "globex", "", "acme ", "ACME"] {
            fill(&store, account, 3).await;
        }
        for account in ["acme", "globex", "", "acme ", "ACME"] {
            let listed = store.list(&Filter::of(account)).await.unwrap();
            assert_eq!(listed.len(), 6);
            assert!(listed.iter().all(|recorded| recorded.entry.account == account));
            assert!(listed.iter().map(|recorded| recorded.seq).eq((1..=6).rev()));
        }
        assert_eq!(store.list(&Filter::of("acm")).await.unwrap(), []);
        assert_eq!(store.heads().await.unwrap().len(), 5);
        assert_eq!(sound(&store).await.entries, 30);
    });
}

#[test]
fn listing_filters() {
    everywhere(|bench| async move {
        let store = bench.open().await;
        fill(&store, "acme", 10).await;
        let mut refusal = entry("acme", 99);
        refusal.phase = Phase::Denied;
        refusal.decision = Decision::Denied;
        refusal.tool = "delete".to_owned();
        store.append(refusal).await.unwrap();
        let of = || Filter::of("acme");
        let cases = [
            (of(), 21),
            (Filter { tool: Some("delete".to_owned()), ..of() }, 1),
            (Filter { tool: Some("' OR 1=1 --".to_owned()), ..of() }, 0),
            (Filter { model: Some("orders".to_owned()), ..of() }, 10),
            (Filter { user: Some("user0@example.com".to_owned()), ..of() }, 9),
            (Filter { decision: Some(Decision::Denied), ..of() }, 1),
            (Filter { phase: Some(Phase::Started), ..of() }, 10),
            (Filter { since_micros: Some(NOW + 9), ..of() }, 4),
            (Filter { until_micros: Some(NOW + 1), ..of() }, 1),
            (Filter { limit: 5, ..of() }, 5),
            (Filter { before_seq: Some(4), ..of() }, 3),
        ];
        for (filter, count) in cases {
            assert_eq!(store.list(&filter).await.unwrap().len(), count, "{filter:?}");
        }
    });
}

#[test]
fn many_callers_one_chain_each() {
    everywhere(|bench| async move {
        let store = bench.open().await;
        let mut tasks = Vec::new();
        for worker in 0..16_i64 {
            let store = store.clone();
            tasks.push(tokio::spawn(async move {
                let mut receipts = Vec::new();
                for number in 0..40 {
                    let account = ["acme", "globex", "initech"][usize::try_from((worker + number) % 3).unwrap()];
                    let receipt = store.append(entry(account, worker * 1000 + number)).await.unwrap();
                    receipts.push((account, receipt.seq, receipt.hash));
                }
                receipts
            }));
        }
        // Threads without a runtime take part through the blocking door.
        let threads: Vec<_> = (0..4_i64)
            .map(|worker| {
                let store = store.clone();
                std::thread::spawn(move || {
                    for number in 0..20 {
                        store.append_blocking(entry("acme", 100_000 + worker * 1000 + number)).unwrap();
                    }
                })
            })
            .collect();
        let mut receipts = Vec::new();
        for task in tasks {
            receipts.extend(task.await.unwrap());
        }
        tokio::task::spawn_blocking(|| threads.into_iter().for_each(|thread| thread.join().unwrap())).await.unwrap();
        let places: BTreeSet<_> = receipts.iter().map(|(account, seq, _)| (*account, *seq)).collect();
        assert_eq!(places.len(), 640);
        let report = sound(&store).await;
        assert_eq!(report.entries, 720);
        assert_eq!(report.chains.iter().map(|chain| chain.open_count).sum::<u64>(), 720);
        for (account, seq, hash) in receipts.into_iter().step_by(37) {
            let filter = Filter { before_seq: Some(seq + 1), limit: 1, ..Filter::of(account) };
            assert_eq!(store.list(&filter).await.unwrap()[0].hash, hash);
        }
    });
}

#[test]
fn two_servers_share_a_store() {
    everywhere(|bench| async move {
        let stores = [bench.open().await, bench.open().await];
        let mut tasks = Vec::new();
        for worker in 0..8_i64 {
            let store = stores[usize::try_from(worker % 2).unwrap()].clone();
            tasks.push(tokio::spawn(async move {
                for number in 0..15 {
                    // New accounts all along: the roster is fought for as well.
                    store.append(entry(&format!("account-{}", number % 5), worker * 100 + number)).await.unwrap();
                    store.append(entry(&format!("own-{worker}-{number}"), number)).await.unwrap();
                }
            }));
        }
        for task in tasks {
            task.await.unwrap();
        }
        let report = sound(&stores[0]).await;
        assert_eq!((report.entries, report.chains.len()), (240, 125));
    });
}

#[test]
fn open_calls_are_noted_and_are_no_problem() {
    everywhere(|bench| async move {
        let store = bench.open().await;
        fill(&store, "acme", 2).await;
        store.append(entry("acme", 7)).await.unwrap();
        let report = sound(&store).await;
        assert_eq!((report.chains[0].open_count, report.chains[0].open.as_slice()), (1, [5].as_slice()));
    });
}

/// A change from outside, and what verification must find.
const CHANGES: [(&str, &str, &[ProblemKind]); 27] = [
    (
        "edit text",
        "UPDATE tenantry_audit SET user_id = 'mallory' WHERE account = 'acme' AND seq = 5",
        &[ProblemKind::Edited],
    ),
    (
        "edit the last",
        "UPDATE tenantry_audit SET tool = 'get' WHERE account = 'acme' AND seq = 20",
        &[ProblemKind::Edited],
    ),
    (
        "edit a time",
        "UPDATE tenantry_audit SET time_micros = time_micros + 1 WHERE account = 'acme' AND seq = 1",
        &[ProblemKind::Edited],
    ),
    (
        "erase a value",
        "UPDATE tenantry_audit SET inputs = NULL WHERE account = 'acme' AND seq = 3",
        &[ProblemKind::Edited],
    ),
    ("NULL to empty", "UPDATE tenantry_audit SET code = '' WHERE account = 'acme' AND seq = 3", &[ProblemKind::Edited]),
    (
        "move text over",
        "UPDATE tenantry_audit SET client = workspace, workspace = client WHERE account = 'acme' AND seq = 3",
        &[ProblemKind::Edited],
    ),
    (
        "edit decision",
        "UPDATE tenantry_audit SET decision = 'denied' WHERE account = 'acme' AND seq = 3",
        &[ProblemKind::Edited],
    ),
    (
        "edit a start",
        "UPDATE tenantry_audit SET start_seq = 1 WHERE account = 'acme' AND seq = 4",
        &[ProblemKind::Edited],
    ),
    (
        "edit a hash",
        "UPDATE tenantry_audit SET hash = (SELECT hash FROM tenantry_audit WHERE account = 'acme' AND seq = 1) WHERE account = 'acme' AND seq = 9",
        &[ProblemKind::Edited],
    ),
    (
        "edit the last hash",
        "UPDATE tenantry_audit SET hash = (SELECT hash FROM tenantry_audit WHERE account = 'acme' AND seq = 1) WHERE account = 'acme' AND seq = 20",
        &[ProblemKind::Edited, ProblemKind::HeadDiffers],
    ),
    ("drop the first", "DELETE FROM tenantry_audit WHERE account = 'acme' AND seq = 1", &[ProblemKind::Gap]),
    ("drop one", "DELETE FROM tenantry_audit WHERE account = 'acme' AND seq = 7", &[ProblemKind::Gap]),
    (
        "drop and close the gap",
        "DELETE FROM tenantry_audit WHERE account = 'acme' AND seq = 7; \
        UPDATE tenantry_audit SET seq = -seq WHERE account = 'acme' AND seq > 7; \
        UPDATE tenantry_audit SET seq = -seq - 1 WHERE account = 'acme' AND seq < 0",
        &[ProblemKind::Edited, ProblemKind::TailCut],
    ),
    (
        "swap two",
        "UPDATE tenantry_audit SET seq = 100 WHERE account = 'acme' AND seq = 3; \
        UPDATE tenantry_audit SET seq = 3 WHERE account = 'acme' AND seq = 4; \
        UPDATE tenantry_audit SET seq = 4 WHERE account = 'acme' AND seq = 100",
        &[ProblemKind::Edited],
    ),
    (
        "put one in",
        "UPDATE tenantry_audit SET seq = -seq WHERE account = 'acme' AND seq > 9; \
        UPDATE tenantry_audit SET seq = -seq + 1 WHERE account = 'acme' AND seq < 0; \
        INSERT INTO tenantry_audit SELECT account, 10, id, phase, start_seq, time_micros, workspace, user_id, client, delegate, tool, model, request_digest, inputs, decision, code, reasons, scopes, row_count, row_keys, rows_before, rows_after, duration_micros, error, policy_version, hash FROM tenantry_audit WHERE account = 'acme' AND seq = 9",
        &[ProblemKind::Edited, ProblemKind::BeyondHead],
    ),
    (
        "put one at the end",
        "INSERT INTO tenantry_audit SELECT account, 21, id, phase, start_seq, time_micros, workspace, user_id, client, delegate, tool, model, request_digest, inputs, decision, code, reasons, scopes, row_count, row_keys, rows_before, rows_after, duration_micros, error, policy_version, hash FROM tenantry_audit WHERE account = 'acme' AND seq = 20",
        &[ProblemKind::Edited, ProblemKind::BeyondHead],
    ),
    (
        "move to another account",
        "UPDATE tenantry_audit SET account = 'globex', seq = 21 WHERE account = 'acme' AND seq = 20",
        &[ProblemKind::Edited, ProblemKind::TailCut, ProblemKind::BeyondHead],
    ),
    ("cut the tail", "DELETE FROM tenantry_audit WHERE account = 'acme' AND seq > 15", &[ProblemKind::TailCut]),
    ("cut one", "DELETE FROM tenantry_audit WHERE account = 'acme' AND seq = 20", &[ProblemKind::TailCut]),
    (
        "cut the tail and the head",
        "DELETE FROM tenantry_audit WHERE account = 'acme' AND seq > 15; \
        UPDATE tenantry_audit_heads SET seq = 15, hash = (SELECT hash FROM tenantry_audit WHERE account = 'acme' AND seq = 15) WHERE account = 'acme'",
        &[ProblemKind::SealBroken],
    ),
    ("drop a chain", "DELETE FROM tenantry_audit WHERE account = 'acme'", &[ProblemKind::TailCut]),
    (
        "drop a chain and its head",
        "DELETE FROM tenantry_audit WHERE account = 'acme'; DELETE FROM tenantry_audit_heads WHERE account = 'acme'",
        &[ProblemKind::RosterBroken],
    ),
    (
        "drop the last chain and its head",
        "DELETE FROM tenantry_audit WHERE account = 'globex'; DELETE FROM tenantry_audit_heads WHERE account = 'globex'; \
        UPDATE tenantry_audit_roster SET accounts = 1",
        &[ProblemKind::RosterBroken],
    ),
    ("drop everything", "DELETE FROM tenantry_audit; DELETE FROM tenantry_audit_heads", &[ProblemKind::RosterBroken]),
    (
        "drop a head",
        "DELETE FROM tenantry_audit_heads WHERE account = 'acme'",
        &[ProblemKind::HeadMissing, ProblemKind::RosterBroken],
    ),
    (
        "swap heads",
        "UPDATE tenantry_audit_heads SET hash = (SELECT hash FROM tenantry_audit WHERE account = 'globex' AND seq = 20), \
        seal = (SELECT seal FROM tenantry_audit_heads WHERE account = 'globex') WHERE account = 'acme'",
        &[ProblemKind::HeadDiffers, ProblemKind::SealBroken],
    ),
    (
        "rename a chain",
        "UPDATE tenantry_audit SET account = 'zzz' WHERE account = 'acme'; UPDATE tenantry_audit_heads SET account = 'zzz' WHERE account = 'acme'",
        &[ProblemKind::Edited, ProblemKind::SealBroken, ProblemKind::RosterBroken],
    ),
];

const BACK_UP: &str = "CREATE TABLE kept_audit AS SELECT * FROM tenantry_audit; \
    CREATE TABLE kept_heads AS SELECT * FROM tenantry_audit_heads; \
    CREATE TABLE kept_roster AS SELECT * FROM tenantry_audit_roster; \
    CREATE TABLE kept_store AS SELECT * FROM tenantry_store";
const EMPTY: &str = "DELETE FROM tenantry_audit; DELETE FROM tenantry_audit_heads; DELETE FROM tenantry_audit_roster";
const RESTORE: &str = "DELETE FROM tenantry_audit; INSERT INTO tenantry_audit SELECT * FROM kept_audit; \
    DELETE FROM tenantry_audit_heads; INSERT INTO tenantry_audit_heads SELECT * FROM kept_heads; \
    DELETE FROM tenantry_audit_roster; INSERT INTO tenantry_audit_roster SELECT * FROM kept_roster";

#[test]
fn changes_from_outside_are_found() {
    everywhere(|bench| async move {
        let store = bench.open().await;
        fill(&store, "acme", 10).await;
        fill(&store, "globex", 10).await;
        sound(&store).await;
        bench.outside(BACK_UP).await;
        for (name, change, expected) in CHANGES {
            bench.outside(change).await;
            let report = store.verify(None, &[]).await.unwrap();
            let expected: BTreeSet<_> = expected.iter().map(|kind| kind.code()).collect();
            assert_eq!(problems(&report), expected, "{name}: {report:?}");
            bench.outside(RESTORE).await;
            sound(&store).await;
        }
    });
}

#[test]
fn every_column_is_covered() {
    everywhere(|bench| async move {
        let store = bench.open().await;
        fill(&store, "acme", 3).await;
        sound(&store).await;
        bench.outside(BACK_UP).await;
        let texts = "id phase workspace user_id client delegate tool model request_digest inputs decision code reasons \
            scopes row_keys rows_before rows_after error policy_version";
        let numbers = "seq start_seq time_micros row_count duration_micros";
        let changes = texts.split_whitespace().map(|column| format!("{column} = coalesce({column}, '') || 'x'"));
        let changes =
            changes.chain(numbers.split_whitespace().map(|column| format!("{column} = coalesce({column}, 0) + 1000")));
        for change in changes {
            for seq in [1, 4, 6] {
                bench.outside(&format!("UPDATE tenantry_audit SET {change} WHERE seq = {seq}")).await;
                assert!(!store.verify(None, &[]).await.unwrap().is_sound(), "{change} at {seq}");
                assert!(!store.verify(Some("acme"), &[]).await.unwrap().is_sound(), "{change} at {seq}");
                bench.outside(RESTORE).await;
            }
        }
        sound(&store).await;
    });
}

#[test]
fn a_rewritten_chain_is_found_by_its_seal_or_by_a_head_kept_elsewhere() {
    everywhere(|bench| async move {
        let store = bench.open().await;
        let heads = fill(&store, "acme", 5).await;
        sound(&store).await;
        bench.outside(BACK_UP).await;
        bench.keep_journal();

        // Somebody who can write the database, but has not the key, writes the whole chain anew.
        bench.outside(EMPTY).await;
        bench.outside("DELETE FROM tenantry_store").await;
        let forger = bench.open_with(bench.folder.path().join("forged.json"), 99).await.unwrap();
        fill(&forger, "acme", 4).await;
        let mut last = entry("acme", 4);
        last.user = Some("somebody-else".to_owned());
        let receipt = forger.append(last.clone()).await.unwrap();
        forger.append(last.ended(&receipt, Phase::Completed, NOW)).await.unwrap();
        sound(&forger).await;
        drop(forger);
        bench.outside("DELETE FROM tenantry_store; INSERT INTO tenantry_store SELECT * FROM kept_store").await;
        bench.restore_journal();
        let report = store.verify(None, &[]).await.unwrap();
        let expected: BTreeSet<_> = [ProblemKind::SealBroken.code(), ProblemKind::RosterBroken.code()].into();
        assert_eq!(problems(&report), expected);
        // With the genuine heads put back beside the forged entries.
        bench
            .outside(
                "DELETE FROM tenantry_audit_heads; INSERT INTO tenantry_audit_heads SELECT * FROM kept_heads; \
                DELETE FROM tenantry_audit_roster; INSERT INTO tenantry_audit_roster SELECT * FROM kept_roster",
            )
            .await;
        assert_eq!(problems(&store.verify(None, &[]).await.unwrap()), [ProblemKind::HeadDiffers.code()].into());

        // The store as it was before: sound in itself, but not in line with a later head.
        bench.outside(RESTORE).await;
        let later = fill(&store, "acme", 2).await.pop().unwrap();
        assert!(store.verify(None, std::slice::from_ref(&later)).await.unwrap().is_sound());
        bench.outside(RESTORE).await;
        sound(&store).await;
        let report = store.verify(Some("acme"), std::slice::from_ref(&later)).await.unwrap();
        assert_eq!(problems(&report), [ProblemKind::RolledBack.code()].into());
        // Rolled back, and then grown beyond it again.
        store.append(entry("acme", 77)).await.unwrap();
        fill(&store, "acme", 3).await;
        let report = store.verify(None, &[heads[4].clone(), later.clone()]).await.unwrap();
        assert_eq!(problems(&report), [ProblemKind::RolledBack.code()].into());
        assert!(store.verify(None, &heads).await.unwrap().is_sound());
        // A head of a chain that is gone.
        let gone = Head { account: "vanished".to_owned(), ..later };
        assert_eq!(problems(&store.verify(None, &[gone]).await.unwrap()), [ProblemKind::RolledBack.code()].into());
    });
}

#[test]
fn a_changed_head_is_never_sealed_again() {
    everywhere(|bench| async move {
        let store = bench.open().await;
        fill(&store, "acme", 4).await;
        fill(&store, "globex", 4).await;
        sound(&store).await;
        bench
            .outside(
                "DELETE FROM tenantry_audit WHERE account = 'acme' AND seq > 6; UPDATE tenantry_audit_heads SET seq = 6, \
                hash = (SELECT hash FROM tenantry_audit WHERE account = 'acme' AND seq = 6) WHERE account = 'acme'",
            )
            .await;
        let mut tasks = Vec::new();
        for number in 0..20 {
            let (store, account) = (store.clone(), if number % 2 == 0 { "acme" } else { "globex" });
            tasks.push(tokio::spawn(async move { (account, store.append(entry(account, number)).await) }));
        }
        for task in tasks {
            let (account, answer) = task.await.unwrap();
            match account {
                "acme" => assert_eq!(answer.unwrap_err().code(), "STORE_TAMPERED"),
                _ => assert!(answer.is_ok()),
            }
        }
        let report = store.verify(None, &[]).await.unwrap();
        assert_eq!(problems(&report), [ProblemKind::SealBroken.code()].into());
        // A changed roster stops new chains, not old ones.
        bench.outside("UPDATE tenantry_audit_roster SET accounts = 7").await;
        assert_eq!(store.append(entry("new", 1)).await.unwrap_err().code(), "STORE_TAMPERED");
        assert!(store.append(entry("globex", 1)).await.is_ok());
    });
}

#[test]
fn a_thousand_random_changes() {
    everywhere(|bench| async move {
        let store = bench.open().await;
        fill(&store, "acme", 12).await;
        sound(&store).await;
        bench.outside(BACK_UP).await;
        let rounds = if store.backend_name() == "sqlite" { 1000 } else { 100 };
        let mut state = 7_u64;
        let mut random = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        };
        for round in 0..rounds {
            let (a, b) = (1 + random(24), 1 + random(24));
            let b = if a == b { a % 24 + 1 } else { b };
            let change = match random(6) {
                0 => format!("UPDATE tenantry_audit SET inputs = 'x{round}' WHERE seq = {a}"),
                1 => format!("DELETE FROM tenantry_audit WHERE seq = {a}"),
                2 => format!(
                    "UPDATE tenantry_audit SET seq = 1000 WHERE seq = {a}; UPDATE tenantry_audit SET seq = {a} \
                    WHERE seq = {b}; UPDATE tenantry_audit SET seq = {b} WHERE seq = 1000"
                ),
                3 => format!("UPDATE tenantry_audit SET seq = {} WHERE seq = {a}", 24 + b),
                4 => format!("DELETE FROM tenantry_audit WHERE seq >= {a}"),
                _ => format!(
                    "DELETE FROM tenantry_audit WHERE seq > {a}; UPDATE tenantry_audit_heads SET seq = {a} - 1, \
                    hash = (SELECT hash FROM kept_audit WHERE seq = {a})"
                ),
            };
            bench.outside(&change).await;
            assert!(!store.verify(None, &[]).await.unwrap().is_sound(), "round {round}: {change}");
            bench.outside(RESTORE).await;
        }
        sound(&store).await;
    });
}

#[test]
fn an_export_is_verified_without_the_store() {
    everywhere(|bench| async move {
        let store = bench.open().await;
        fill(&store, "globex", 1).await;
        let heads = fill(&store, "acme", 600).await;
        let mut lines = Vec::new();
        let head = store
            .export("acme", &mut |line| {
                lines.push(line.to_owned());
                Ok(())
            })
            .await
            .unwrap()
            .unwrap();
        assert_eq!((lines.len(), &head), (1202, heads.last().unwrap()));
        let nothing = store.export("nobody", &mut |_| panic!("nothing to write")).await.unwrap();
        assert_eq!(nothing, None);

        let text = lines.join("\n");
        let check = |text: &str, expected: Option<Head>| -> Option<ChainReport> {
            let report = verify_export(text.as_bytes(), expected).ok()?;
            (report.problem_count == 0).then_some(report)
        };
        let report = check(&text, None).unwrap();
        assert_eq!((report.entries, report.head.as_ref()), (1200, Some(&head)));
        assert!(check(&text, Some(head.clone())).is_some());
        assert!(check(&text, Some(heads[10].clone())).is_some());
        assert_eq!(store.verify_export(text.as_bytes(), None).unwrap().problem_count, 0);
        let wrong = Head { hash: heads[3].hash, ..heads[10].clone() };
        assert!(check(&text, Some(wrong)).is_none());
        assert!(check(&text, Some(Head { seq: 1201, ..head.clone() })).is_none());
        assert!(check(&text, Some(Head { account: "globex".to_owned(), ..head.clone() })).is_none());

        let without = |place: usize| {
            let mut lines = lines.clone();
            lines.remove(place);
            lines.join("\n")
        };
        for place in [0, 1, 2, 600, 1200, 1201] {
            assert!(check(&without(place), None).is_none(), "without line {place}");
        }
        let mut swapped = lines.clone();
        swapped.swap(5, 6);
        assert!(check(&swapped.join("\n"), None).is_none());
        let mut twice = lines.clone();
        twice.insert(5, lines[5].clone());
        assert!(check(&twice.join("\n"), None).is_none());
        assert!(check(&text.replacen("user1@", "user2@", 1), None).is_none());
        assert!(check(&text.replacen("\"rows\":3,", "\"rows\":4,", 1), None).is_none());
        assert!(check(&[&text, "\n{}"].concat(), None).is_none());
        assert!(check(&text.replacen("\"seq\":3,", "\"seq\":3,\"seq\":3,", 1), None).is_none());
        assert!(check(&text[..text.len() - 100], None).is_none());
        assert!(check("", None).is_none());

        // Forged whole: only the key, or a head written down before, tells.
        let forger = Bench::sqlite();
        let other = forger.open_with(forger.folder.path().join("forged.json"), 5).await.unwrap();
        fill(&other, "acme", 600).await;
        other.append(entry("acme", 1)).await.unwrap();
        let mut forged = String::new();
        let write = &mut |line: &str| {
            forged.push_str(line);
            forged.push('\n');
            Ok(())
        };
        other.export("acme", write).await.unwrap();
        assert!(check(&forged, None).is_some());
        assert_eq!(store.verify_export(forged.as_bytes(), None).unwrap().problems[0].kind, ProblemKind::SealBroken);
        assert!(check(&forged, Some(Head { hash: heads[5].hash, ..head })).is_none());
    });
}

#[test]
fn entries_that_do_not_fit_spoil_nothing() {
    everywhere(|bench| async move {
        let store = bench.open().await;
        let mut tasks = Vec::new();
        for number in 0..30 {
            let store = store.clone();
            tasks.push(tokio::spawn(async move {
                let mut entry = entry("acme", number);
                match number % 3 {
                    0 => entry.id.clear(),
                    1 => entry.inputs = Some("x".repeat(5 * 1024 * 1024)),
                    _ => entry.user = Some("nul\0byte".to_owned()),
                }
                (number % 3, store.append(entry).await)
            }));
        }
        for task in tasks {
            let (kind, answer) = task.await.unwrap();
            assert_eq!(answer.is_ok(), kind == 2);
        }
        assert_eq!(sound(&store).await.entries, 10);
        let listed = store.list(&Filter::of("acme")).await.unwrap();
        assert_eq!(listed[0].entry.user.as_deref(), Some("nul\u{fffd}byte"));
    });
}

#[test]
fn a_store_knows_its_keys() {
    everywhere(|bench| async move {
        let store = bench.open().await;
        let hash = store.secret("hash", 32).unwrap();
        assert_eq!(hash.len(), 32);
        assert_ne!(store.secret("cursor", 32).unwrap(), hash);
        assert_eq!(bench.open().await.secret("hash", 32).unwrap(), hash);
        for wrong in ["", "Hash", "a/b", "a\0"] {
            assert_eq!(store.secret(wrong, 32).unwrap_err().code(), "STORE_INVALID");
        }
        assert_eq!(store.secret("nothing", 0).unwrap_err().code(), "STORE_INVALID");
        drop(store);
        // Lost: a fresh file beside a sealed store.
        let lost = bench.open_with(bench.folder.path().join("absent.json"), 2).await.unwrap_err();
        assert!(matches!(lost, StoreError::Keys { .. }), "{lost:?}");
        // Another store's.
        let other = Bench::sqlite();
        other.open_with(other.key_file(), 3).await.unwrap();
        let foreign = bench.open_with(other.key_file(), 4).await.unwrap_err();
        assert!(matches!(foreign, StoreError::Keys { .. }), "{foreign:?}");
        bench.open().await.append(entry("acme", 1)).await.unwrap();
    });
}

fn requester() -> Principal {
    Principal {
        tenant_id: Some("acme".to_owned()),
        user_id: Some("ada".to_owned()),
        roles: vec!["clerk".to_owned()],
        metadata: [("level".to_owned(), Datum::Int(2))].into(),
        ..Principal::default()
    }
}

fn request(account: &str, id: &str) -> NewApproval {
    NewApproval {
        account: account.to_owned(),
        id: id.to_owned(),
        requester: requester(),
        tool: "delete".to_owned(),
        model: Some("orders".to_owned()),
        content: b"{\"id\": 7,  \"reason\":\"\xff\"}".to_vec(),
        expires_micros: NOW + 1_000_000,
    }
}

#[test]
fn approvals_run_once() {
    everywhere(|bench| async move {
        let store = bench.open().await;
        let created = store.approval_create(request("acme", "a1")).await.unwrap();
        assert_eq!(created.status, ApprovalStatus::Pending);
        assert_eq!(store.approval_get("acme", "a1").await.unwrap().unwrap(), created);
        assert_eq!(created.content, request("acme", "a1").content);
        assert_eq!(created.requester, requester());
        assert_eq!(store.approval_create(request("acme", "a1")).await.unwrap_err().code(), "STORE_INVALID");
        assert_eq!(store.approval_take_for_run("acme", "a1").await.unwrap(), Moved::Not(ApprovalStatus::Pending));

        let both = |approve: bool| {
            let store = store.clone();
            tokio::spawn(async move { store.approval_decide("acme", "a1", "grace", approve).await.unwrap() })
        };
        let decisions: Vec<_> = (0..16).map(|n| both(n % 2 == 0)).collect();
        let mut done = Vec::new();
        for decision in decisions {
            if let Moved::Done(approval) = decision.await.unwrap() {
                done.push(*approval);
            }
        }
        assert_eq!(done.len(), 1);
        assert_eq!(done[0].approver.as_deref(), Some("grace"));

        store.approval_create(request("acme", "a2")).await.unwrap();
        let Moved::Done(approved) = store.approval_decide("acme", "a2", "grace", true).await.unwrap() else { panic!() };
        assert_eq!(approved.status, ApprovalStatus::Approved);
        let other = bench.open().await;
        let takers: Vec<_> = (0..16)
            .map(|n| {
                let store = if n % 2 == 0 { store.clone() } else { other.clone() };
                tokio::spawn(async move { store.approval_take_for_run("acme", "a2").await.unwrap() })
            })
            .collect();
        let mut runs = Vec::new();
        for taker in takers {
            match taker.await.unwrap() {
                Moved::Done(approval) => runs.push(*approval),
                moved => assert_eq!(moved, Moved::Not(ApprovalStatus::Executing)),
            }
        }
        assert_eq!(runs.len(), 1);
        assert_eq!((&runs[0].requester, &runs[0].content), (&requester(), &created.content));
        let Moved::Done(finished) = store.approval_finish("acme", "a2", true, "1 row").await.unwrap() else { panic!() };
        assert_eq!((finished.status, finished.outcome.as_deref()), (ApprovalStatus::Executed, Some("1 row")));
        assert_eq!(store.approval_take_for_run("acme", "a2").await.unwrap(), Moved::Not(ApprovalStatus::Executed));
        assert_eq!(store.approval_get("acme", "a2").await.unwrap().unwrap(), *finished);
    });
}

#[test]
fn approvals_belong_to_their_account_and_lapse() {
    everywhere(|bench| async move {
        let store = bench.open().await;
        for (account, id) in [("acme", "a1"), ("acme", "a2"), ("globex", "a1")] {
            store.approval_create(request(account, id)).await.unwrap();
        }
        assert_eq!(store.approval_get("globex", "a2").await.unwrap(), None);
        assert_eq!(store.approval_decide("globex", "a2", "eve", true).await.unwrap(), Moved::Absent);
        assert_eq!(store.approval_list("acme", None).await.unwrap().len(), 2);
        assert_eq!(store.approval_list("globex", Some(ApprovalStatus::Pending)).await.unwrap().len(), 1);
        assert_eq!(store.approval_list("nobody", None).await.unwrap(), []);
        store.approval_decide("acme", "a1", "grace", true).await.unwrap();
        assert_eq!(store.approval_list("acme", Some(ApprovalStatus::Approved)).await.unwrap().len(), 1);

        bench.clock.0.store(NOW + 1_000_000, Ordering::SeqCst);
        assert_eq!(store.approval_take_for_run("acme", "a1").await.unwrap(), Moved::Not(ApprovalStatus::Expired));
        assert_eq!(
            store.approval_decide("acme", "a2", "grace", true).await.unwrap(),
            Moved::Not(ApprovalStatus::Expired)
        );
        assert_eq!(store.approval_list("acme", Some(ApprovalStatus::Expired)).await.unwrap().len(), 2);
        assert_eq!(store.approval_list("acme", Some(ApprovalStatus::Pending)).await.unwrap(), []);
        assert_eq!(store.approval_create(request("acme", "late")).await.unwrap_err().code(), "STORE_INVALID");
    });
}

#[test]
fn approvals_changed_from_outside_do_not_run() {
    everywhere(|bench| async move {
        let store = bench.open().await;
        let changes = [
            "status = 'approved', approver = 'grace'",
            "content = (SELECT content FROM tenantry_approvals WHERE id = 'other')",
            "content = (SELECT content FROM tenantry_approvals WHERE id = 'other'), \
                content_sha256 = (SELECT content_sha256 FROM tenantry_approvals WHERE id = 'other')",
            "requester = replace(requester, 'ada', 'root')",
            "expires_micros = expires_micros + 1",
            "id = 'renamed'",
            "account = 'globex'",
            "tool = 'nonsense'",
        ];
        let other = NewApproval { content: b"{}".to_vec(), ..request("acme", "other") };
        store.approval_create(other).await.unwrap();
        for change in changes {
            store.approval_create(request("acme", "a1")).await.unwrap();
            bench.outside(&format!("UPDATE tenantry_approvals SET {change} WHERE id = 'a1'")).await;
            for (account, id) in [("acme", "a1"), ("acme", "renamed"), ("globex", "a1")] {
                for moved in [
                    store.approval_decide(account, id, "grace", true).await,
                    store.approval_take_for_run(account, id).await,
                ] {
                    match moved {
                        Ok(Moved::Absent) => {}
                        Err(error) => assert_eq!(error.code(), "STORE_TAMPERED", "{change}"),
                        Ok(moved) => panic!("{change}: {moved:?}"),
                    }
                }
            }
            bench.outside("DELETE FROM tenantry_approvals WHERE id <> 'other'").await;
        }
    });
}
