//! Every leak of the policies with known verdicts (`crates/proof/tests/verdicts`) is tried by what tries leaks before
//! they are shown: in SQLite in memory, and some of them in a database of PostgreSQL given for it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::disallowed_methods,
    missing_docs,
    unreachable_pub,
    dead_code,
    reason = "tests"
)]

#[path = "../../proof/tests/verdicts/support.rs"]
mod support;
#[path = "../../proof/tests/verdicts/tables.rs"]
mod tables;

use std::sync::Arc;
use std::time::Duration;

use tenantry_plan::replay::{in_memory, in_scratch};
use tenantry_policy::Clock;
use tenantry_proof::{Outcome, Report, prove};
use tenantry_source::SourceUrl;
use tenantry_source::rehearsal::Scratch;

/// A clock that stands.
struct Still;

impl Clock for Still {
    fn now_micros(&self) -> i64 {
        0
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}

fn replayed(report: &Report) -> Vec<&[String]> {
    let each = report.leaks().filter_map(|one| match &one.outcome {
        Outcome::Leaks(witness) => Some(witness.replayed.as_slice()),
        _ => None,
    });
    each.collect()
}

fn faults(report: &Report) -> Vec<String> {
    report.faults().map(|one| format!("{} {}: {:?}", one.promise.name(), one.table, one.outcome)).collect()
}

#[test]
fn every_leak_happens_in_memory() {
    let (mut count, mut wrong) = (0, Vec::new());
    for case in tables::cases() {
        let policy = support::policy(&case.tables, &case.file).unwrap();
        let mut report = prove(&policy);
        let found = report.leaks().count();
        in_memory(&policy, &mut report.obligations);
        wrong.extend(faults(&report).into_iter().map(|fault| format!("{}: {fault}", case.name)));
        wrong.extend(
            replayed(&report)
                .into_iter()
                .filter(|places| *places != ["evaluator", "SQLite"])
                .map(|places| format!("{}: {places:?}", case.name)),
        );
        assert_eq!(report.leaks().count() + report.faults().count(), found);
        count += report.leaks().count();
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count > 150, "{count}");
    eprintln!("{count} leaks happen in SQLite");
}

#[tokio::test]
async fn leaks_happen_in_a_database_that_is_given_and_nothing_of_it_stays() {
    let Ok(cluster) = std::env::var("TENANTRY_TEST_POSTGRES") else {
        assert!(std::env::var_os("TENANTRY_TEST_WHOLE").is_none(), "no server, in a run that has one");
        eprintln!("skipped: TENANTRY_TEST_POSTGRES is not set");
        return;
    };
    let (client, connection) = tokio_postgres::connect(&cluster, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    let name = format!("replay_{}", std::process::id());
    client.batch_execute(&format!("CREATE DATABASE {name}")).await.unwrap();
    let url = SourceUrl::parse(&format!("{}/{name}", cluster.rsplit_once('/').unwrap().0)).unwrap();
    let scratch = Scratch::open(&url, Arc::new(Still)).await.unwrap();
    let leaking: Vec<tables::Case> = tables::cases().into_iter().filter(|case| !case.leaks.is_empty()).collect();
    let (mut count, mut wrong) = (0, Vec::new());
    for case in leaking.iter().step_by(4) {
        let policy = support::policy(&case.tables, &case.file).unwrap();
        let mut report = prove(&policy);
        in_scratch(&policy, &mut report.obligations, &scratch).await.unwrap();
        wrong.extend(faults(&report).into_iter().map(|fault| format!("{}: {fault}", case.name)));
        count += replayed(&report).iter().filter(|places| **places == ["evaluator", "PostgreSQL"]).count();
    }
    scratch.close().await.unwrap();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count > 20, "{count}");
    let (inside, connection) =
        tokio_postgres::connect(&format!("{}/{name}", cluster.rsplit_once('/').unwrap().0), tokio_postgres::NoTls)
            .await
            .unwrap();
    tokio::spawn(connection);
    let schemas = "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'tenantry_rehearsal_%'";
    assert_eq!(inside.query_one(schemas, &[]).await.unwrap().get::<_, i64>(0), 0);
    drop(inside);
    client.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).await.unwrap();
}
