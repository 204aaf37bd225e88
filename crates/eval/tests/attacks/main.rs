//! Every attack that two policies suggest, made at the guard on both databases: the demo's policy and
//! that of the isolation tests. Nothing foreign may stand in any answer, and no row may change.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::unreachable,
    clippy::print_stderr,
    missing_docs,
    unreachable_pub,
    dead_code,
    reason = "a test"
)]

#[path = "../../../guard/tests/support/mod.rs"]
mod support;
#[path = "../../../guard/tests/isolation/world.rs"]
mod world;

mod demo;
mod isolation;

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::future::join_all;
use tenantry_eval::{AtGuard, Attacker, Cast, FAMILIES, Sample, attacks, run};
use tenantry_policy::Principal;

use support::Stage;
use support::database::Database;

/// Attacks under way at once.
const AT_ONCE: usize = 8;

/// One burglar, one victim, and what is whose.
pub struct Part {
    pub name: &'static str,
    pub attacker: Principal,
    pub colleague: Principal,
    pub victim: Principal,
    pub own: Sample,
    pub foreign: Sample,
}

/// All rows of all tables, read past every fence.
enum Eyes {
    Sqlite(rusqlite::Connection),
    Postgres(tokio_postgres::Client),
}

impl Eyes {
    async fn of(database: &Database) -> Eyes {
        match database {
            Database::Sqlite { folder } => {
                Eyes::Sqlite(rusqlite::Connection::open(folder.path().join("data.db")).expect("opens"))
            }
            Database::Postgres { .. } => Eyes::Postgres(database.client().await),
        }
    }

    async fn see(&self, tables: &[&str]) -> Vec<Vec<String>> {
        let mut seen = Vec::new();
        for table in tables {
            let mut rows: Vec<String> = match self {
                Eyes::Sqlite(connection) => {
                    let mut statement = connection.prepare(&format!("SELECT * FROM \"{table}\"")).expect("prepares");
                    let columns = statement.column_count();
                    let read = statement.query_map([], |row| {
                        let cells = (0..columns).map(|at| Ok(format!("{:?}", row.get_ref(at)?)));
                        cells.collect::<rusqlite::Result<Vec<_>>>().map(|cells| cells.join("|"))
                    });
                    read.expect("reads").collect::<Result<_, _>>().expect("rows")
                }
                Eyes::Postgres(client) => client
                    .query(&format!("SELECT t::text FROM \"{table}\" t"), &[])
                    .await
                    .expect("reads")
                    .iter()
                    .map(|row| row.get(0))
                    .collect(),
            };
            rows.sort();
            seen.push(rows);
        }
        seen
    }
}

/// Makes every attack of every part.
async fn burgle(stage: &Stage, parts: &[Part]) {
    let eyes = Eyes::of(&stage.database).await;
    let tables: Vec<&str> = stage.policy.tables.iter().map(|table| table.db_name.as_ref()).collect();
    let before = eyes.see(&tables).await;
    let mut broken = Vec::new();
    for part in parts {
        let bind = |principal: &Principal| stage.bind(principal.clone()).expect("binds");
        let cast = Cast {
            attacker: bind(&part.attacker),
            colleague: bind(&part.colleague),
            victim: bind(&part.victim),
            bare: Some(bind(&Principal {
                tenant_id: part.attacker.tenant_id.clone(),
                roles: part.attacker.roles.clone(),
                ..Principal::default()
            })),
            own: part.own.clone(),
            foreign: part.foreign.clone(),
            now_micros: None,
        };
        let door = AtGuard::new(&stage.guard, cast.people());
        let attacker = Attacker { bound: &cast.attacker, own: &cast.own, bare: cast.bare.as_deref() };
        let list = attacks(&stage.policy, &cast.foreign, &attacker);
        assert_eq!(list, attacks(&stage.policy, &cast.foreign, &attacker), "the same each time");
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        let mut families: BTreeMap<&str, usize> = BTreeMap::new();
        for attack in &list {
            *families.entry(attack.family).or_default() += 1;
            for invariant in &attack.invariants {
                *counts.entry(invariant.name()).or_default() += 1;
            }
        }
        // Some at once: none may change anything, so none can disturb another.
        for some in list.chunks(AT_ONCE) {
            let verdicts = join_all(some.iter().map(|attack| run(&door, &cast, attack))).await;
            let verdicts = verdicts.into_iter().map(|verdict| verdict.expect("an answer"));
            for (attack, verdict) in some.iter().zip(verdicts).filter(|(_, verdict)| !verdict.held()) {
                broken.push(format!("{}: {}: {:#?}\n  {:?}", part.name, verdict.attack, verdict.broken, attack.steps));
            }
            let reads = ["query", "get", "aggregate", "describe_schema"];
            let writes = some.iter().flat_map(|attack| &attack.steps).any(|step| !reads.contains(&step.tool.as_str()));
            if writes && eyes.see(&tables).await != before {
                panic!("{}: rows have changed by one of {some:#?}", part.name);
            }
        }
        eprintln!("{}: {} attacks {counts:?} {families:?}", part.name, list.len());
        assert!(families.keys().all(|family| FAMILIES.contains(family)), "{families:?}");
    }
    assert!(eyes.see(&tables).await == before, "rows have changed by reading");
    assert!(broken.is_empty(), "{} attacks came through:\n{}", broken.len(), broken.join("\n"));
}

async fn database(kind: &str) -> Option<Database> {
    match kind {
        "sqlite" => Some(Database::sqlite()),
        _ => Database::postgres().await,
    }
}

async fn attack_the_demo(kind: &str) {
    let Some(database) = database(kind).await else { return };
    let (stage, parts) = demo::set(database).await;
    burgle(&stage, &parts).await;
}

async fn attack_the_world(kind: &str) {
    let Some(database) = database(kind).await else { return };
    let (stage, parts) = isolation::set(database).await;
    burgle(&stage, &parts).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attacks_on_the_demo_sqlite() {
    attack_the_demo("sqlite").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attacks_on_the_demo_postgres() {
    attack_the_demo("postgres").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attacks_on_the_world_sqlite() {
    attack_the_world("sqlite").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attacks_on_the_world_postgres() {
    attack_the_world("postgres").await;
}

/// The judge can say no: with a victim's row for the attacker's own, every kind of invariant breaks.
#[tokio::test(flavor = "multi_thread")]
async fn the_judge_finds_what_is_planted() {
    let (stage, mut parts) = isolation::set(Database::sqlite()).await;
    let part = &mut parts[0];
    let victim = Arc::clone(&stage.bind(part.victim.clone()).expect("binds"));
    // The "attacker" is the victim itself, so that it sees, changes and finds all that it should not.
    let cast = Cast {
        attacker: Arc::clone(&victim),
        colleague: Arc::clone(&victim),
        victim,
        bare: None,
        own: part.own.clone(),
        foreign: part.foreign.clone(),
        now_micros: None,
    };
    let list = attacks(
        &stage.policy,
        &cast.foreign,
        &Attacker { bound: &cast.attacker, own: &cast.own, bare: cast.bare.as_deref() },
    );
    let mut found: BTreeMap<String, usize> = BTreeMap::new();
    let door = AtGuard::new(&stage.guard, cast.people());
    for attack in &list {
        for broken in run(&door, &cast, attack).await.expect("an answer").broken {
            *found.entry(broken.split(':').next().unwrap_or_default().to_owned()).or_default() += 1;
        }
    }
    for kind in ["no foreign row", "same as absent", "refused", "nothing changed", "done"] {
        assert!(found.get(kind).is_some_and(|count| *count > 5), "{kind} never broke: {found:?}");
    }
}
