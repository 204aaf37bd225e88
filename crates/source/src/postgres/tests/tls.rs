//! All that a source sends goes through TLS where its URL wants that.

#[path = "../../../../tls/tests/support/cluster.rs"]
mod cluster;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tenantry_tls::Refusal;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use self::cluster::{Cluster, Shown};
use super::super::admin::Admin;
use super::Hand;
use crate::{Options, Source, SourceError, SourceUrl};

/// Makes a runtime role, and answers its address instead of the superuser's.
async fn runtime(cluster: &Cluster, url: &str) -> String {
    let mut admin = Admin::connect(&SourceUrl::parse(&cluster.url()).unwrap()).await.unwrap();
    admin.apply(&["CREATE ROLE app LOGIN".to_owned()]).await.unwrap();
    url.replace("postgres@", "app@")
}

async fn open(url: &str) -> Result<Source, SourceError> {
    Source::open("main", &SourceUrl::parse(url).unwrap(), Options::default(), Arc::new(Hand::default())).await
}

#[tokio::test]
async fn a_source_speaks_tls_or_not_at_all() {
    let Some(cluster) = Cluster::start(Shown::Good) else { return };
    let url = runtime(&cluster, &cluster.url()).await;
    let source = open(&url).await.unwrap();
    let pool = match &source.backend {
        crate::Backend::Postgres(postgres) => postgres.pool.clone(),
        crate::Backend::Sqlite(_) => panic!("PostgreSQL"),
    };
    let mut lease = pool.lease().await.unwrap();
    let asked = "SELECT ssl FROM pg_catalog.pg_stat_ssl WHERE pid = pg_catalog.pg_backend_pid()";
    assert!(lease.session().unwrap().client.query_one(asked, &[]).await.unwrap().get::<_, bool>(0));
    drop(lease);

    let stranger = cluster.stranger_file();
    let stranger = url.replace(cluster.authority_file().to_str().unwrap(), stranger.to_str().unwrap());
    let other = url.replace(cluster::NAME, "other.tenantry.test");
    for (url, expected) in [(&stranger, Refusal::Authority), (&other, Refusal::Name)] {
        refused(url, expected).await;
    }
    cluster.restart(Shown::Expired);
    refused(&url, Refusal::Expired).await;
    cluster.restart(Shown::Nothing);
    refused(&url, Refusal::NotOffered).await;
    // The pool that was open has lost its connections, and makes none without TLS.
    assert_eq!(source.health().await.unwrap_err(), SourceError::Tls(Refusal::NotOffered));
}

/// By every way to a database; and no error tells where it is.
async fn refused(url: &str, refusal: Refusal) {
    let expected = SourceError::Tls(refusal);
    let parsed = SourceUrl::parse(url).unwrap();
    assert_eq!(open(url).await.unwrap_err(), expected);
    assert_eq!(crate::read_catalog(&parsed).await.unwrap_err(), expected);
    assert_eq!(Admin::connect(&parsed).await.unwrap_err(), expected);
    let told = format!("{expected} {expected:?} {}", expected.hint());
    for secret in ["tenantry.test", "127.0.0.1", "/tmp"] {
        assert!(!told.contains(secret), "{told}");
    }
}

/// What clients said on each of their connections, which it hands on to the server.
type Heard = Arc<Mutex<Vec<Vec<u8>>>>;

async fn overhear(server: u16) -> (u16, Heard) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let heard = Heard::default();
    let notes = Arc::clone(&heard);
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let server = TcpStream::connect(("127.0.0.1", server)).await.unwrap();
            let place = notes.lock().unwrap().len();
            notes.lock().unwrap().push(Vec::new());
            let notes = Arc::clone(&notes);
            let ((mut from_client, mut to_client), (mut from_server, mut to_server)) =
                (client.into_split(), server.into_split());
            tokio::spawn(async move { tokio::io::copy(&mut from_server, &mut to_client).await });
            tokio::spawn(async move {
                let mut chunk = [0; 4096];
                while let Ok(count @ 1..) = from_client.read(&mut chunk).await {
                    notes.lock().unwrap()[place].extend(&chunk[..count]);
                    if to_server.write_all(&chunk[..count]).await.is_err() {
                        break;
                    }
                }
            });
        }
    });
    (port, heard)
}

#[tokio::test]
async fn asking_the_server_to_cancel_goes_through_tls_too() {
    let Some(cluster) = Cluster::start(Shown::Good) else { return };
    let (port, heard) = overhear(cluster.port()).await;
    let url = runtime(&cluster, &cluster.url_at(port)).await;
    let pool = super::Pool::new(url.parse().unwrap(), &Options::default(), Arc::new(Hand::default()));
    let mut lease = pool.lease().await.unwrap();
    let watcher = super::super::session::Session::open(&cluster.url().parse().unwrap(), 1).await.unwrap();
    let asleep = "SELECT count(*) FROM pg_catalog.pg_stat_activity WHERE wait_event = 'PgSleep'";
    let asleep = async || watcher.client.query_one(asleep, &[]).await.unwrap().get::<_, i64>(0) > 0;
    {
        let client = &lease.session().unwrap().client;
        let mut sleep = std::pin::pin!(client.batch_execute("SELECT pg_catalog.pg_sleep(600)"));
        tokio::select! {
            _ = &mut sleep => panic!("it sleeps for longer"),
            () = async { while !asleep().await {} } => {}
        }
    }
    assert_eq!(heard.lock().unwrap().len(), 1);
    drop(lease);
    // The server notices a lost connection only when it next writes: what ends the sleep is the request.
    let ended = async { while asleep().await {} };
    tokio::time::timeout(Duration::from_secs(20), ended).await.unwrap();

    let heard = heard.lock().unwrap().clone();
    assert_eq!(heard.len(), 2, "one connection, and one to cancel");
    for said in heard {
        // SSLRequest, then a record of a handshake: nothing else was said in the clear.
        assert_eq!(said[..8], [0, 0, 0, 8, 4, 210, 22, 47]);
        assert_eq!(said[8..10], [22, 3]);
        // CancelRequest's code.
        assert!(!said.windows(4).any(|four| four == [4, 210, 22, 46]));
    }
}
