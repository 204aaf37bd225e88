//! A store to test with, on either database, and a way to change it from outside.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use tempfile::TempDir;
use tenantry_policy::ambient::NoEntropy;
use tenantry_policy::{Clock, Entropy};
use tenantry_store::{Entry, Head, Options, Phase, Store, StoreError, StoreUrl, VerifyReport};
use tokio_postgres::NoTls;

pub(crate) const NOW: i64 = 1_800_000_000_000_000;

pub(crate) struct TestClock(pub(crate) AtomicI64);

impl Clock for TestClock {
    fn now_micros(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}

/// Seeded bytes, good enough for a test.
pub(crate) struct TestEntropy(pub(crate) AtomicU64);

impl Entropy for TestEntropy {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoEntropy> {
        for byte in bytes {
            let state = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::SeqCst);
            *byte = u8::try_from((state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 56).unwrap();
        }
        Ok(())
    }
}

/// Where a store under test lives.
pub(crate) struct Bench {
    pub(crate) folder: TempDir,
    pub(crate) clock: Arc<TestClock>,
    url: StoreUrl,
    database: Option<Database>,
}

struct Database {
    admin: String,
    url: String,
    name: String,
}

impl Bench {
    pub(crate) fn sqlite() -> Bench {
        let folder = tempfile::tempdir().unwrap();
        let url = StoreUrl::Sqlite(folder.path().join("state/store.db"));
        Bench { folder, clock: Arc::new(TestClock(AtomicI64::new(NOW))), url, database: None }
    }

    /// A database of its own on the server of `TENANTRY_TEST_POSTGRES`; `None` when that is not set.
    #[allow(clippy::disallowed_methods, reason = "the one way to tell a test about a server")]
    pub(crate) async fn postgres() -> Option<Bench> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let Ok(admin) = std::env::var("TENANTRY_TEST_POSTGRES") else {
            eprintln!("skipped: TENANTRY_TEST_POSTGRES is not set");
            return None;
        };
        let name = format!("tenantry_store_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::SeqCst));
        run_postgres(&admin, &format!("CREATE DATABASE {name}")).await;
        let (server, query) = admin.split_once('?').unwrap_or((&admin, ""));
        let (host, _) = server
            .rsplit_once('/')
            .filter(|(host, _)| host.contains("://") && !host.ends_with('/'))
            .unwrap_or((server, ""));
        let url = format!("{host}/{name}?{query}");
        let database = Some(Database { admin, url: url.clone(), name });
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(TestClock(AtomicI64::new(NOW)));
        Some(Bench { folder, clock, url: StoreUrl::Postgres(url), database })
    }

    pub(crate) fn key_file(&self) -> PathBuf {
        self.folder.path().join("keys.json")
    }

    pub(crate) async fn open(&self) -> Store {
        self.open_with(self.key_file(), 1).await.unwrap()
    }

    pub(crate) async fn open_with(&self, key_file: PathBuf, seed: u64) -> Result<Store, StoreError> {
        let entropy = Arc::new(TestEntropy(AtomicU64::new(seed)));
        let clock: Arc<TestClock> = self.clock.clone();
        Store::open(&self.url, Options { clock, entropy, key_file: Some(key_file) }).await
    }

    /// Opens the store on PostgreSQL by another way to it: another host and port.
    #[allow(dead_code, reason = "not every test has another way")]
    pub(crate) async fn open_by(&self, way: &str) -> Store {
        let (direct, url) = (self.server(), self.database.as_ref().unwrap().url.as_str());
        assert!(url.contains(&direct), "{direct} is not in the address");
        let bench = Bench {
            folder: tempfile::tempdir().unwrap(),
            clock: Arc::clone(&self.clock),
            url: StoreUrl::Postgres(url.replacen(&direct, way, 1)),
            database: None,
        };
        bench.open_with(self.key_file(), 1).await.unwrap()
    }

    /// `host:port` of the server.
    #[allow(dead_code, clippy::panic, reason = "not every test has another way; a test")]
    pub(crate) fn server(&self) -> String {
        let config: tokio_postgres::Config = self.database.as_ref().unwrap().url.parse().unwrap();
        match (config.get_hosts(), config.get_ports()) {
            ([tokio_postgres::config::Host::Tcp(host)], [port]) => format!("{host}:{port}"),
            other => panic!("one TCP address with its port is needed: {other:?}"),
        }
    }

    pub(crate) fn database_file(&self) -> Option<PathBuf> {
        match &self.url {
            StoreUrl::Sqlite(path) => Some(path.clone()),
            _ => None,
        }
    }

    /// Runs statements behind the store's back.
    pub(crate) async fn outside(&self, sql: &str) {
        match &self.database {
            Some(database) => run_postgres(&database.url, sql).await,
            None => {
                let connection = rusqlite::Connection::open(self.database_file().unwrap()).unwrap();
                connection.busy_timeout(Duration::from_secs(5)).unwrap();
                connection.execute_batch(sql).unwrap();
            }
        }
    }

    /// Where a SQLite store has its journal.
    pub(crate) fn journal_file(&self) -> Option<PathBuf> {
        self.database_file().map(|file| file.with_extension("db.journal"))
    }

    /// Takes the journal, if there is one, out of the way.
    pub(crate) fn keep_journal(&self) {
        if let Some(file) = self.journal_file() {
            std::fs::rename(&file, file.with_extension("kept")).unwrap();
        }
    }

    pub(crate) fn restore_journal(&self) {
        if let Some(file) = self.journal_file() {
            std::fs::rename(file.with_extension("kept"), &file).unwrap();
        }
    }

    /// Removes the database; a SQLite one goes with its folder.
    pub(crate) async fn end(self) {
        if let Some(database) = &self.database {
            run_postgres(&database.admin, &format!("DROP DATABASE {} WITH (FORCE)", database.name)).await;
        }
    }
}

async fn run_postgres(url: &str, sql: &str) {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    let running = tokio::spawn(connection);
    client.batch_execute(sql).await.unwrap();
    drop(client);
    running.await.unwrap().unwrap();
}

/// An entry like those of the guard.
pub(crate) fn entry(account: &str, number: i64) -> Entry {
    let mut entry = Entry::started(&format!("req-{account}-{number}"), account, "query", NOW + number);
    entry.workspace = Some("prod".to_owned());
    entry.user = Some(format!("user{}@example.com", number % 3));
    entry.client = Some("console".to_owned());
    entry.model = Some(if number % 2 == 0 { "orders" } else { "customers" }.to_owned());
    entry.request_digest = "ab".repeat(32);
    entry.inputs = Some(format!(r#"{{"model":"orders","where":{{"field":"id","op":"eq","value":{number}}}}}"#));
    entry.reasons = vec!["table.orders.scope[0]".to_owned(), "role.viewer".to_owned()];
    entry.scopes = Some(r#""tenant_id" = :principal.tenant_id"#.to_owned());
    entry.policy_version = "v1".to_owned();
    entry
}

/// The report of a store in which nothing is wrong.
pub(crate) async fn sound(store: &Store) -> VerifyReport {
    let report = store.verify(None, &[]).await.unwrap();
    assert!(report.is_sound(), "{report:?}");
    report
}

/// Appends calls with a start and an end each; answers the head after every call.
pub(crate) async fn fill(store: &Store, account: &str, calls: i64) -> Vec<Head> {
    let mut heads = Vec::new();
    for number in 0..calls {
        let start = entry(account, number);
        let receipt = store.append(start.clone()).await.unwrap();
        let mut end = start.ended(&receipt, Phase::Completed, NOW + number + 1);
        end.rows = Some(number);
        end.duration_micros = Some(120);
        let receipt = store.append(end).await.unwrap();
        heads.push(Head { account: account.to_owned(), seq: receipt.seq, hash: receipt.hash });
    }
    heads
}
