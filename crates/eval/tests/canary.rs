//! Canaries see nothing where the law holds, and see it within one round where it does not: the compiled scope taken out of the
//! law in force, and on PostgreSQL row security dropped as well.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    missing_docs,
    unreachable_pub,
    dead_code,
    reason = "a test"
)]

#[path = "../../guard/tests/support/mod.rs"]
mod support;
#[path = "../../guard/tests/isolation/world.rs"]
mod world;

#[path = "attacks/demo.rs"]
mod demo;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use serde_json::{Map, Value, json};
use tenantry_eval::canary::{Flown, NAMES, Round, fly, may_write, principals, with_role};
use tenantry_eval::{AtGuard, Sample};
use tenantry_policy::condition::Cond;
use tenantry_policy::{Bound, Policy, Principal, RuleKind};

use support::Stage;
use support::database::Database;

/// One burglar, one victim, and what is whose.
pub struct Part {
    pub name: &'static str,
    pub attacker: Principal,
    pub colleague: Principal,
    pub victim: Principal,
    pub own: Sample,
    pub foreign: Sample,
}

const SECRET: [u8; 16] = *b"canaries' secret";

/// The law without its scopes: what a fault in the compiler of statements would come to.
fn unscoped(policy: &Policy) -> Policy {
    let mut broken = policy.clone();
    for table in &mut broken.tables {
        for rule in table.rules.iter_mut().filter(|rule| rule.kind == RuleKind::Scope) {
            rule.when = Cond::Const(true);
        }
        table.boundary = [Cond::Const(true), Cond::Const(true), Cond::Const(true), Cond::Const(true)];
    }
    broken
}

async fn round(stage: &Stage, law: &Arc<Policy>, rows: &BTreeMap<String, Map<String, Value>>) -> Flown {
    let pair = principals(law, &SECRET)
        .map(|principal| Arc::new(Bound::new(Arc::clone(law), Arc::new(principal)).expect("the canaries fit the law")));
    let people = NAMES.into_iter().map(str::to_owned).zip(pair.iter().cloned()).collect();
    let door = AtGuard::new(&stage.guard, people);
    let round = Round { policy: law, pair: [&pair[0], &pair[1]], now_micros: 0, rows };
    fly(&door, &round).await.expect("answers")
}

async fn put(stage: &Stage, policy: Policy) {
    let sources = HashMap::from([(Arc::from("main"), stage.source().clone())]);
    stage.guard.replace(Arc::new(policy), sources).await.expect("the law is taken");
}

fn own_row() -> BTreeMap<String, Map<String, Value>> {
    let row = json!({ "title": "canary", "body": "canary", "is_confidential": false });
    BTreeMap::from([("documents".to_owned(), row.as_object().unwrap().clone())])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hit_is_found_within_one_round_on_sqlite() {
    let (stage, _) = demo::set(Database::sqlite()).await;
    let written = BTreeSet::from(["documents".to_owned()]);
    let law = Arc::new(with_role((*stage.policy).clone(), &SECRET, &written));
    put(&stage, (*law).clone()).await;
    for rows in [BTreeMap::new(), own_row()] {
        let flown = round(&stage, &law, &rows).await;
        assert_eq!(flown.hits, [], "nothing is wrong");
        assert!(flown.tables >= 5, "{flown:?}");
        assert_eq!(
            flown.tables + flown.unwatched.len(),
            law.tables.len(),
            "every table is looked at, or said not to be: {flown:?}"
        );
    }
    put(&stage, unscoped(&law)).await;
    let flown = round(&stage, &law, &BTreeMap::new()).await;
    let hit: BTreeSet<&str> = flown.hits.iter().map(|hit| hit.table.as_str()).collect();
    for table in ["customers", "orders", "tickets", "documents"] {
        assert!(hit.contains(table), "{table}: {flown:?}");
    }
    // What a report says holds no value of anybody's row.
    assert!(!format!("{flown:?}").contains("northwind") && !format!("{flown:?}").contains("globex"));
    // And by its own row, where the reading alone is not what is broken.
    let flown = round(&stage, &law, &own_row()).await;
    assert!(flown.hits.iter().any(|hit| hit.table == "documents" && hit.what.contains("canary's row")), "{flown:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_canary_looks_at_is_said() {
    let (stage, _) = demo::set(Database::sqlite()).await;
    let mut law = with_role((*stage.policy).clone(), &SECRET, &BTreeSet::new());
    for table in &mut law.tables {
        match table.name.as_ref() {
            "orders" => table.budget.require_filter = table.key.clone(),
            "tickets" => {
                for rule in &mut table.rules {
                    rule.when = Cond::Const(false);
                }
            }
            _ => {}
        }
    }
    let law = Arc::new(law);
    put(&stage, (*law).clone()).await;
    let flown = round(&stage, &law, &BTreeMap::new()).await;
    let why = |table: &str| {
        flown.unwatched.iter().find(|one| one.table == table).map(|one| one.why.as_str()).unwrap_or_default()
    };
    assert_eq!(why("orders"), "its queries must filter by id", "{flown:?}");
    assert_eq!(why("tickets"), "its rules show a canary nothing, whatever it holds", "{flown:?}");
    assert_eq!(why("customers"), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canarys_row_does_not_stay() {
    let (stage, _) = demo::set(Database::sqlite()).await;
    let written = BTreeSet::from(["documents".to_owned()]);
    let law = Arc::new(with_role((*stage.policy).clone(), &SECRET, &written));
    put(&stage, (*law).clone()).await;
    let path = stage.database.folder().join("data.db");
    let count = || {
        let connection = rusqlite::Connection::open(&path).unwrap();
        connection.query_row("SELECT count(*) FROM documents", [], |row| row.get::<_, i64>(0)).unwrap()
    };
    let before = count();
    let flown = round(&stage, &law, &own_row()).await;
    assert!(flown.calls > 15, "the row was made and tried: {flown:?}");
    assert_eq!(count(), before, "the row is still there");
    // One that a round left when it was cut off is taken away by the next.
    let maker = principals(&law, &SECRET)[0].tenant_id.clone().unwrap();
    let connection = rusqlite::Connection::open(&path).unwrap();
    let sql = "INSERT INTO documents (id, tenant_id, owner_id, title, body, is_confidential, created_at) VALUES (9999, ?1, ?1, 'x', 'x', 0, 0)";
    connection.execute(sql, [&maker]).unwrap();
    drop(connection);
    assert_eq!(round(&stage, &law, &own_row()).await.hits, []);
    assert_eq!(count(), before, "what was left is still there");
    // Where it could not be taken away it is not made.
    for table in ["orders", "customers", "order_lines", "plans", "nothing"] {
        assert!(may_write(&law, table).is_err(), "{table}");
    }
    assert_eq!(may_write(&law, "documents"), Ok(()));
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgres_row_security_holds_alone_and_without_it_the_hit_is_found() {
    let Some(database) = Database::postgres().await else { return };
    let (stage, _) = demo::set(database).await;
    let law = Arc::new(with_role((*stage.policy).clone(), &SECRET, &BTreeSet::new()));
    put(&stage, (*law).clone()).await;
    assert_eq!(round(&stage, &law, &BTreeMap::new()).await.hits, []);
    put(&stage, unscoped(&law)).await;
    assert_eq!(round(&stage, &law, &BTreeMap::new()).await.hits, [], "the second fence holds");
    stage.database.execute("ALTER TABLE customers DISABLE ROW LEVEL SECURITY").await;
    let flown = round(&stage, &law, &BTreeMap::new()).await;
    assert!(flown.hits.iter().any(|hit| hit.table == "customers"), "{flown:?}");
    assert!(!flown.hits.iter().any(|hit| hit.table == "orders"), "{flown:?}");
}
