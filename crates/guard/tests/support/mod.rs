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

use ambient::{RealClock, SeededEntropy, TestClock};
use database::{Database, TableDef};

/// A guard over a fresh database.
pub struct Stage {
    pub guard: Guard,
    pub policy: Arc<Policy>,
    pub store: Arc<Store>,
    pub database: Database,
    pub clock: Arc<TestClock>,
    sources: HashMap<Arc<str>, Source>,
}

impl Stage {
    /// Makes the tables, fills them, applies row security on PostgreSQL, and opens the guard.
    pub async fn new(database: Database, tables: &[TableDef], file: &str) -> Stage {
        database.create(tables).await;
        Stage::over(database, file).await
    }

    /// The same over tables that are there already.
    pub async fn over(database: Database, file: &str) -> Stage {
        // `RUST_LOG=error` shows what lies behind an INTERNAL_ERROR.
        let _ = tracing_subscriber::fmt()
            .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
            .with_test_writer()
            .try_init();
        let clock = Arc::new(TestClock::default());
        let policy = Arc::new(law(&database, file).await);
        database.apply_row_security(&policy).await;
        let source = Source::open("main", &database.runtime_url(), Options::default(), Arc::new(RealClock::start()))
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
        let sources = HashMap::from([(Arc::from("main"), source)]);
        let guard = Guard::new(Parts {
            policy: Arc::clone(&policy),
            sources: sources.clone(),
            store: Arc::clone(&store),
            clock: clock.clone(),
            entropy: Arc::new(SeededEntropy::new(2)),
        })
        .await
        .expect("the guard opens");
        Stage { guard, policy, store, database, clock, sources }
    }

    /// The only source.
    pub fn source(&self) -> &Source {
        self.sources.values().next().expect("a source")
    }

    /// Puts another file in force, as `apply` and a reload do.
    pub async fn replace(&mut self, file: &str) {
        self.policy = Arc::new(law(&self.database, file).await);
        self.database.apply_row_security(&self.policy).await;
        self.guard.replace(Arc::clone(&self.policy), self.sources.clone()).await.expect("the policy is accepted");
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

/// The file compiled against the database's own catalog.
async fn law(database: &Database, file: &str) -> Policy {
    let file = format!("[source.main]\nurl = \"env:TEST_URL\"\n{file}");
    let texts = vec![SourceText { name: "tenantry.toml".to_owned(), text: file }];
    let loaded = load(texts).unwrap_or_else(|found| panic!("the file does not load: {}", list(&found)));
    let catalog = tenantry_source::read_catalog(&database.owner_url()).await.expect("a catalog");
    let catalogs = BTreeMap::from([("main".to_owned(), catalog)]);
    let compiled =
        compile(&loaded, &catalogs).unwrap_or_else(|found| panic!("the file does not compile: {}", list(&found)));
    compiled.policy
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
