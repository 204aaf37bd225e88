#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::disallowed_methods,
    missing_docs,
    reason = "tests"
)]
//! The demo's rows and file on both databases.

use std::collections::BTreeMap;

use tenantry::demo::data::Dataset;
use tenantry::demo::rows::DemoTable;
use tenantry::demo::{file_for, load_postgres, load_sqlite};
use tenantry::output::Progress;
use tenantry_file::{SourceText, Style, compile, load, render};
use tenantry_policy::catalog::{Catalog, Dialect};
use tenantry_source::{SourceUrl, read_catalog};

/// The demo's file must be right, without a warning.
fn check(dialect: Dialect, catalog: Catalog) {
    let text = SourceText::new("tenantry.toml", file_for(dialect));
    let loaded = load(vec![text]).unwrap_or_else(|found| panic!("{}", render(&found, Style::Plain)));
    let compiled = compile(&loaded, &BTreeMap::from([("main".to_owned(), catalog)]))
        .unwrap_or_else(|found| panic!("{}", render(&found, Style::Plain)));
    assert!(compiled.warnings.is_empty(), "{}", render(&compiled.warnings, Style::Plain));
    assert_eq!(compiled.policy.tables.len(), DemoTable::ALL.len());
}

#[tokio::test]
async fn the_file_fits_the_sqlite_tables() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("demo.sqlite");
    load_sqlite::load(&path, &Dataset::generate(1, 1_000), &Progress::hidden()).unwrap();
    let url = SourceUrl::parse(&format!("sqlite:{}", path.display())).unwrap();
    check(Dialect::Sqlite, read_catalog(&url).await.unwrap());
}

#[tokio::test]
async fn the_rows_and_the_file_fit_postgres() {
    let Ok(server) = std::env::var("TENANTRY_TEST_POSTGRES") else {
        eprintln!("skipped: TENANTRY_TEST_POSTGRES is not set (run `cargo xtask test`)");
        return;
    };
    let name = format!("demo_{}", std::process::id());
    let mut config: tokio_postgres::Config = server.parse().unwrap();
    let admin = connect(&config).await;
    admin.batch_execute(&format!("CREATE DATABASE {name}")).await.unwrap();
    config.dbname(&name);
    let mut owner = connect(&config).await;
    let data = Dataset::generate(1, 4_000);
    load_postgres::load(&mut owner, &data, &Progress::hidden()).await.unwrap();
    let mut total = 0;
    for table in DemoTable::ALL {
        let row = owner.query_one(&format!("SELECT count(*) FROM {}", table.name()), &[]).await.unwrap();
        total += row.get::<_, i64>(0);
    }
    assert_eq!(usize::try_from(total).unwrap(), data.rows());
    let row = owner.query_one(
        "SELECT email, floor(extract(epoch FROM created_at) * 1000000)::bigint FROM customers WHERE id = 1",
        &[],
    );
    let row = row.await.unwrap();
    assert_eq!(
        (row.get::<_, String>(0), row.get::<_, i64>(1)),
        (data.customers[0].email.clone(), data.customers[0].created_at)
    );
    // New rows go on after the loaded keys.
    let row = owner
        .query_one("INSERT INTO documents (tenant_id, owner_id, title, body, is_confidential, created_at) VALUES ('x', 'y', 't', 'b', false, now()) RETURNING id", &[])
        .await
        .unwrap();
    assert_eq!(row.get::<_, i64>(0), data.documents.last().unwrap().id + 1);
    let (place, _) = server.rsplit_once('/').unwrap();
    let url = SourceUrl::parse(&format!("{place}/{name}")).unwrap();
    check(Dialect::Postgres, read_catalog(&url).await.unwrap());
    drop(owner);
    let _ = admin.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).await;
}

async fn connect(config: &tokio_postgres::Config) -> tokio_postgres::Client {
    let (client, connection) = config.connect(tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}
