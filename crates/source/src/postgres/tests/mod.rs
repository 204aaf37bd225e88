//! Against a real server, which `TENANTRY_TEST_POSTGRES` names by a superuser's URL; `cargo xtask
//! test` starts one. Without it these tests say so and pass.

mod admin;
mod catalog;
mod cluster;
mod database;
mod pool;
mod program;
mod runtime;
mod tls;
mod values;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use tenantry_policy::Clock;
use tokio_postgres::{Client, Config, NoTls};

use super::pool::{Lease, Pool};
use crate::{Options, SourceUrl};

/// A clock that stands still until it is moved.
#[derive(Default)]
struct Hand(AtomicU64);

impl Hand {
    fn forward(&self, by: Duration) {
        self.0.fetch_add(u64::try_from(by.as_millis()).unwrap(), Ordering::SeqCst);
    }
}

impl Clock for Hand {
    fn now_micros(&self) -> i64 {
        0
    }

    fn monotonic(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::SeqCst))
    }
}

/// A database of its own, with a runtime role of its own.
struct Database {
    /// As the superuser.
    owner: Client,
    config: Config,
    url: String,
    name: String,
    role: String,
    clock: Arc<Hand>,
}

#[allow(clippy::disallowed_methods, reason = "tests are told where their server is by the environment")]
fn server() -> Option<String> {
    let url = std::env::var("TENANTRY_TEST_POSTGRES").ok();
    if url.is_none() {
        eprintln!("skipped: TENANTRY_TEST_POSTGRES is not set");
    }
    url
}

async fn connect(config: &Config) -> Client {
    let (client, connection) = config.connect(NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

impl Database {
    /// A new database, or `None` when there is no server to test with.
    async fn new() -> Option<Database> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let server = server()?;
        let number = NEXT.fetch_add(1, Ordering::SeqCst);
        let name = format!("source_{}_{number}", std::process::id());
        let role = format!("{name}_app");
        let mut config: Config = server.parse().unwrap();
        connect(&config).await.batch_execute(&format!("CREATE DATABASE {name}")).await.unwrap();
        config.dbname(&name);
        let owner = connect(&config).await;
        owner
            .batch_execute(&format!("CREATE ROLE {role} LOGIN; GRANT USAGE ON SCHEMA public TO {role}"))
            .await
            .unwrap();
        let tokio_postgres::config::Host::Tcp(host) = &config.get_hosts()[0] else { panic!("a host") };
        let url = format!("postgres://{role}@{host}:{}/{name}", config.get_ports()[0]);
        let clock = Arc::new(Hand::default());
        Some(Database { owner, config, url, name, role, clock })
    }

    async fn run(&self, sql: &str) {
        self.owner.batch_execute(sql).await.unwrap();
    }

    /// The URL of the superuser in this database.
    fn owner_url(&self) -> SourceUrl {
        SourceUrl::parse(&self.url.replace(&self.role, self.config.get_user().unwrap())).unwrap()
    }

    fn app_url(&self) -> SourceUrl {
        SourceUrl::parse(&self.url).unwrap()
    }

    fn pool(&self, connections: usize) -> Pool {
        let options = Options { connections, busy: Duration::from_millis(200), ..Options::default() };
        Pool::new(self.url.parse().unwrap(), &options, Arc::clone(&self.clock) as Arc<dyn Clock>)
    }
}

async fn process(lease: &mut Lease) -> i32 {
    let row = lease.session().unwrap().client.query_one("SELECT pg_catalog.pg_backend_pid()", &[]).await.unwrap();
    row.get(0)
}
