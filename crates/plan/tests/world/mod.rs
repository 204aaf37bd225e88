//! A store with the operations over it, and a clock that can be told when the process dies.

use std::collections::BTreeMap;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt as _;
use tempfile::TempDir;
use tenantry_file::{Loaded, SourceText};
use tenantry_identity::roles::{Level, NewRole, RoleFilter};
use tenantry_identity::{Caller, Identity, Issuer, Part};
use tenantry_plan::{Applied, Consent, Drift, Engine, Flow, Parts, Plan, PlanError, Saved, Secrets, Selection, Wish};
use tenantry_policy::ambient::NoEntropy;
use tenantry_policy::catalog::Catalog;
use tenantry_policy::{Clock, Entropy, Policy};
use tenantry_store::{Options, Store, StoreUrl};
use zeroize::Zeroizing;

const NOW: i64 = 1_800_000_000_000_000;

/// A clock that stands still, and where the process dies when it was asked so many times.
pub struct TestClock {
    pub now: AtomicI64,
    /// 0: never.
    pub die_in: AtomicUsize,
}

impl Clock for TestClock {
    fn now_micros(&self) -> i64 {
        let left = self.die_in.load(Ordering::SeqCst);
        if left > 0 {
            self.die_in.store(left - 1, Ordering::SeqCst);
            assert!(left > 1, "the process dies here");
        }
        self.now.load(Ordering::SeqCst)
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}

/// Seeded bytes, good enough for a test.
struct TestEntropy(AtomicU64);

impl Entropy for TestEntropy {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoEntropy> {
        for byte in bytes {
            let mut state = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::SeqCst);
            state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            *byte = u8::try_from(state >> 56).unwrap();
        }
        Ok(())
    }
}

/// What references lead to.
#[derive(Default)]
struct Known(Mutex<BTreeMap<String, String>>);

impl Secrets for Known {
    fn secret(&self, reference: &str) -> Result<Zeroizing<String>, String> {
        let known = self.0.lock().unwrap();
        known.get(reference).map(|found| Zeroizing::new(found.clone())).ok_or(format!("{reference} is not there"))
    }
}

pub struct World {
    pub store: Arc<Store>,
    pub clock: Arc<TestClock>,
    entropy: Arc<TestEntropy>,
    identity: Arc<Identity>,
    secrets: Arc<Known>,
    folder: TempDir,
    database: Option<(String, String)>,
}

static NO_RULES: std::sync::LazyLock<(Policy, BTreeMap<String, Catalog>)> = std::sync::LazyLock::new(Default::default);

/// Runs a case on every store there is.
pub fn everywhere(case: impl AsyncFn(&World)) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        for postgres in [false, true] {
            let Some(world) = World::make(postgres).await else { continue };
            case(&world).await;
            world.end().await;
        }
    });
}

/// Runs a case on a store of SQLite.
pub fn on_sqlite(case: impl AsyncFn(&World)) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let world = World::make(false).await.unwrap();
        case(&world).await;
        world.end().await;
    });
}

/// Runs something to its end on a thread and runtime of its own, as another process would.
pub fn aside<F: Future>(work: impl FnOnce() -> F + Send) -> F::Output
where
    F::Output: Send,
{
    std::thread::scope(|scope| {
        let thread = scope
            .spawn(|| tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work()));
        thread.join().unwrap()
    })
}

impl World {
    #[allow(clippy::disallowed_methods, reason = "the one way to tell a test about a server")]
    async fn make(postgres: bool) -> Option<World> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let folder = tempfile::tempdir().unwrap();
        let mut database = None;
        let url = if postgres {
            let Ok(admin) = std::env::var("TENANTRY_TEST_POSTGRES") else {
                eprintln!("skipped: TENANTRY_TEST_POSTGRES is not set");
                return None;
            };
            let name = format!("tenantry_plan_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::SeqCst));
            run(&admin, &format!("CREATE DATABASE {name}")).await;
            let (host, _) = admin.rsplit_once('/').unwrap();
            let url = format!("{host}/{name}");
            database = Some((admin, name));
            StoreUrl::Postgres(url)
        } else {
            StoreUrl::Sqlite(folder.path().join("state/store.db"))
        };
        let clock = Arc::new(TestClock { now: AtomicI64::new(NOW), die_in: AtomicUsize::new(0) });
        let entropy = Arc::new(TestEntropy(AtomicU64::new(COUNT.fetch_add(1, Ordering::SeqCst))));
        let key_file = Some(folder.path().join("keys.json"));
        let options = Options { clock: clock.clone(), entropy: entropy.clone(), key_file };
        let store = Arc::new(Store::open(&url, options).await.unwrap());
        let issuer = Issuer::open(&store, "https://localhost:8443/", clock.clone(), entropy.clone()).await.unwrap();
        let identity = Arc::new(Identity::new(Arc::clone(&store), Arc::new(issuer), clock.clone(), entropy.clone()));
        identity.prepare(&["read:users"]).await.unwrap();
        Some(World { store, clock, entropy, identity, secrets: Arc::default(), folder, database })
    }

    /// Where the store keeps itself.
    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// What references lead to, from now on.
    pub fn know(&self, secrets: &[(&str, &str)]) {
        let secrets = secrets.iter().map(|(name, secret)| ((*name).to_owned(), (*secret).to_owned()));
        self.secrets.0.lock().unwrap().extend(secrets);
    }

    /// A secret that was made for a file, and kept.
    pub async fn kept_secret(&self, address: &str, field: &str) -> Zeroizing<String> {
        self.identity.show_generated(&self.caller(), address, field).await.unwrap().expect("it is kept")
    }

    /// Takes the database away.
    pub async fn end(self) {
        if let Some((admin, name)) = &self.database {
            run(admin, &format!("DROP DATABASE {name} WITH (FORCE)")).await;
        }
    }

    pub fn loaded(&self, text: &str) -> Loaded {
        tenantry_file::load(vec![SourceText::new("tenantry.toml", text)]).unwrap_or_else(|found| panic!("{found:?}"))
    }

    pub fn wish<'a>(&self, loaded: &'a Loaded) -> Wish<'a> {
        Wish { loaded, policy: &NO_RULES.0, catalogs: &NO_RULES.1, sources: &[] }
    }

    /// An engine of a run of its own.
    pub fn engine(&self, run: u64) -> Engine {
        Engine::new(Parts {
            store: Arc::clone(&self.store),
            identity: Arc::clone(&self.identity),
            caller: Caller::operator(format!("apply_{run}_{}", self.entropy.0.fetch_add(1, Ordering::SeqCst))),
            clock: self.clock.clone(),
            entropy: self.entropy.clone(),
            secrets: Arc::clone(&self.secrets) as Arc<dyn Secrets>,
        })
    }

    pub async fn plan(&self, text: &str) -> Plan {
        let loaded = self.loaded(text);
        self.engine(0).plan(&self.wish(&loaded), &Selection::default()).await.unwrap().plan
    }

    pub async fn apply(&self, text: &str) -> Result<Applied, PlanError> {
        let loaded = self.loaded(text);
        let consent = Consent { everything: true, ..Consent::default() };
        self.engine(0).apply(&self.wish(&loaded), &Selection::default(), &consent, None, &mut |_| Flow::On).await
    }

    pub async fn apply_saved(&self, text: &str, saved: &Saved) -> Result<Applied, PlanError> {
        let loaded = self.loaded(text);
        self.engine(0)
            .apply(&self.wish(&loaded), &Selection::default(), &Consent::default(), Some(saved), &mut |_| Flow::On)
            .await
    }

    pub async fn destroy(&self, text: &str) -> Result<Applied, PlanError> {
        let loaded = self.loaded(text);
        let consent = Consent { everything: true, ..Consent::default() };
        self.engine(0).destroy(&self.wish(&loaded), &Selection::default(), &consent, &mut |_| Flow::On).await
    }

    pub async fn drift(&self, text: &str) -> Drift {
        let loaded = self.loaded(text);
        self.engine(0).drift(&self.wish(&loaded), &Selection::default()).await.unwrap()
    }

    /// Applies until the clock says that the process dies; did it?
    pub async fn dies(&self, text: &str) -> bool {
        AssertUnwindSafe(self.apply(text)).catch_unwind().await.is_err()
    }

    fn caller(&self) -> Caller {
        Caller::operator(format!("cli_{}", self.entropy.0.fetch_add(1, Ordering::SeqCst)))
    }

    pub async fn role_names(&self) -> Vec<String> {
        let part = Part::Page { offset: 0, limit: 1_000, total: false };
        let listed = self.identity.roles(&self.caller(), &RoleFilter::default(), &part).await.unwrap();
        listed.items.into_iter().map(|role| role.name).collect()
    }

    async fn role_id(&self, name: &str) -> String {
        let part = Part::Page { offset: 0, limit: 1_000, total: false };
        let listed = self.identity.roles(&self.caller(), &RoleFilter::default(), &part).await.unwrap();
        listed.items.into_iter().find(|role| role.name == name).unwrap().id
    }

    pub async fn make_role(&self, name: &str) -> String {
        let new = NewRole { account: None, name: name.to_owned(), description: None, level: Level::Account };
        self.identity.create_role(&self.caller(), new).await.unwrap().id
    }

    pub async fn describe_role(&self, name: &str, text: &str) {
        let id = self.role_id(name).await;
        let mut change = tenantry_identity::text::Fields::new();
        change.insert("description".to_owned(), text.into());
        self.identity.update_role(&self.caller(), &id, change).await.unwrap();
    }

    pub async fn remove_role(&self, name: &str) {
        let id = self.role_id(name).await;
        self.identity.delete_role(&self.caller(), &id).await.unwrap();
    }
}

async fn run(url: &str, sql: &str) {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
    let connection = tokio::spawn(connection);
    client.batch_execute(sql).await.unwrap();
    drop(client);
    let _ = connection.await;
}
