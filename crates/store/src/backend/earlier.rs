//! Stores that an earlier version made are brought up to date and keep what they hold; one that a later version made
//! is refused.

use std::sync::Arc;
use std::time::Duration;

use refinery::Target;
use rusqlite::Connection;
use tenantry_policy::ambient::NoEntropy;
use tenantry_policy::{Clock, Entropy};

use super::{MIGRATION_TABLE, MIGRATIONS, postgres_runner, runner};
use crate::{Options, Store, StoreError, StoreUrl};

struct Still;

impl Clock for Still {
    fn now_micros(&self) -> i64 {
        1
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}

impl Entropy for Still {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoEntropy> {
        bytes.fill(42);
        Ok(())
    }
}

/// What a store of each version may hold besides what earlier ones hold: a statement, and one that counts it.
const ROWS: [(&str, &str); 4] = [
    ("SELECT 1", "SELECT 1"),
    (
        "INSERT INTO tenantry_account (id, name, tenant_id, status, doc, version, created_micros, updated_micros) \
         VALUES ('org_1', 'acme', 'acme', 'active', '{}', 1, 1, 1)",
        "SELECT count(*) FROM tenantry_account WHERE id = 'org_1' AND doc = '{}'",
    ),
    (
        "INSERT INTO tenantry_managed (target, address, kind, hash, prints, applied_micros) \
         VALUES ('identity', 'account.acme', 'account', '', '{}', 1)",
        "SELECT count(*) FROM tenantry_managed WHERE address = 'account.acme'",
    ),
    (
        "INSERT INTO tenantry_model_answer (owner, id, model, upstream, expires_micros) VALUES ('o', 'i', 'm', 'u', 1)",
        "SELECT count(*) FROM tenantry_model_answer WHERE owner = 'o'",
    ),
];

fn options(folder: &std::path::Path) -> Options {
    Options { clock: Arc::new(Still), entropy: Arc::new(Still), key_file: Some(folder.join("keys.json")) }
}

fn version(number: usize) -> Target {
    Target::Version(number.try_into().unwrap())
}

#[test]
fn every_earlier_version_is_brought_up_to_date_on_sqlite() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for number in 1..=MIGRATIONS.len() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.db");
        let mut connection = Connection::open(&path).unwrap();
        let mut runner = runner().unwrap();
        runner = runner.set_target(version(number));
        runner.run(&mut connection).unwrap();
        for (insert, _) in ROWS.iter().take(number) {
            connection.execute_batch(insert).unwrap();
        }
        drop(connection);
        #[cfg(unix)]
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        let url = StoreUrl::parse(&format!("sqlite:{}", path.display())).unwrap();
        let store = runtime.block_on(Store::open(&url, options(folder.path()))).unwrap();
        if number >= 2 {
            let account = runtime.block_on(store.account("org_1")).unwrap().unwrap();
            assert_eq!(account.tenant_id, "acme", "from {number}");
        }
        if (2..5).contains(&number) {
            assert_eq!(runtime.block_on(store.count_accounts()), Ok(1), "counted as the table grew to be counted");
        }
        drop(store);
        let connection = Connection::open(&path).unwrap();
        let count = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
        for (_, kept) in ROWS.iter().take(number) {
            assert_eq!(count(kept), 1, "{kept} from {number}");
        }
        let ran = count(&format!("SELECT count(*) FROM {MIGRATION_TABLE}"));
        assert_eq!(usize::try_from(ran), Ok(MIGRATIONS.len()), "from {number}");
        // A later version has been here.
        connection
            .execute_batch(&format!(
                "INSERT INTO {MIGRATION_TABLE} VALUES (9999, 'later', '2030-01-01T00:00:00Z', '1')"
            ))
            .unwrap();
        let refused = runtime.block_on(Store::open(&url, options(folder.path())));
        assert!(matches!(refused, Err(StoreError::Database { .. })), "{refused:?}");
    }
}

#[test]
#[allow(clippy::disallowed_methods, reason = "the test command hands the cluster over")]
fn every_earlier_version_is_brought_up_to_date_on_postgresql() {
    let Ok(cluster) = std::env::var("TENANTRY_TEST_POSTGRES") else {
        // The conformance suite says that PostgreSQL is left out.
        return;
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let connect = async |url: &str| {
            let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
            tokio::spawn(connection);
            client
        };
        let admin = connect(&cluster).await;
        for number in 1..=MIGRATIONS.len() {
            let folder = tempfile::tempdir().unwrap();
            let name = format!("earlier_{}_{number}", std::process::id());
            admin.batch_execute(&format!("CREATE DATABASE {name}")).await.unwrap();
            let url = format!("{}/{name}", cluster.rsplit_once('/').unwrap().0);
            let mut client = connect(&url).await;
            let runner = postgres_runner().unwrap().set_target(version(number));
            runner.run_async(&mut client).await.unwrap();
            for (insert, _) in ROWS.iter().take(number) {
                client.batch_execute(insert).await.unwrap();
            }
            let store = Store::open(&StoreUrl::parse(&url).unwrap(), options(folder.path())).await.unwrap();
            for (_, kept) in ROWS.iter().take(number).skip(1) {
                assert_eq!(client.query_one(*kept, &[]).await.unwrap().get::<_, i64>(0), 1, "{kept} from {number}");
            }
            if (2..5).contains(&number) {
                assert_eq!(store.count_accounts().await, Ok(1));
            }
            drop((store, client));
            admin.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).await.unwrap();
        }
    });
}
