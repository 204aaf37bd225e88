//! A stage for tests: a database of either kind, made from a description, with a guard over it.

pub mod ambient;
pub mod database;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde_json::Value;
use tenantry_file::{SourceText, compile, load};
use tenantry_guard::{Guard, Parts};
use tenantry_policy::principal::Datum;
use tenantry_policy::{Bound, Policy, Principal};
use tenantry_source::{Options, Source};
use tenantry_store::{Store, StoreUrl};

use ambient::{SeededEntropy, TestClock};
use database::{Database, TableDef};

/// A guard over a fresh database.
pub struct Stage {
    pub guard: Guard,
    pub policy: Arc<Policy>,
    pub store: Arc<Store>,
    pub database: Database,
    pub clock: Arc<TestClock>,
}

/// How PostgreSQL's side of the stage differs from the usual.
#[derive(Clone, Copy, Default)]
pub struct Setup {
    /// Leave the compiled predicate out, so that row security stands alone.
    pub without_fence_one: bool,
}

impl Stage {
    /// Makes the tables, fills them, applies row security on PostgreSQL, and opens the guard.
    pub async fn new(database: Database, tables: &[TableDef], file: &str) -> Stage {
        // `RUST_LOG=error` shows what lies behind an INTERNAL_ERROR.
        let _ = tracing_subscriber::fmt()
            .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
            .with_test_writer()
            .try_init();
        let clock = Arc::new(TestClock::default());
        database.create(tables).await;
        let file = format!("[source.main]\nurl = \"env:TEST_URL\"\n{file}");
        let texts = vec![SourceText { name: "tenantry.toml".to_owned(), text: file }];
        let loaded = load(texts).unwrap_or_else(|found| panic!("the file does not load: {}", list(&found)));
        let catalog = tenantry_source::read_catalog(&database.owner_url()).await.expect("a catalog");
        let catalogs = BTreeMap::from([("main".to_owned(), catalog)]);
        let compiled =
            compile(&loaded, &catalogs).unwrap_or_else(|found| panic!("the file does not compile: {}", list(&found)));
        let policy = Arc::new(compiled.policy);
        database.apply_row_security(&policy).await;
        let source = Source::open("main", &database.runtime_url(), Options::default(), clock.clone())
            .await
            .expect("the source opens");
        let store_url =
            StoreUrl::parse(&format!("sqlite:{}", database.folder().join("store.db").display())).expect("a store url");
        let store = Arc::new(
            Store::open(
                &store_url,
                tenantry_store::Options {
                    clock: clock.clone(),
                    entropy: Arc::new(SeededEntropy::new(1)),
                    key_file: None,
                },
            )
            .await
            .expect("the store opens"),
        );
        let guard = Guard::new(Parts {
            policy: Arc::clone(&policy),
            sources: HashMap::from([(Arc::from("main"), source)]),
            store: Arc::clone(&store),
            clock: clock.clone(),
            entropy: Arc::new(SeededEntropy::new(2)),
        })
        .await
        .expect("the guard opens");
        Stage { guard, policy, store, database, clock }
    }

    /// A principal bound to the stage's policy.
    pub fn bind(&self, principal: Principal) -> Result<Arc<Bound>, tenantry_policy::Denied> {
        self.guard.bind(Arc::new(principal)).map(Arc::new)
    }

    /// Calls a tool and reads the answer.
    pub async fn call(&self, bound: &Arc<Bound>, tool: &str, args: &Value) -> Value {
        let reply = self.guard.call(bound, tool, args.to_string().as_bytes()).await;
        serde_json::from_slice(&reply.body).expect("the answer is JSON")
    }
}

fn list(found: &[tenantry_file::Diagnostic]) -> String {
    found.iter().map(|diagnostic| format!("\n{diagnostic:?}")).collect()
}

/// A JSON value as a token's metadata holds it.
pub fn datum(value: &Value) -> Datum {
    match value {
        Value::Null => Datum::Null,
        Value::Bool(value) => Datum::Bool(*value),
        Value::Number(number) => number.as_i64().map_or_else(|| Datum::Number(number.to_string()), Datum::Int),
        Value::String(text) => Datum::Text(text.clone()),
        Value::Array(items) => Datum::List(items.iter().map(datum).collect()),
        Value::Object(members) => Datum::Map(members.iter().map(|(key, value)| (key.clone(), datum(value))).collect()),
    }
}
