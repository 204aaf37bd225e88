//! Each kind of attack finds a fault that is put there for it: one that cannot find anything would be a defect.
//! The attacks are derived from the right policy; what answers is broken.
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

#[path = "../../guard/tests/support/mod.rs"]
mod support;
#[path = "../../guard/tests/isolation/world.rs"]
mod world;

#[path = "attacks/demo.rs"]
mod demo;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tenantry_eval::{Answer, AtGuard, Attack, Attacker, Cast, Door, NoAnswer, Sample, attacks, run, timing};
use tenantry_policy::{Clock, Code, Principal};

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

struct Scene {
    stage: Stage,
    cast: Cast,
    attacks: Vec<Attack>,
}

/// The demo, and the attacks of one of its burglars under the right policy.
async fn scene(burglar: &str) -> Scene {
    let (stage, parts) = demo::set(Database::sqlite()).await;
    let part = parts.into_iter().find(|part| part.name == burglar).expect("a burglar");
    let bind = |principal: &Principal| stage.bind(principal.clone()).expect("binds");
    let bare = Principal {
        tenant_id: part.attacker.tenant_id.clone(),
        roles: part.attacker.roles.clone(),
        ..Principal::default()
    };
    let cast = Cast {
        attacker: bind(&part.attacker),
        colleague: bind(&part.colleague),
        victim: bind(&part.victim),
        bare: Some(bind(&bare)),
        own: part.own,
        foreign: part.foreign,
        now_micros: None,
    };
    let attacker = Attacker { bound: &cast.attacker, own: &cast.own, bare: cast.bare.as_deref() };
    let attacks = attacks(&stage.policy, &cast.foreign, &attacker);
    Scene { stage, cast, attacks }
}

impl Scene {
    /// Which kinds of attack find something, and the first thing that each finds. Reads, dry runs and refusals only unless
    /// the fault is about writes.
    async fn found(&self, door: &impl Door, family: &str) -> Vec<String> {
        let mut found = Vec::new();
        for attack in self.attacks.iter().filter(|attack| attack.family == family) {
            let verdict = run(door, &self.cast, attack).await.expect("an answer");
            if !verdict.held() {
                found.push(format!("{}: {}", attack.name, verdict.broken[0]));
            }
        }
        found
    }
}

/// The right file, with a part of it changed.
fn broken(changes: &[(&str, &str)]) -> String {
    let mut file = demo::file(false);
    for (from, to) in changes {
        assert!(file.contains(from), "{from} is not in the file any more");
        file = file.replace(from, to);
    }
    file
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_of_the_law_are_found() {
    // The kind that finds it, what is broken, and how.
    type Case<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)]);
    let cases: [Case<'_>; 8] = [
        (
            "values",
            "an agent",
            &[(
                "[table.documents]\nsource = \"main.documents\"\ndescription = \"Notes and guides\"\ntypes = { is_confidential = \"bool\", created_at = \"timestamp\" }\nscope = { tenant_id = \"principal.tenant_id\" }",
                "[table.documents]\nsource = \"main.documents\"\ntypes = { is_confidential = \"bool\", created_at = \"timestamp\" }\nshared = \"id > 0\"",
            )],
        ),
        (
            "ids",
            "an agent",
            &[(
                "[table.orders.bypass.support]\nwhen = \"'support' IN principal.roles\"",
                "[table.orders.bypass.support]\nwhen = \"'agent' IN principal.roles\"",
            )],
        ),
        (
            "relations",
            "an administrator",
            &[(
                "[table.orders.bypass.support]\nwhen = \"'support' IN principal.roles\"",
                "[table.orders.bypass.support]\nwhen = \"'admin' IN principal.roles\"",
            )],
        ),
        (
            "tenants",
            "an administrator",
            &[(
                "[table.orders.bypass.support]\nwhen = \"'support' IN principal.roles\"",
                "[table.orders.bypass.support]\nwhen = \"'admin' IN principal.roles\"",
            )],
        ),
        ("fields", "an administrator", &[("internal_note = \"deny\"", "internal_note = \"allow\"")]),
        (
            "fields",
            "an administrator",
            &[("phone = \"mask:last4\"", "phone = { mask = \"last4\", filterable = true }")],
        ),
        (
            "readonly",
            "an administrator",
            &[(
                "update = [\"name\", \"phone\", \"plan_id\"]",
                "update = [\"name\", \"phone\", \"plan_id\", \"created_at\"]",
            )],
        ),
        (
            "budgets",
            "an administrator",
            &[(
                "budget = { max_rows = 200, timeout = \"2s\", max_includes = 2 }",
                "budget = { max_rows = 900, timeout = \"2s\", max_includes = 2 }",
            )],
        ),
    ];
    for (family, burglar, changes) in cases {
        let mut scene = scene(burglar).await;
        scene.stage.replace(&broken(changes)).await;
        let door = AtGuard::new(&scene.stage.guard, scene.cast.people());
        let found = scene.found(&door, family).await;
        assert!(!found.is_empty(), "`{family}` does not find {changes:?}");
        eprintln!("{family}: {} found, first {:.200}", found.len(), found[0]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_is_granted_by_mistake_and_one_that_is_not_any_more_are_found() {
    for (family, burglar, changes) in [
        ("models", "an agent", &[("\"plans.get\",\n]", "\"plans.get\",\n    \"customers.aggregate\",\n]")][..]),
        ("controls", "an agent", &[("    \"tickets.update\",\n", "")][..]),
    ] {
        let mut scene = scene(burglar).await;
        scene.stage.replace(&broken(changes)).await;
        let door = AtGuard::new(&scene.stage.guard, scene.cast.people());
        let found = scene.found(&door, family).await;
        assert!(!found.is_empty(), "`{family}` does not find {changes:?}");
    }
}

/// What a careless guard does.
#[derive(Clone, Copy, Debug)]
enum Careless {
    /// Opens cursors whoever they were made for.
    Cursors,
    /// Reads bodies as most parsers do: the last of two keys wins, what follows is ignored.
    Bodies,
    /// Says of a value by whom it is taken.
    Unique,
    /// Fills in what a token lacks.
    Attributes,
    /// Takes one part of an id for all of it.
    Ids,
    /// Does what a field that is not writable says.
    Moves,
    /// Tells the statement.
    Statements,
}

struct Faulty<'a> {
    honest: AtGuard<'a>,
    careless: Careless,
}

fn done(data: &Value) -> Answer {
    let json = json!({ "success": true, "data": data });
    Answer { code: None, status: 0, body: json.to_string().into_bytes(), json }
}

fn refused(code: Code, message: &str) -> Answer {
    let json =
        json!({ "success": false, "error": { "code": code.name(), "message": message, "hints": [], "details": {} } });
    Answer { code: Some(code), status: 0, body: json.to_string().into_bytes(), json }
}

impl Door for Faulty<'_> {
    async fn call(&self, who: &str, tool: &str, body: &[u8]) -> Result<Answer, NoAnswer> {
        let json: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
        match self.careless {
            Careless::Cursors if json.get("cursor").is_some() => {
                for maker in ["attacker", "victim", "colleague"] {
                    let answer = self.honest.call(maker, tool, body).await?;
                    if answer.code.is_none() {
                        return Ok(answer);
                    }
                }
                self.honest.call(who, tool, body).await
            }
            Careless::Bodies => {
                let mut first = serde_json::Deserializer::from_slice(body).into_iter::<Value>();
                let lenient = first.next().and_then(Result::ok);
                let body = lenient.map_or_else(|| body.to_vec(), |value| value.to_string().into_bytes());
                self.honest.call(who, tool, &body).await
            }
            Careless::Unique if tool == "create" => {
                // As the database says it: with the row that is in the way.
                Ok(refused(Code::Conflict, "it is taken by `globex person 0 Zoë`"))
            }
            Careless::Attributes if who == "bare" => self.honest.call("attacker", tool, body).await,
            Careless::Ids if tool == "delete" && json["id"].is_object() => Ok(done(&json!({ "deleted": true }))),
            Careless::Moves if tool == "update" && json["data"].get("tenant_id").is_some() => Ok(done(&json["data"])),
            Careless::Statements => {
                let answer = self.honest.call(who, tool, body).await?;
                Ok(match answer.code {
                    Some(code) => {
                        refused(code, "near \"x\": SELECT t0.\"id\" FROM \"orders\" WHERE tenant_id = 'northwind'")
                    }
                    None => answer,
                })
            }
            _ => self.honest.call(who, tool, body).await,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_of_the_guard_are_found() {
    for (family, burglar, careless) in [
        ("cursors", "an administrator", Careless::Cursors),
        ("bodies", "an administrator", Careless::Bodies),
        ("unique", "an administrator", Careless::Unique),
        ("missing attributes", "an agent", Careless::Attributes),
        ("ids", "an administrator", Careless::Ids),
        ("tenants", "an administrator", Careless::Moves),
        ("models", "an administrator", Careless::Statements),
    ] {
        let scene = scene(burglar).await;
        let honest = AtGuard::new(&scene.stage.guard, scene.cast.people());
        let nothing = scene.found(&honest, family).await;
        assert!(nothing.is_empty(), "{family} finds something in what is right: {nothing:?}");
        let door = Faulty { honest, careless };
        let found = scene.found(&door, family).await;
        assert!(!found.is_empty(), "`{family}` does not find {careless:?}");
        eprintln!("{family}: {} found, first {:.200}", found.len(), found[0]);
    }
}

/// A clock that only moves when it is told to.
#[derive(Default)]
struct Hand(AtomicU64);

impl Clock for Hand {
    fn now_micros(&self) -> i64 {
        0
    }

    fn monotonic(&self) -> Duration {
        Duration::from_micros(self.0.load(Ordering::SeqCst))
    }
}

/// A door that takes longer over rows of one tenant.
struct Slow<'a> {
    honest: AtGuard<'a>,
    clock: &'a Hand,
    slow: Vec<Value>,
    extra: u64,
}

impl Door for Slow<'_> {
    async fn call(&self, who: &str, tool: &str, body: &[u8]) -> Result<Answer, NoAnswer> {
        let json: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
        let extra = if self.slow.contains(&json["id"]) { self.extra } else { 0 };
        self.clock.0.fetch_add(1_000 + extra, Ordering::SeqCst);
        self.honest.call(who, tool, body).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_id_that_takes_longer_is_found_and_noise_is_not() {
    let scene = scene("an agent").await;
    let table = scene.stage.policy.find("orders").expect("orders");
    let slow: Vec<Value> = scene.cast.foreign.rows("orders").iter().map(|row| row["id"].clone()).collect();
    for (extra, found) in [(0, false), (300, false), (5_000, true)] {
        let clock = Hand::default();
        let honest = AtGuard::new(&scene.stage.guard, scene.cast.people());
        let door = Slow { honest, clock: &clock, slow: slow.clone(), extra };
        let verdict = timing(&door, &clock, &scene.cast, table).await.expect("an answer");
        assert_eq!(verdict.is_some(), found, "{extra}: {verdict:?}");
    }
}
