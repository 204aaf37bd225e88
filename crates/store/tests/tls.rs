//! The store speaks TLS with PostgreSQL where its address wants that, or does not speak at all.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    missing_docs,
    reason = "tests"
)]
#![allow(dead_code, reason = "this test uses a part of the bench")]

mod bench;
#[path = "../../tls/tests/support/cluster.rs"]
mod cluster;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64};

use bench::{NOW, TestClock, TestEntropy, fill, sound};
use cluster::{Cluster, NAME, Shown};
use tempfile::TempDir;
use tenantry_store::{Options, Store, StoreError, StoreUrl};
use tenantry_tls::{Address, AddressError, Refusal};

async fn open(folder: &TempDir, url: &str) -> Result<Store, StoreError> {
    let clock = Arc::new(TestClock(AtomicI64::new(NOW)));
    let entropy = Arc::new(TestEntropy(AtomicU64::new(1)));
    let key_file = Some(folder.path().join("keys.json"));
    Store::open(&StoreUrl::parse(url).unwrap(), Options { clock, entropy, key_file }).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_store_speaks_tls_or_not_at_all() {
    let Some(cluster) = Cluster::start(Shown::Good) else { return };
    let folder = tempfile::tempdir().unwrap();
    let url = cluster.url();
    let store = open(&folder, &url).await.unwrap();
    fill(&store, "acme", 20).await;
    sound(&store).await;

    let address = Address::parse(&url).unwrap();
    let (client, connection) = address.config().connect(address.connector().unwrap()).await.unwrap();
    tokio::spawn(connection);
    let asked = "SELECT count(*), count(*) FILTER (WHERE s.ssl) FROM pg_catalog.pg_stat_activity a \
         JOIN pg_catalog.pg_stat_ssl s USING (pid) WHERE a.application_name = 'tenantry-store'";
    let row = client.query_one(asked, &[]).await.unwrap();
    let (all, encrypted): (i64, i64) = (row.get(0), row.get(1));
    assert!(all > 0 && all == encrypted, "{encrypted} of {all}");

    let stranger = url.replace(cluster.authority_file().to_str().unwrap(), cluster.stranger_file().to_str().unwrap());
    refused(&folder, &stranger, Refusal::Authority).await;
    refused(&folder, &url.replace(NAME, "other.tenantry.test"), Refusal::Name).await;
    cluster.restart(Shown::Expired);
    refused(&folder, &url, Refusal::Expired).await;
    cluster.restart(Shown::Nothing);
    refused(&folder, &url, Refusal::NotOffered).await;
    // A record that cannot be kept is not said to be: the store that was open does not go on without TLS.
    let error = store.append(bench::entry("acme", 99)).await.unwrap_err();
    assert!(matches!(error, StoreError::Tls(Refusal::NotOffered) | StoreError::Unavailable { .. }), "{error:?}");
}

async fn refused(folder: &TempDir, url: &str, refusal: Refusal) {
    let Err(error) = open(folder, url).await else { panic!("it opens: {refusal:?}") };
    assert_eq!(error, StoreError::Tls(refusal));
    assert_eq!((error.code(), error.hint()), ("STORE_TLS", Some(refusal.hint())));
    let told = format!("{error} {error:?}");
    assert!(!told.contains("tenantry.test") && !told.contains("127.0.0.1") && !told.contains("/tmp"), "{told}");
}

#[tokio::test]
async fn an_address_that_cannot_be_meant_is_refused_without_its_password() {
    let folder = tempfile::tempdir().unwrap();
    for (parameter, expected) in [
        ("sslmode=allow", AddressError::Mode),
        ("sslmode=verify-ca", AddressError::OwnAuthority),
        ("nonsense=1", AddressError::Unknown),
    ] {
        let url = format!("postgres://app:s3cret@db.example/x?{parameter}");
        let Err(error) = open(&folder, &url).await else { panic!("it opens") };
        assert_eq!(error, StoreError::Postgres(expected));
        assert!(!format!("{error} {error:?}").contains("s3cret"));
    }
}
