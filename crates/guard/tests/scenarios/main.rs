//! Every `scenarios/*.toml` on SQLite and on PostgreSQL: the same answers, byte for byte. `scenarios/README.md`
//! says how a scenario is written; `scenarios/COVERAGE.toml` lists what must have one.
//!
//! `TENANTRY_SCENARIO` runs only the files whose name contains it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stderr,
    missing_docs,
    unreachable_pub,
    dead_code,
    reason = "a test"
)]

#[path = "../support/mod.rs"]
mod support;

mod compare;
mod format;
mod raw;
mod run;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use format::Scenario;
use run::Outcome;
use support::database::Database;

/// The rows that `COVERAGE.toml` lists at least. It only grows.
const LEAST_ROWS: usize = 145;

/// Files that run at one time.
const AT_ONCE: usize = 4;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../scenarios")
}

/// Every file by its name, read.
fn scenarios() -> BTreeMap<String, Result<Scenario, String>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder()).expect("the folder is there") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        if name.ends_with(".toml") && name != "COVERAGE.toml" {
            let text = std::fs::read_to_string(&path).expect("a file");
            found.insert(name, Scenario::read(&text));
        }
    }
    found
}

fn wanted(name: &str) -> bool {
    #[allow(clippy::disallowed_methods, reason = "which files to run is the runner's choice")]
    std::env::var("TENANTRY_SCENARIO").map_or(true, |part| name.contains(&part))
}

/// Runs every file on a kind of database; the transcripts, and what failed.
async fn run_all(postgres: bool) -> (BTreeMap<String, Vec<String>>, Vec<String>) {
    let mut failures = Vec::new();
    let mut transcripts = BTreeMap::new();
    let mut running: JoinSet<(String, Result<Outcome, String>)> = JoinSet::new();
    let places = Arc::new(Semaphore::new(AT_ONCE));
    for (name, scenario) in scenarios().into_iter().filter(|(name, _)| wanted(name)) {
        let scenario = match scenario {
            Ok(scenario) => scenario,
            Err(problem) => {
                failures.push(format!("{name}: {problem}"));
                continue;
            }
        };
        let places = Arc::clone(&places);
        running.spawn(async move {
            let _place = places.acquire_owned().await.expect("open");
            let database = if postgres { Database::postgres().await.expect("a cluster") } else { Database::sqlite() };
            // A task of its own, so that a panic on the stage fails this file only.
            let outcome = tokio::spawn(async move { run::run(&scenario, database).await }).await;
            (name, outcome.map_err(panicked))
        });
    }
    while let Some(done) = running.join_next().await {
        let (name, outcome) = done.expect("the runner itself holds");
        match outcome {
            Ok(outcome) => {
                failures.extend(outcome.failures.iter().map(|failure| format!("{name}: {failure}")));
                transcripts.insert(name, outcome.transcript);
            }
            Err(problem) => failures.push(format!("{name}: {problem}")),
        }
    }
    failures.sort();
    (transcripts, failures)
}

fn panicked(error: tokio::task::JoinError) -> String {
    let Ok(reason) = error.try_into_panic() else { return "cancelled".to_owned() };
    match (reason.downcast_ref::<String>(), reason.downcast_ref::<&str>()) {
        (Some(text), _) => text.clone(),
        (_, Some(text)) => (*text).to_owned(),
        _ => "panicked".to_owned(),
    }
}

fn report(kind: &str, count: usize, failures: &[String]) {
    assert!(
        failures.is_empty(),
        "{} failures in {count} scenarios on {kind}:\n\n{}",
        failures.len(),
        failures.join("\n\n")
    );
    eprintln!("{count} scenarios on {kind}, all as expected");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_scenario_holds_on_sqlite() {
    let (transcripts, failures) = run_all(false).await;
    report("SQLite", transcripts.len(), &failures);
}

/// Also compares every answer with SQLite's.
#[tokio::test(flavor = "multi_thread")]
async fn every_scenario_holds_on_postgres_and_answers_as_on_sqlite() {
    if Database::postgres().await.is_none() {
        return;
    }
    let (transcripts, mut failures) = run_all(true).await;
    let (theirs, _) = run_all(false).await;
    for (name, answers) in &transcripts {
        let Some(others) = theirs.get(name) else { continue };
        for (answer, other) in answers.iter().zip(others) {
            if answer != other {
                failures.push(format!("{name}: the databases differ\n  PostgreSQL {answer}\n  SQLite     {other}"));
            }
        }
    }
    report("PostgreSQL", transcripts.len(), &failures);
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Coverage {
    /// Part of the specification to its rows.
    rows: BTreeMap<String, Vec<String>>,
}

#[test]
fn every_row_of_the_specification_has_a_scenario() {
    let text = std::fs::read_to_string(folder().join("COVERAGE.toml")).expect("the list is there");
    let coverage: Coverage = toml_edit::de::from_str(&text).expect("the list reads");
    let mut listed = BTreeSet::new();
    for (part, rows) in &coverage.rows {
        for row in rows {
            assert!(listed.insert(format!("{part}: {row}")), "`{part}: {row}` stands twice");
        }
    }
    assert!(listed.len() >= LEAST_ROWS, "the list has {} rows; it only grows from {LEAST_ROWS}", listed.len());
    let mut covered = BTreeSet::new();
    let mut wrong = Vec::new();
    for (name, scenario) in scenarios() {
        match scenario {
            Err(problem) => wrong.push(format!("{name}: {problem}")),
            Ok(scenario) => {
                for key in scenario.covers {
                    if !listed.contains(&key) {
                        wrong.push(format!("{name} covers `{key}`, which the list does not have"));
                    }
                    covered.insert(key);
                }
            }
        }
    }
    wrong.extend(listed.difference(&covered).map(|row| format!("no scenario covers `{row}`")));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
