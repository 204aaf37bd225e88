//! The forms of a condition agree: evaluator, SQLite, PostgreSQL without row security,
//! PostgreSQL's row security alone, and the proof's encoding (all three truths of it). A case is one condition, one principal and one row.
//!
//! `TENANTRY_AGREEMENT_CASES` sets how many (20,000), `TENANTRY_AGREEMENT_SEED` the seed.
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

#[path = "../support/mod.rs"]
mod support;

mod generate;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Map, Value as Json};
use tenantry_file::{SourceText, compile, load};
use tenantry_policy::catalog::Catalog;
use tenantry_policy::condition::{ColumnRef, RowView, Truth, eval};
use tenantry_policy::redact::HashKey;
use tenantry_policy::request::{Act, AskRead};
use tenantry_policy::value::{parse_decimal, parse_timestamp};
use tenantry_policy::{Bound, Context, Policy, Principal, Request, RuleKind, Table, Tool, Type, Value, decide};
use tenantry_source::{Options, Redactor, Source};

use generate::Dice;
use support::database::{Database, TableDef};

/// Conditions over one set of rows.
const CONDITIONS_PER_WORLD: usize = 150;
/// Principals that each condition is tried with.
const PRINCIPALS: usize = 3;

fn setting(name: &str, usual: u64) -> u64 {
    #[allow(clippy::disallowed_methods, reason = "how long to run is the runner's choice")]
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

fn columns(specs: &[(&str, &str, bool)]) -> Vec<(String, String, bool)> {
    specs.iter().map(|(name, kind, null)| ((*name).to_owned(), (*kind).to_owned(), *null)).collect()
}

fn tables(rows: &[Map<String, Json>], related: &[Map<String, Json>]) -> Vec<TableDef> {
    let t = TableDef {
        name: "t".to_owned(),
        columns: columns(&[
            ("id", "int", false),
            ("tenant_id", "text", false),
            ("i", "int", true),
            ("n", "int", false),
            ("s", "text", true),
            ("b", "bool", true),
            ("d", "decimal", true),
            ("ts", "timestamp", true),
            ("u", "uuid", true),
            ("r_id", "int", true),
        ]),
        key: vec!["id".to_owned()],
        references: vec![("r_id".to_owned(), "r".to_owned(), "id".to_owned())],
        rows: rows.to_vec(),
        ..TableDef::default()
    };
    let r = TableDef {
        name: "r".to_owned(),
        columns: columns(&[("id", "int", false), ("name", "text", true), ("k", "int", true), ("open", "bool", true)]),
        key: vec!["id".to_owned()],
        rows: related.to_vec(),
        ..TableDef::default()
    };
    // The same rows again, never under row security: there the compiled predicate stands alone.
    let bare_r = TableDef { name: "bare_r".to_owned(), ..r.clone() };
    let bare = TableDef {
        name: "bare".to_owned(),
        references: vec![("r_id".to_owned(), "bare_r".to_owned(), "id".to_owned())],
        ..t.clone()
    };
    vec![r, t, bare_r, bare]
}

/// A file whose table is visible exactly where the condition is TRUE: the scope fits nobody.
fn file(condition: &str, table: &str, related: &str) -> String {
    format!(
        "[source.main]\nurl = \"env:TEST_URL\"\n[role.reader]\ntools = [\"t.query\"]\n\
         [table.t]\nsource = \"main.{table}\"\nscope = {{ tenant_id = \"principal.tenant_id\" }}\nfields = {{ id = \"allow\" }}\n\
         relations = {{ hop = {{ table = \"r\", key = \"r_id\" }} }}\n[table.t.bypass.case]\nwhen = {}\n\
         [table.r]\nsource = \"main.{related}\"\nshared = \"open = TRUE\"\nfields = {{ id = \"allow\" }}\n",
        Json::from(condition)
    )
}

fn policy(condition: &str, table: &str, related: &str, catalog: &Catalog) -> Result<Arc<Policy>, String> {
    let text = file(condition, table, related);
    let told = |found: Vec<tenantry_file::Diagnostic>| format!("{found:?}");
    let loaded = load(vec![SourceText::new("tenantry.toml", text)]).map_err(told)?;
    let catalogs = BTreeMap::from([("main".to_owned(), catalog.clone())]);
    compile(&loaded, &catalogs).map(|compiled| Arc::new(compiled.policy)).map_err(told)
}

/// A row with the row that its relation leads to, as the evaluator sees them.
struct Seen {
    own: Vec<Option<Value>>,
    hop: Option<Vec<Option<Value>>>,
}

impl RowView for Seen {
    fn value(&self, column: ColumnRef) -> Option<&Value> {
        match column {
            ColumnRef::Own(id) => self.own.get(id.index())?.as_ref(),
            ColumnRef::Hop(_, id) => self.hop.as_ref()?.get(id.index())?.as_ref(),
        }
    }
}

fn values(table: &Table, row: &Map<String, Json>) -> Vec<Option<Value>> {
    table
        .columns
        .iter()
        .map(|column| {
            let json = &row[&column.facts.name];
            let text = || json.as_str().expect("a text");
            Some(match (column.facts.ty.expect("a governed type"), json) {
                (_, Json::Null) => return None,
                (Type::Int, json) => Value::Int(json.as_i64().expect("an integer")),
                (Type::Bool, json) => Value::Bool(json.as_bool().expect("a bool")),
                (Type::Text, _) => Value::text(text()),
                (Type::Decimal, _) => Value::Decimal(parse_decimal(text()).expect("a decimal")),
                (Type::Timestamp, _) => Value::Timestamp(parse_timestamp(text()).expect("a timestamp")),
                (Type::Uuid, _) => Value::Uuid(text().parse().expect("a uuid")),
                (other, _) => panic!("{other} is not used here"),
            })
        })
        .collect()
}

fn context(policy: &Arc<Policy>, principal: &Arc<Principal>) -> Context {
    let bound = Bound::new(Arc::clone(policy), Arc::clone(principal)).expect("the principal binds");
    Context { bound: Arc::new(bound), now_micros: 0, request_id: Arc::from("req") }
}

/// The ids that the evaluator lets through.
fn evaluated(context: &Context, rows: &[Map<String, Json>], related: &[Map<String, Json>]) -> BTreeSet<i64> {
    let policy = &context.bound.policy;
    let (t, r) = (policy.find("t").expect("t"), policy.find("r").expect("r"));
    let rule = t.rules.iter().find(|rule| rule.kind == RuleKind::Bypass).expect("the case's rule");
    rows.iter()
        .filter(|row| {
            let hop = related
                .iter()
                .find(|candidate| candidate["id"] == row["r_id"] && candidate["open"] == true)
                .map(|related| values(r, related));
            eval(&rule.when, &Seen { own: values(t, row), hop }, context).is_true()
        })
        .map(|row| row["id"].as_i64().expect("an id"))
        .collect()
}

/// The evaluator's word and the encoding's on every row: each is TRUE, FALSE or UNKNOWN.
fn truths(context: &Context, rows: &[Map<String, Json>], related: &[Map<String, Json>]) -> [Vec<Truth>; 2] {
    let policy = &context.bound.policy;
    let (t, r) = (policy.find("t").expect("t"), policy.find("r").expect("r"));
    let at = t.rules.iter().position(|rule| rule.kind == RuleKind::Bypass).expect("the case's rule");
    let (hop, _) = t.find_relation("hop").expect("the relation");
    let mut evaluated = Vec::new();
    let mut given = Vec::new();
    for row in rows {
        let other = related.iter().find(|candidate| candidate["id"] == row["r_id"]);
        let shown = other.filter(|candidate| candidate["open"] == true).map(|related| values(r, related));
        evaluated.push(eval(&t.rules[at].when, &Seen { own: values(t, row), hop: shown }, context));
        given.push(tenantry_proof::Given {
            own: values(t, row),
            related: other.map(|other| (hop, values(r, other))).into_iter().collect(),
        });
    }
    let encoded = tenantry_proof::truths(policy, t, at, context, &given).expect("the encoding holds the rows");
    [evaluated, encoded]
}

/// The ids that a database answers to the compiled statement; none when the rules alone say no.
async fn compiled(context: &Context, source: &Source) -> BTreeSet<i64> {
    let request = Request {
        tool: Tool::Query,
        model: "t".to_owned(),
        act: Act::Query(AskRead { take: Some(50), ..AskRead::default() }),
        reason: None,
        dry_run: false,
    };
    let Ok(allowed) = decide(context, request) else { return BTreeSet::new() };
    let program = tenantry_sql::render(&allowed).expect("renders");
    let sql = format!("{:?}", program.steps);
    let redactor = Redactor { hash: HashKey::derive(b"", "") };
    let answer = source.run(program, redactor).await.unwrap_or_else(|error| panic!("{error}: {sql}"));
    let rows: Vec<Json> = serde_json::from_slice(&answer.rows).expect("rows");
    rows.iter().map(|row| row["id"].as_i64().expect("an id")).collect()
}

/// The ids that row security alone lets through.
async fn fenced(context: &Context, runtime: &tokio_postgres::Client) -> BTreeSet<i64> {
    let mut script = "BEGIN READ ONLY;".to_owned();
    for (name, value) in tenantry_sql::settings(context) {
        script.push_str(&format!("SELECT set_config('{name}', '{}', true);", value.replace('\'', "''")));
    }
    runtime.batch_execute(&script).await.expect("settings");
    let rows = runtime.query("SELECT id FROM public.t", &[]).await.expect("row security answers");
    runtime.batch_execute("COMMIT").await.expect("ends");
    rows.iter().map(|row| row.get::<_, i64>(0)).collect()
}

struct World {
    rows: Vec<Map<String, Json>>,
    related: Vec<Map<String, Json>>,
    sqlite: (Database, Source, Catalog),
    postgres: Option<(Database, Source, Catalog, tokio_postgres::Client)>,
}

impl World {
    async fn new(dice: &mut Dice) -> World {
        let (rows, related) = dice.rows();
        let clock = Arc::new(support::ambient::TestClock::default());
        let database = Database::sqlite();
        database.create(&tables(&rows, &related)).await;
        let catalog = tenantry_source::read_catalog(&database.owner_url()).await.expect("a catalog");
        let source =
            Source::open("main", &database.runtime_url(), Options::default(), clock.clone()).await.expect("opens");
        let sqlite = (database, source, catalog);
        let postgres = match Database::postgres().await {
            None => None,
            Some(database) => {
                database.create(&tables(&rows, &related)).await;
                let catalog = tenantry_source::read_catalog(&database.owner_url()).await.expect("a catalog");
                let Database::Postgres { name, .. } = &database else { panic!("PostgreSQL") };
                database
                    .execute(&format!(
                        "GRANT SELECT ON bare, bare_r TO {name}_runtime; GRANT USAGE ON SCHEMA public TO {name}_runtime"
                    ))
                    .await;
                let source =
                    Source::open("main", &database.runtime_url(), Options::default(), clock).await.expect("opens");
                let runtime = database.runtime_client().await;
                Some((database, source, catalog, runtime))
            }
        };
        World { rows, related, sqlite, postgres }
    }

    async fn check(&self, dice: &mut Dice, told: &str) -> usize {
        let condition = dice.condition(0);
        let on_sqlite = match policy(&condition, "t", "r", &self.sqlite.2) {
            Ok(policy) => policy,
            // A condition that is constant, or whose attributes have no type, is refused: no case.
            Err(_) => return 0,
        };
        let fences = match &self.postgres {
            None => None,
            Some((database, _, catalog, _)) => {
                let fenced = policy(&condition, "t", "r", catalog).expect("compiles on one, compiles on the other");
                database.apply_row_security(&fenced).await;
                Some((fenced, policy(&condition, "bare", "bare_r", catalog).expect("compiles")))
            }
        };
        let mut cases = 0;
        for _ in 0..PRINCIPALS {
            let metadata = dice.metadata();
            let principal = Arc::new(Principal {
                tenant_id: Some("nobody at all".to_owned()),
                user_id: Some("u".to_owned()),
                roles: vec!["reader".to_owned()],
                metadata: metadata.iter().map(|(name, value)| (name.clone(), support::datum(value))).collect(),
                ..Principal::default()
            });
            let asked = context(&on_sqlite, &principal);
            let expected = evaluated(&asked, &self.rows, &self.related);
            let differs = |form: &str, got: &BTreeSet<i64>| {
                assert_eq!(
                    got, &expected,
                    "{told}: {form} differs from the evaluator\n  condition {condition}\n  metadata  {metadata:?}\n  rows      {:?}\n  related   {:?}",
                    self.rows, self.related
                );
            };
            let [evaluated, encoded] = truths(&asked, &self.rows, &self.related);
            assert_eq!(
                encoded, evaluated,
                "{told}: the proof's encoding differs from the evaluator\n  condition {condition}\n  metadata  {metadata:?}\n  rows      {:?}\n  related   {:?}",
                self.rows, self.related
            );
            differs("SQLite", &compiled(&asked, &self.sqlite.1).await);
            if let (Some((fenced_policy, bare)), Some((_, source, _, runtime))) = (&fences, &self.postgres) {
                differs("PostgreSQL", &compiled(&context(bare, &principal), source).await);
                let asked = context(fenced_policy, &principal);
                differs("row security", &fenced(&asked, runtime).await);
            }
            cases += self.rows.len();
        }
        cases
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_forms_of_a_condition_agree() {
    let wanted = usize::try_from(setting("TENANTRY_AGREEMENT_CASES", 20_000)).expect("a count");
    let seed = setting("TENANTRY_AGREEMENT_SEED", 20_260_102);
    let (mut cases, mut world_number, mut refused) = (0, 0, 0_usize);
    while cases < wanted {
        let seed = seed + world_number;
        world_number += 1;
        let mut dice = Dice::new(seed);
        let world = World::new(&mut dice).await;
        for at in 0..CONDITIONS_PER_WORLD {
            if cases >= wanted {
                break;
            }
            let new = world.check(&mut dice, &format!("TENANTRY_AGREEMENT_SEED={seed}, condition {at}")).await;
            refused += usize::from(new == 0);
            cases += new;
        }
    }
    eprintln!("{cases} cases, no difference (seed {seed}; {refused} conditions refused by the compiler)");
    assert!(refused * PRINCIPALS * 14 < cases / 2, "too many conditions are refused to say much");
}
