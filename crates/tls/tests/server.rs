//! Against real servers with certificates of every kind.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    missing_docs,
    reason = "tests"
)]

#[path = "support/cluster.rs"]
mod cluster;

use cluster::{Cluster, NAME, Shown};
use tenantry_tls::{Address, Refusal};
use tokio_postgres::Client;

/// How a connection came about.
#[derive(Debug, PartialEq, Eq)]
enum Met {
    /// By this version of TLS.
    Tls(String),
    /// Without TLS.
    Plain,
    Refused(Refusal),
}

async fn client(url: &str) -> Result<Client, Refusal> {
    let address = Address::parse(url).unwrap();
    let connected = address.config().connect(address.connector()?).await;
    let (client, connection) = connected
        .map_err(|error| Refusal::of(&error).unwrap_or_else(|| panic!("no refusal of TLS, but: {error:?}")))?;
    tokio::spawn(connection);
    Ok(client)
}

async fn meet(url: &str) -> Met {
    match client(url).await {
        Err(refusal) => Met::Refused(refusal),
        Ok(client) => {
            let asked = "SELECT ssl, version FROM pg_catalog.pg_stat_ssl WHERE pid = pg_catalog.pg_backend_pid()";
            let row = client.query_one(asked, &[]).await.unwrap();
            if row.get(0) { Met::Tls(row.get(1)) } else { Met::Plain }
        }
    }
}

#[tokio::test]
async fn only_the_server_that_the_address_names_is_spoken_to() {
    let Some(cluster) = Cluster::start(Shown::Good) else { return };
    let ours = format!("sslrootcert={}", cluster.authority_file().display());
    let stranger = format!("sslrootcert={}", cluster.stranger_file().display());
    let (ours, stranger) = (ours.as_str(), stranger.as_str());
    let named = format!("{NAME}:{}", cluster.port());
    let other = format!("other.tenantry.test:{}", cluster.port());
    let loopback = format!("127.0.0.1:{}", cluster.port());
    // Leads to the loopback, and is none by its name: as a host elsewhere.
    let elsewhere = format!("0.0.0.0:{}", cluster.port());
    let tls = || Met::Tls("TLSv1.3".to_owned());
    let refused = Met::Refused;
    let mut now = Shown::Good;
    for (shown, host, parameters, expected) in [
        (Shown::Good, &named, vec!["sslmode=verify-full", ours], tls()),
        (Shown::Good, &named, vec!["sslmode=require", ours], tls()),
        (Shown::Good, &named, vec![ours], tls()),
        (Shown::Good, &named, vec!["sslmode=verify-ca", ours], tls()),
        (Shown::Good, &loopback, vec!["sslmode=verify-full", ours], tls()),
        (Shown::Good, &other, vec!["sslmode=verify-full", ours], refused(Refusal::Name)),
        (Shown::Good, &other, vec!["sslmode=require", ours], refused(Refusal::Name)),
        (Shown::Good, &other, vec!["sslmode=verify-ca", ours], tls()),
        (Shown::Good, &elsewhere, vec![ours], refused(Refusal::Name)),
        (Shown::Good, &named, vec!["sslmode=verify-full", stranger], refused(Refusal::Authority)),
        (Shown::Good, &named, vec!["sslmode=require", stranger], refused(Refusal::Authority)),
        (Shown::Good, &named, vec!["sslmode=verify-ca", stranger], refused(Refusal::Authority)),
        (Shown::Good, &loopback, vec![], Met::Plain),
        (Shown::Good, &loopback, vec!["sslmode=prefer"], Met::Plain),
        (Shown::Good, &named, vec!["sslmode=disable"], Met::Plain),
        (Shown::Old, &named, vec!["sslmode=verify-full", ours], Met::Tls("TLSv1.2".to_owned())),
        (Shown::Old, &named, vec!["sslmode=verify-full", stranger], refused(Refusal::Authority)),
        (Shown::Old, &other, vec!["sslmode=verify-ca", ours], Met::Tls("TLSv1.2".to_owned())),
        (Shown::Expired, &named, vec!["sslmode=verify-full", ours], refused(Refusal::Expired)),
        (Shown::Expired, &named, vec!["sslmode=verify-ca", ours], refused(Refusal::Expired)),
        (Shown::Early, &named, vec!["sslmode=verify-full", ours], refused(Refusal::NotYet)),
        (Shown::Authority, &named, vec!["sslmode=verify-full", ours], refused(Refusal::Certificate)),
        (Shown::Nothing, &named, vec!["sslmode=verify-full", ours], refused(Refusal::NotOffered)),
        (Shown::Nothing, &named, vec!["sslmode=verify-ca", ours], refused(Refusal::NotOffered)),
        (Shown::Nothing, &named, vec!["sslmode=require", ours], refused(Refusal::NotOffered)),
        (Shown::Nothing, &elsewhere, vec![ours], refused(Refusal::NotOffered)),
        (Shown::Nothing, &elsewhere, vec!["sslmode=prefer", ours], refused(Refusal::NotOffered)),
        (Shown::Nothing, &elsewhere, vec!["sslmode=disable"], Met::Plain),
        (Shown::Nothing, &loopback, vec![], Met::Plain),
    ] {
        if now != shown {
            cluster.restart(shown);
            now = shown;
        }
        let mut url = format!("postgres://postgres@{host}/postgres?connect_timeout=10");
        if host == &named || host == &other {
            url.push_str("&hostaddr=127.0.0.1");
        }
        for parameter in parameters {
            url.push('&');
            url.push_str(parameter);
        }
        assert_eq!(meet(&url).await, expected, "{shown:?} {url}");
    }
}

#[tokio::test]
async fn no_word_about_tls_means_tls_where_a_host_is_elsewhere() {
    let Some(cluster) = Cluster::start(Shown::Nothing) else { return };
    let url = format!("postgres://postgres@0.0.0.0:{}/postgres", cluster.port());
    // A machine that has no authorities refuses for that.
    let refusals = [Met::Refused(Refusal::NotOffered), Met::Refused(Refusal::NoAuthorities)];
    assert!(refusals.contains(&meet(&url).await));
    cluster.restart(Shown::Good);
    let refusals = [Met::Refused(Refusal::Authority), Met::Refused(Refusal::NoAuthorities)];
    assert!(refusals.contains(&meet(&url).await));
}

#[tokio::test]
async fn a_login_is_bound_to_the_servers_certificate() {
    let Some(cluster) = Cluster::start(Shown::Good) else { return };
    let owner = client(&cluster.url()).await.unwrap();
    owner.batch_execute("CREATE ROLE bound LOGIN PASSWORD 's3cret'").await.unwrap();
    let url = cluster.url().replace("postgres@", "bound:s3cret@");
    for url in [[&url, "&channel_binding=require"].concat(), [&url, "&channel_binding=disable"].concat(), url] {
        assert_eq!(meet(&url).await, Met::Tls("TLSv1.3".to_owned()), "{url}");
    }
    // Without TLS there is nothing to bind to.
    let plain = format!("postgres://bound:s3cret@127.0.0.1:{}/postgres?channel_binding=require", cluster.port());
    let address = Address::parse(&plain).unwrap();
    assert!(address.config().connect(address.connector().unwrap()).await.is_err());
}

#[tokio::test]
async fn a_statement_is_cancelled() {
    let Some(cluster) = Cluster::start(Shown::Good) else { return };
    let address = Address::parse(&cluster.url()).unwrap();
    let connector = address.connector().unwrap();
    let client = client(&cluster.url()).await.unwrap();
    let token = client.cancel_token();
    let watcher = self::client(&cluster.url()).await.unwrap();
    let asleep = "SELECT count(*) FROM pg_catalog.pg_stat_activity WHERE wait_event = 'PgSleep'";
    let cancel = async {
        while watcher.query_one(asleep, &[]).await.unwrap().get::<_, i64>(0) == 0 {}
        token.cancel_query(connector).await
    };
    let (slept, cancelled) = tokio::join!(client.batch_execute("SELECT pg_catalog.pg_sleep(60)"), cancel);
    cancelled.unwrap();
    assert_eq!(slept.unwrap_err().code(), Some(&tokio_postgres::error::SqlState::QUERY_CANCELED));
}
