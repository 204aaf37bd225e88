//! A store, and an engine that applies files to it.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tempfile::TempDir;
use tenantry_file::{Loaded, SourceText, compile, load};
use tenantry_identity::{Caller, Identity, Issuer};
use tenantry_plan::{Applied, Consent, Engine, Event, Flow, Parts, Plan, PlanError, Secrets, Selection, Wish};
use tenantry_policy::{Clock, Entropy, Policy};
use tenantry_store::{Options, Store, StoreUrl};
use zeroize::Zeroizing;

use crate::ambient::{SeededEntropy, TestClock};
use crate::database::Database;
use crate::wire::Wire;

/// What references lead to.
#[derive(Default)]
pub struct Known(pub Mutex<HashMap<String, String>>);

impl Secrets for Known {
    fn secret(&self, reference: &str) -> Result<Zeroizing<String>, String> {
        let known = self.0.lock().unwrap();
        known.get(reference).map(|found| Zeroizing::new(found.clone())).ok_or_else(|| "it is not set".to_owned())
    }
}

pub struct World {
    pub store: Arc<Store>,
    pub identity: Arc<Identity>,
    pub caller: Caller,
    pub secrets: Arc<Known>,
    pub engine: Engine,
    /// The SQLite file, on SQLite.
    pub file: Option<PathBuf>,
    pub database: Option<Database>,
    _folder: TempDir,
}

/// Runs a test over each store: SQLite, and PostgreSQL where the tests are given one.
pub async fn on_each_store(test: impl AsyncFn(&World)) {
    test(&World::sqlite().await).await;
    match Database::postgres().await {
        Some(database) => test(&World::postgres(database).await).await,
        None => eprintln!("skipped on PostgreSQL: TENANTRY_TEST_POSTGRES is not set"),
    }
}

impl World {
    pub async fn sqlite() -> World {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("state/store.db");
        World::open(&format!("sqlite:{}", file.display()), folder, Some(file), None).await
    }

    pub async fn postgres(database: Database) -> World {
        let url = database.store_url();
        World::open(&url, tempfile::tempdir().unwrap(), None, Some(database)).await
    }

    /// With everything that is said to the server heard on the way.
    pub async fn overheard(database: Database) -> (World, Wire) {
        let url = database.store_url();
        let wire = Wire::to(&url).await;
        (World::open(&wire.url(&url), tempfile::tempdir().unwrap(), None, Some(database)).await, wire)
    }

    async fn open(url: &str, folder: TempDir, file: Option<PathBuf>, database: Option<Database>) -> World {
        let clock: Arc<dyn Clock> = Arc::new(TestClock::default());
        let entropy: Arc<dyn Entropy> = Arc::new(SeededEntropy::new(7));
        let options = Options {
            clock: Arc::clone(&clock),
            entropy: Arc::clone(&entropy),
            key_file: Some(folder.path().join("keys.json")),
        };
        let store = Arc::new(Store::open(&StoreUrl::parse(url).unwrap(), options).await.unwrap());
        let issuer = Issuer::open(&store, "https://tenantry.example/", Arc::clone(&clock), Arc::clone(&entropy));
        let issuer = Arc::new(issuer.await.unwrap());
        let identity = Arc::new(Identity::new(Arc::clone(&store), issuer, Arc::clone(&clock), Arc::clone(&entropy)));
        identity.prepare(&["read:users", "create:users", "read:organizations"]).await.unwrap();
        let secrets = Arc::new(Known::default());
        let caller = Caller::operator("req_test");
        let engine = Engine::new(Parts {
            store: Arc::clone(&store),
            identity: Arc::clone(&identity),
            caller: caller.clone(),
            clock,
            entropy,
            secrets: Arc::clone(&secrets) as Arc<dyn Secrets>,
        });
        World { store, identity, caller, secrets, engine, file, database, _folder: folder }
    }

    /// The plan for a file, of identity alone.
    pub async fn plan(&self, text: &str) -> Result<Plan, PlanError> {
        let (loaded, policy) = read(text);
        let catalogs = BTreeMap::new();
        let wish = Wish { loaded: &loaded, policy: &policy, catalogs: &catalogs, sources: &[] };
        Ok(self.engine.plan(&wish, &identity()).await?.plan)
    }

    /// Applies a file, dangers and all.
    pub async fn apply(&self, text: &str) -> Result<Applied, PlanError> {
        let (loaded, policy) = read(text);
        let catalogs = BTreeMap::new();
        let wish = Wish { loaded: &loaded, policy: &policy, catalogs: &catalogs, sources: &[] };
        let consent = Consent { approved: Vec::new(), everything: true };
        self.engine.apply(&wish, &identity(), &consent, None, &mut |_: Event<'_>| Flow::On).await
    }

    /// Removes what a file manages.
    pub async fn destroy(&self, text: &str) -> Result<Applied, PlanError> {
        let (loaded, policy) = read(text);
        let catalogs = BTreeMap::new();
        let wish = Wish { loaded: &loaded, policy: &policy, catalogs: &catalogs, sources: &[] };
        let consent = Consent { approved: Vec::new(), everything: true };
        self.engine.destroy(&wish, &identity(), &consent, &mut |_: Event<'_>| Flow::On).await
    }

    /// Applies a file, after which its plan must be empty.
    pub async fn settle(&self, text: &str) -> Applied {
        let applied = self.apply(text).await.unwrap_or_else(|error| panic!("{error}: {}\n{text}", error.code()));
        let again = self.plan(text).await.unwrap();
        assert_eq!(told(&again), Vec::<String>::new(), "{text}");
        applied
    }
}

fn identity() -> Selection {
    Selection { targets: vec!["identity".to_owned()], addresses: Vec::new() }
}

pub fn read(text: &str) -> (Loaded, Policy) {
    let loaded = load(vec![SourceText::new("tenantry.toml", text)]);
    let loaded = loaded
        .unwrap_or_else(|errors| panic!("{}\n{text}", tenantry_file::render(&errors, tenantry_file::Style::Plain)));
    let compiled = compile(&loaded, &BTreeMap::new().into_iter().collect()).unwrap();
    (loaded, compiled.policy)
}

/// The steps of a plan, each with the fields that it changes.
pub fn told(plan: &Plan) -> Vec<String> {
    plan.steps
        .iter()
        .map(|step| {
            let fields: Vec<&str> = step.changes.iter().map(|change| change.field.as_str()).collect();
            let fields = if step.action == tenantry_plan::Action::Update { fields.join(" ") } else { String::new() };
            format!("{} {} {fields}", step.action.sign(), step.address).trim().to_owned()
        })
        .collect()
}

/// A field of what a plan changes: before and after.
pub fn change(plan: &Plan, address: &str, field: &str) -> (Value, Value) {
    let step = plan.steps.iter().find(|step| step.address.as_str() == address);
    let step = step.unwrap_or_else(|| panic!("no step for {address}: {:?}", told(plan)));
    let found = step.changes.iter().find(|change| change.field == field);
    let found = found.unwrap_or_else(|| panic!("{address} does not change {field}: {:?}", told(plan)));
    (found.before.clone().unwrap_or(Value::Null), found.after.clone().unwrap_or(Value::Null))
}
