//! I1: random calls of several accounts against an interpreter over plain rows, on both databases.
//! I4: the same on PostgreSQL with fence one, the rules inside the statement, left out. That needs a
//! build of its own: `cargo test -p tenantry-guard --features without-fence-one --test isolation i4_`.
//!
//! `TENANTRY_I1_CALLS` sets how many calls, `TENANTRY_I1_SEED` the seed; a failure prints it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::unreachable,
    clippy::print_stderr,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::manual_try_fold,
    missing_docs,
    unreachable_pub,
    dead_code,
    reason = "a test"
)]

#[path = "../support/mod.rs"]
mod support;

mod generate;
mod model;
#[cfg(feature = "without-fence-one")]
mod without_fence_one;
mod world;

use std::sync::Arc;

use serde_json::{Value, json};
use tenantry_policy::{Bound, Principal};

use generate::Dice;
use model::{Expect, all_rows, answer};
use support::Stage;
use support::database::{Database, TableDef};
use world::{FILE, PEOPLE, Person, TABLES, World};

/// Is this the build in which row security stands alone?
const BARE: bool = cfg!(feature = "without-fence-one");

/// Calls between two fresh worlds.
const CALLS_PER_WORLD: usize = 400;

fn setting(name: &str, usual: u64) -> u64 {
    #[allow(clippy::disallowed_methods, reason = "how long to run is the runner's choice")]
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

fn tables(world: &World) -> Vec<TableDef> {
    TABLES
        .iter()
        .map(|spec| TableDef {
            name: spec.name.to_owned(),
            columns: spec.columns.iter().map(|(n, k, null)| ((*n).to_owned(), (*k).to_owned(), *null)).collect(),
            key: spec.key.iter().map(|key| (*key).to_owned()).collect(),
            references: spec
                .references
                .iter()
                .map(|(column, other)| ((*column).to_owned(), (*other).to_owned(), "id".to_owned()))
                .collect(),
            unique: Vec::new(),
            defaults: if spec.name == "docs" { vec![("deleted".to_owned(), "false".to_owned())] } else { Vec::new() },
            rows: world.rows(spec.name).iter().map(|row| row.clone().into_iter().collect()).collect(),
        })
        .collect()
}

fn principal(person: &Person) -> Principal {
    let mut principal = Principal {
        tenant_id: person.tenant.map(str::to_owned),
        user_id: Some(person.user.to_owned()),
        roles: person.roles.iter().map(|role| (*role).to_owned()).collect(),
        ..Principal::default()
    };
    if let Some(list) = person.hierarchy {
        principal.metadata.insert("tenant_hierarchy".to_owned(), support::datum(&json!(list)));
    }
    principal
}

/// Takes out what the model does not know: hashes' digits, cursors, and the order of bulk answers.
fn normal(mut body: Value, tool: &str) -> Value {
    fn hashes(value: &mut Value) {
        match value {
            Value::Object(members) => {
                for (name, member) in members.iter_mut() {
                    match member {
                        Value::String(text) if name == "email" => {
                            assert!(text.len() == 32 && text.bytes().all(|b| b.is_ascii_hexdigit()), "a hash: {text}");
                            *member = json!("<hash>");
                        }
                        other => hashes(other),
                    }
                }
            }
            Value::Array(items) => items.iter_mut().for_each(hashes),
            _ => {}
        }
    }
    hashes(&mut body);
    if let Some(members) = body.as_object_mut() {
        members.remove("success");
        members.remove("next_cursor");
    }
    if tool.starts_with("bulk_")
        && let Some(rows) = body["data"].as_array_mut()
    {
        rows.sort_by_key(Value::to_string);
    }
    body
}

/// Equal but for the last bit, which the JSON parser of this test does not always get right.
fn close(a: Option<f64>, b: Option<f64>) -> bool {
    let (Some(a), Some(b)) = (a, b) else { return false };
    (a - b).abs() <= a.abs().max(b.abs()) * 2.0 * f64::EPSILON
}

fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(x), Value::Number(y)) => x == y || ((x.is_f64() || y.is_f64()) && close(x.as_f64(), y.as_f64())),
        (Value::Array(x), Value::Array(y)) => x.len() == y.len() && x.iter().zip(y).all(|(x, y)| same(x, y)),
        (Value::Object(x), Value::Object(y)) => {
            x.len() == y.len() && x.iter().all(|(name, x)| y.get(name).is_some_and(|y| same(x, y)))
        }
        _ => a == b,
    }
}

struct Run {
    stage: Stage,
    people: Vec<(Person, Arc<Bound>)>,
    told: String,
}

impl Run {
    async fn check(&self, world: &mut World, dice: &mut Dice, at: usize) {
        let (person, bound) = &self.people[dice.below(self.people.len())];
        let (tool, args) = dice.call(world);
        let before = world.clone();
        let expect = answer(world, person, tool, &args);
        let got = self.stage.call(bound, tool, &args).await;
        let told = || {
            format!(
                "{}, call {at}: {} asks {tool} {args}\n  got      {got}\n  expected {expect:?}",
                self.told, person.name
            )
        };
        match &expect {
            Expect::Body(body) => {
                assert!(got["success"] == json!(true), "{}", told());
                let (mut mine, theirs) = (body.clone(), normal(got.clone(), tool));
                if tool.starts_with("bulk_")
                    && let Some(rows) = mine["data"].as_array_mut()
                {
                    rows.sort_by_key(Value::to_string);
                }
                assert!(same(&mine, &theirs), "{}", told());
            }
            Expect::Refused(codes) => {
                let code = got["error"]["code"].as_str().unwrap_or("none");
                assert!(got["success"] == json!(false) && codes.contains(&code), "{}", told());
            }
        }
        if tool == "query" && got["has_more"] == json!(true) {
            self.pages(&before, person, bound, &args, &got).await;
        }
    }

    /// Follows the cursor to the end: all pages together are all rows, each once.
    async fn pages(&self, world: &World, person: &Person, bound: &Arc<Bound>, args: &Value, first: &Value) {
        let table = args["model"].as_str().expect("a model");
        let all = all_rows(world, person, table, args);
        let mut rows: Vec<Value> = first["data"].as_array().expect("rows").clone();
        let mut cursor = first["next_cursor"].clone();
        while !cursor.is_null() {
            let mut next = args.clone();
            next["cursor"] = cursor;
            let got = self.stage.call(bound, "query", &next).await;
            assert!(got["success"] == json!(true), "{}: a page: {next} {got}", self.told);
            rows.extend(got["data"].as_array().expect("rows").iter().cloned());
            assert!(rows.len() <= all.len(), "{}: too many rows over all pages: {args}", self.told);
            cursor = got["next_cursor"].clone();
        }
        let rows = normal(json!({ "data": rows }), "query");
        assert!(
            same(&rows["data"], &json!(all)),
            "{}: pages of {args}\n  got      {rows}\n  expected {all:?}",
            self.told
        );
    }
}

async fn run(kind: &str, calls: usize) {
    let seed = setting("TENANTRY_I1_SEED", 20_260_101);
    let worlds = calls.div_ceil(CALLS_PER_WORLD);
    let mut done = 0;
    for number in 0..worlds {
        let seed = seed + u64::try_from(number).expect("few worlds");
        let mut dice = Dice::new(seed);
        let mut world = dice.world();
        world.bare = BARE;
        let database = match kind {
            "sqlite" => Database::sqlite(),
            _ => match Database::postgres().await {
                Some(database) => database,
                None => return,
            },
        };
        let stage = Stage::new(database, &tables(&world), FILE).await;
        let people =
            PEOPLE.iter().map(|person| (person.clone(), stage.bind(principal(person)).expect("binds"))).collect();
        let run = Run { stage, people, told: format!("TENANTRY_I1_SEED={seed} on {kind}") };
        for at in 0..CALLS_PER_WORLD.min(calls - done) {
            run.check(&mut world, &mut dice, at).await;
        }
        done += CALLS_PER_WORLD.min(calls - done);
    }
    eprintln!("{} {kind}: {done} calls, no difference (seed {seed})", if BARE { "I4" } else { "I1" });
}

fn calls() -> usize {
    let usual = if setting("TENANTRY_TEST_LONG", 0) > 0 { 20_000 } else { 10_000 };
    usize::try_from(setting("TENANTRY_I1_CALLS", usual)).expect("a count")
}

#[cfg(not(feature = "without-fence-one"))]
#[tokio::test(flavor = "multi_thread")]
async fn i1_sqlite_answers_as_the_interpreter_does() {
    run("sqlite", calls()).await;
}

#[cfg(not(feature = "without-fence-one"))]
#[tokio::test(flavor = "multi_thread")]
async fn i1_postgres_answers_as_the_interpreter_does() {
    run("postgres", calls()).await;
}
